"""What to tell the memory's managers once something large has been loaded."""

import ctypes
import gc
import sys


def give_back() -> None:
    """Return what is free to the system, where the C library can.

    glibc keeps the room that small objects left behind: after a catalogue of 50,000 contents was loaded
    that is some hundred megabytes, which no later allocation of another size would use.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none
        if trim is not None:
            trim(0)


# Objects made and not yet freed before they are searched for cycles, and how many such searches make a wider one.
# Python's own 700 is passed by every request while it still holds all of them; what it leaves in cycles is some 50.
SEARCHED_AFTER = (20_000, 10, 10)


def settle() -> None:
    """Exempt what is loaded now from the search for cycles, which would walk half a million objects again and again.

    Its pauses, some hundred milliseconds each, were the slowest requests. What is dropped later is still
    freed as its last reference goes. What is made from now on is searched less often.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*SEARCHED_AFTER)
