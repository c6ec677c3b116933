"""Every collection of the hub with its validator and its indexes, declared once.

`hub.store.migrate` applies this list, idempotently, at start and by `tutti migrate`. Validators hold
what would break the hub's laws if it were missing; the rest of a document's shape is its codec's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel


@dataclass(frozen=True, slots=True)
class CollectionSpec:
    """A collection: name, JSON schema of what must hold, indexes beyond `_id`."""

    name: str
    required: Mapping[str, Any] = field(default_factory=dict)  # field -> JSON schema of its type
    indexes: tuple[IndexModel, ...] = ()

    @property
    def validator(self) -> dict[str, Any]:
        """The `$jsonSchema` document."""
        return {
            "$jsonSchema": {
                "bsonType": "object",
                "required": ["_id", *self.required],
                "properties": dict(self.required),
            }
        }


STRING = {"bsonType": "string"}
DATE = {"bsonType": "date"}
INT = {"bsonType": ["int", "long"]}
BINARY = {"bsonType": "binData"}
ARRAY = {"bsonType": "array"}

COLLECTIONS: tuple[CollectionSpec, ...] = (
    # What the brand shows and says; `_id` is the key. `history` keeps every earlier version.
    CollectionSpec(
        "contents",
        {"version": INT, "title": STRING, "kind": STRING},
        (IndexModel([("category", ASCENDING)]),),
    ),
    CollectionSpec("answers", {"version": INT, "title": STRING, "text": STRING}),
    CollectionSpec("brand_facts", {"version": INT, "name": STRING}),
    CollectionSpec("offers", {"version": INT, "title": STRING, "terms": STRING}),
    CollectionSpec("segments", {"version": INT, "title": STRING, "rule": {"bsonType": "object"}}),
    # What groups of customers have in common; one document
    CollectionSpec("audience", {"version": STRING}),
    CollectionSpec("history", {"of": STRING, "key": STRING, "version": INT}),
    CollectionSpec("popularity", {"as_of": DATE}),
    CollectionSpec("neighbours", {"as_of": DATE, "version": STRING}),
    CollectionSpec("intervals", {"as_of": DATE, "version": STRING}),
    CollectionSpec("tendencies", {"as_of": DATE, "version": STRING}),
    # `_id` is "encoder:sha256 of the text"
    CollectionSpec("embeddings", {"vector": BINARY}),
    # `_id` is the messageId: the unique index that makes an event count once
    CollectionSpec(
        "events",
        {
            "type": STRING,
            "at": DATE,
            "received_at": DATE,
            "facet_id": STRING,
            "projected": {"bsonType": "bool"},
        },
        (
            IndexModel([("facet_id", ASCENDING), ("at", DESCENDING), ("_id", DESCENDING)]),
            IndexModel([("event", ASCENDING), ("at", ASCENDING)]),
            IndexModel(
                # by facet first: a fold asks what waits for its facets, however long their history is
                [("facet_id", ASCENDING), ("received_at", ASCENDING)],
                partialFilterExpression={"projected": False},
                name="waiting",
            ),
        ),
    ),
    CollectionSpec(
        "facets", {"version": INT, "profile_id": STRING}, (IndexModel([("profile_id", ASCENDING)]),)
    ),
    CollectionSpec(
        "profiles",
        {"version": INT, "facet_ids": ARRAY},
        (
            IndexModel([("interests.label", ASCENDING)]),
            IndexModel([("former_ids", ASCENDING)]),
            IndexModel([("merged_into", ASCENDING)], sparse=True),
        ),
    ),
    # `_id` is "type:value", so that resolving an identity is one targeted read
    CollectionSpec(
        "identities",
        {"facet_id": STRING, "profile_id": STRING},
        (IndexModel([("facet_id", ASCENDING)]), IndexModel([("profile_id", ASCENDING)])),
    ),
    # The audit trail of merges and splits; `pending` is the key of what is intended and not done yet
    CollectionSpec(
        "merges",
        {"kind": STRING, "state": STRING, "at": DATE, "profiles": ARRAY},
        (
            IndexModel([("profiles", ASCENDING), ("at", DESCENDING), ("_id", DESCENDING)]),
            IndexModel([("left", ASCENDING)]),
            IndexModel(
                [("pending", ASCENDING)],
                unique=True,
                partialFilterExpression={"pending": {"$exists": True}},
                name="pending",
            ),
        ),
    ),
    # `_id` is made of the kind and the two facets, so that each contradiction is one question to an agent
    CollectionSpec(
        "reviews",
        {"kind": STRING, "state": STRING, "facets": ARRAY, "opened_at": DATE},
        (
            IndexModel([("state", ASCENDING), ("opened_at", DESCENDING), ("_id", DESCENDING)]),
            IndexModel([("identity", ASCENDING)]),
            IndexModel([("facets", ASCENDING)]),
        ),
    ),
    # `_id` is a keyed hash of an erased identity; who it was cannot be read from it
    CollectionSpec("tombstones", {"erased_at": DATE}),
    # Erasures: while one runs, what it has still to remove; afterwards only how many documents went
    CollectionSpec(
        "erasures", {"state": STRING, "requested_at": DATE}, (IndexModel([("state", ASCENDING)]),)
    ),
    # Exports: who may fetch what until when; the data itself is read when it is fetched
    CollectionSpec(
        "exports",
        {"profile_id": STRING, "expires_at": DATE},
        (
            IndexModel([("profile_id", ASCENDING)]),
            IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0),
        ),
    ),
    # Requests of data subjects (OpenDSR); whom they are about only until they are carried out
    CollectionSpec(
        "subject_requests",
        {"status": STRING, "received_at": DATE},
        (
            IndexModel([("status", ASCENDING), ("due_at", ASCENDING)]),
            IndexModel([("outbox.due_at", ASCENDING)]),
            IndexModel([("profile_ids", ASCENDING)], sparse=True),
        ),
    ),
    CollectionSpec("scenarios", {"version": INT, "title": STRING}),
    # `_id` is "scenario:version": every version that was drafted or in force, never changed
    CollectionSpec(
        "scenario_versions",
        {"key": STRING, "version": INT, "created_at": DATE},
        (IndexModel([("key", ASCENDING), ("version", DESCENDING)]),),
    ),
    # Which version of an email template is in force: `_id` is a scenario's key or "default"
    CollectionSpec("email_templates", {"version": INT, "before": ARRAY}),
    # `_id` is "key:version", never changed
    CollectionSpec(
        "email_template_versions",
        {"key": STRING, "version": INT, "mjml": STRING, "created_at": DATE},
        (IndexModel([("key", ASCENDING), ("version", DESCENDING)]),),
    ),
    # `_id` is "scenario:version"; a version never changes but for the instant of its first publication
    CollectionSpec(
        "mixes",
        {"scenario_key": STRING, "version": INT, "weights": {"bsonType": "object"}},
        (IndexModel([("scenario_key", ASCENDING), ("version", DESCENDING)]),),
    ),
    # What is in force: "published:scenario" and "muted:layer"
    CollectionSpec("mix_board", {"kind": STRING}),
    CollectionSpec(
        "served",
        {"at": DATE, "channel": STRING, "body": BINARY},
        (
            # The last two fields so that frequency caps are counted without reading a row
            IndexModel(
                [
                    ("profile_id", ASCENDING),
                    ("at", DESCENDING),
                    ("_id", DESCENDING),
                    ("scenario.key", ASCENDING),
                    ("shown", ASCENDING),
                ]
            ),
            IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0),
            # decides who of two processes has the next place in a customer's chain
            IndexModel(
                [("profile_id", ASCENDING), ("seq", ASCENDING)],
                unique=True,
                partialFilterExpression={"seq": {"$gt": 0}},
                name="chain",
            ),
        ),
    ),
    CollectionSpec(
        "exposures",
        {"served_id": STRING, "at": DATE},
        (
            IndexModel([("served_id", ASCENDING)]),
            IndexModel([("profile_id", ASCENDING), ("at", ASCENDING), ("content_key", ASCENDING)]),
        ),
    ),
    # What was asked and how it fared; `text` is masked, and not there where it was answered surely
    CollectionSpec(
        "questions",
        {"at": DATE, "reply": STRING, "expires_at": DATE},
        (
            IndexModel([("profile_id", ASCENDING), ("at", DESCENDING)]),
            IndexModel([("at", DESCENDING)]),
            IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0),
        ),
    ),
    # Who serves under a frequency cap takes a turn here; needed while a serving is under way only
    CollectionSpec("frequency", {"turn": INT, "at": DATE}),
    # The issue of an offer to one customer, with the offer as it was promised
    CollectionSpec(
        "grants",
        {
            "code": STRING,
            "offer_key": STRING,
            "profile_id": STRING,
            "state": {"enum": ["ISSUED", "REDEEMED", "REVERSED", "EXPIRED"]},
            "granted_at": DATE,
        },
        (
            IndexModel([("code", ASCENDING)], unique=True),
            IndexModel([("profile_id", ASCENDING), ("offer_key", ASCENDING)]),
            IndexModel([("household", ASCENDING), ("offer_key", ASCENDING)]),
            IndexModel(
                [("expires_at", ASCENDING)], partialFilterExpression={"state": "ISSUED"}, name="running_out"
            ),
            *(
                IndexModel([(name, ASCENDING)], partialFilterExpression={name: {"$type": "string"}}, **more)
                for name, more in (
                    ("issue_key", {"unique": True}),
                    ("redeem_key", {"unique": True}),
                    ("order_id", {}),
                )
            ),
        ),
    ),
    # Double entry, append-only; `_id` is "grant:transfer:account", so that nothing is posted twice
    CollectionSpec(
        "offer_entries",
        {
            "offer_key": STRING,
            "grant_id": STRING,
            "account": STRING,
            "units": INT,
            "amount": {"bsonType": "decimal"},
            "at": DATE,
        },
        (IndexModel([("offer_key", ASCENDING)]), IndexModel([("grant_id", ASCENDING)])),
    ),
    # How much of each offer is out or used; `_id` is the offer's key
    CollectionSpec("offer_counters", {"units": INT}),
    # Whoever issues or redeems touches these, so that two who count the same do not both find room
    CollectionSpec("offer_guards"),
    CollectionSpec("imports", {"state": STRING}),
    # `_id` is the batch's name; how far each has come
    CollectionSpec("email_batches", {"scenario": STRING, "after": STRING, "started_at": DATE}),
    # `_id` is the SHA-256 of the key; keys themselves are never stored
    CollectionSpec("api_keys", {"scope": STRING}),
    CollectionSpec("secrets", {"value": BINARY}),
    # One small document per configuration part; a change of it tells every process to reload
    CollectionSpec("versions", {"version": STRING}),
)
