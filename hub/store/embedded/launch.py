"""Become `mongod`, tied to the life of the hub that forked this process.

    hub (main thread) --fork/exec--> python launch.py HUB_PID mongod ... --exec--> mongod ...

Run as a program of its own, in isolated mode, because between fork and exec a process that has
threads may run next to nothing; `subprocess`'s `preexec_fn` would run Python there. On Linux the
kernel then sends SIGTERM to the server when the *thread* that forked it ends: the hub forks from the
thread of its event loop, which lives as long as the hub needs the server. Elsewhere (macOS) a server
whose hub was killed stays, and the next hub on its data directory ends it.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def main(hub_pid: int, command: list[str]) -> None:
    """Ask to be ended with the hub, then become `command`."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != hub_pid:  # it died before the kernel was asked
        sys.exit(1)
    os.execv(command[0], command)  # noqa: S606  (the hub chose the program)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
