"""What the driver raises, in the hub's own words.

DuplicateKeyError, WriteConflict                      -> Conflict
no primary, connection lost, no majority, out of time -> Unavailable
DocumentTooLarge                                      -> TooLarge
anything else                                         -> as it is: a bug, not an expected failure
"""

import functools
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import ParamSpec, TypeVar

from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    DocumentTooLarge,
    DuplicateKeyError,
    OperationFailure,
    PyMongoError,
    WaitQueueTimeoutError,
)

from hub.errors import Conflict, TooLarge, TuttiError, Unavailable

P = ParamSpec("P")
R = TypeVar("R")

DUPLICATE_KEY, WRITE_CONFLICT = 11000, 112
# NotPrimary and its kin, shutdown, interruption, exceeded time, lost majority, full disk: the store's
# state, not the request's fault.
PASSING = frozenset({
    6, 7, 50, 63, 64, 79, 89, 91, 100, 133, 150, 189, 202, 262, 317, 358, 9001, 10107, 11600, 11602, 13388, 13435,
    13436, 14031,
})  # fmt: skip


def store_faults() -> "StoreFaults":
    """Return a guard to put around driver calls with `with`, or on a coroutine function as decorator."""
    return StoreFaults()


class StoreFaults:
    """Translates driver errors into `hub.errors`; see the module's table."""

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, (PyMongoError, DocumentTooLarge)):  # the latter is one of BSON's errors
            translated = translate(error)
            if translated is not None:
                raise translated from error

    def __call__(self, function: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
        """Guard a coroutine function."""

        @functools.wraps(function)
        async def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            with self:
                return await function(*args, **kwargs)

        return guarded


def translate(error: PyMongoError | DocumentTooLarge) -> TuttiError | None:
    """Return the hub's error for a driver's, or None where it is no expected failure."""
    if isinstance(error, DocumentTooLarge):
        return TooLarge("this is more than one document can hold (16 MB)")
    if isinstance(error, BulkWriteError):
        return _of_bulk(error)
    if isinstance(error, DuplicateKeyError):
        return Conflict("something with the same key is there already")
    if isinstance(error, (ConnectionFailure, WaitQueueTimeoutError)) or error.timeout:
        return _unavailable()
    if isinstance(error, OperationFailure):
        if error.code == WRITE_CONFLICT:
            return Conflict("somebody else changed this at the same moment; try again")
        if error.code in PASSING or error.has_error_label("TransientTransactionError"):
            return _unavailable()
    return None


def _of_bulk(error: BulkWriteError) -> TuttiError | None:
    details = error.details or {}
    codes = {fault.get("code") for fault in details.get("writeErrors", ())}
    if codes & PASSING or details.get("writeConcernErrors"):
        return _unavailable()
    if codes <= {DUPLICATE_KEY, WRITE_CONFLICT} and codes:
        return Conflict("some of these are there already")
    return None


def _unavailable() -> Unavailable:
    return Unavailable("the store does not answer at the moment; try again in a few seconds")
