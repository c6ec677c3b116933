"""What proves an erasure must itself find what there is to be found."""

from hub.ledger.packing import packed
from tests.privacy.scan import readable


def test_a_packed_body_is_read_too():
    body = (
        b"Once upon a time there was a letter, and it went to Mia Stone of Whitby; "
        + bytes(range(97, 123)) * 9
    )
    document = {"_id": 1, "rows": [{"body": packed(body)}], "plain": "Ben"}
    assert b"mia stone" not in packed(body).lower()
    assert b"mia stone" in readable(document)
    assert b"ben" in readable(document)
