"""No collection may be forgotten by an erasure: whoever adds one says what of a customer it holds."""

from hub.privacy.reach import REACH, By, Nothing
from hub.store.collections import COLLECTIONS


def test_every_collection_is_reached_or_holds_nothing_of_customers() -> None:
    assert {spec.name for spec in COLLECTIONS} == set(REACH), "say in hub/privacy/reach.py what it holds"


def test_what_holds_nothing_says_why() -> None:
    assert all(by.why for by in REACH.values() if isinstance(by, Nothing))


def test_removal_goes_by_an_index() -> None:
    """An erasure of one customer must not read everybody's documents."""
    indexed = {
        spec.name: {"_id", *(next(iter(index.document["key"])) for index in spec.indexes)}
        for spec in COLLECTIONS
    }
    named = {
        name: {*by.profile, *by.facet, *by.identity, *by.vector, *by.guard, *by.served}
        for name, by in REACH.items()
        if isinstance(by, By)
    }
    missing = {name: fields - indexed[name] for name, fields in named.items()}
    assert {name: fields for name, fields in missing.items() if fields} == {}
