"""What the driver raises, in the hub's words."""

import pytest
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    DocumentTooLarge,
    DuplicateKeyError,
    ExecutionTimeout,
    InvalidDocument,
    NotPrimaryError,
    OperationFailure,
    ServerSelectionTimeoutError,
    WriteConcernError,
)

from hub.errors import Conflict, TooLarge, Unavailable
from hub.store.faults import store_faults

DUPLICATE, SHUTTING_DOWN, BAD_VALUE = {"code": 11000}, {"code": 91}, {"code": 2}


def bulk(*faults, lost_majority=False):
    return BulkWriteError({"writeErrors": list(faults), "writeConcernErrors": [{"code": 64}] * lost_majority})


TRANSLATED = [
    (DuplicateKeyError("E11000", 11000), Conflict),
    (OperationFailure("write conflict", 112), Conflict),
    (bulk(DUPLICATE, DUPLICATE), Conflict),
    (bulk(lost_majority=True), Unavailable),
    (bulk(DUPLICATE, lost_majority=True), Unavailable),
    (bulk(DUPLICATE, SHUTTING_DOWN), Unavailable),
    (AutoReconnect("connection closed"), Unavailable),
    (NotPrimaryError("not primary"), Unavailable),
    (ServerSelectionTimeoutError("no primary"), Unavailable),
    (ExecutionTimeout("too long", 50), Unavailable),
    (WriteConcernError("waiting for replication timed out", 64), Unavailable),
    (OperationFailure("out of disk space", 14031), Unavailable),
    (OperationFailure("aborted", 251, {"errorLabels": ["TransientTransactionError"]}), Unavailable),
    (DocumentTooLarge("17 MB"), TooLarge),
]


@pytest.mark.parametrize(
    ("raised", "expected"), TRANSLATED, ids=lambda value: getattr(value, "__name__", str(value))
)
def test_an_expected_failure_gets_the_hubs_words(raised, expected):
    with pytest.raises(expected) as caught, store_faults():
        raise raised
    assert caught.value.__cause__ is raised


@pytest.mark.parametrize(
    "bug",
    [
        OperationFailure("bad value", 2),
        InvalidDocument("no codec"),
        bulk(DUPLICATE, BAD_VALUE),
        KeyError("x"),
    ],
)
def test_a_bug_stays_a_bug(bug):
    with pytest.raises(type(bug)) as caught, store_faults():
        raise bug
    assert caught.value is bug


def test_no_message_repeats_what_the_driver_says():
    with pytest.raises(Conflict) as caught, store_faults():
        raise DuplicateKeyError("E11000 dup key: { email: 'ada@example.org' }", 11000)
    assert "ada@example.org" not in caught.value.message


async def test_a_coroutine_function_is_guarded_while_it_runs():
    @store_faults()
    async def read(number: int) -> int:
        """Read a number."""
        if number == 0:
            raise AutoReconnect("gone")
        return number

    assert await read(1) == 1
    assert read.__doc__ == "Read a number."
    with pytest.raises(Unavailable):
        await read(0)
