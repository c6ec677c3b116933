"""A customer's rights over a running hub: a copy to take away, and to be forgotten."""

import base64
import re

import bson
import httpx
import pymongo
import pytest

from hub.store.embedded import replica
from hub.store.embedded.directory import DataDirectory
from tests.e2e.customers import Shopper
from tests.e2e.hub_process import HubProcess, free_port


def everything_in(hub) -> dict[str, bytes]:
    """Return every document of every collection of the hub's database, as bytes."""
    directory = DataDirectory(hub.data_dir / "mongodb")
    runtime = directory.runtime()
    assert runtime is not None
    with pymongo.MongoClient(replica.uri(runtime.port, directory.password())) as client:
        database = client["tutti"]
        return {
            f"{name}/{document['_id']}": bson.encode(document)
            for name in database.list_collection_names()
            for document in database[name].find({})
        }


def traces(hub, needles: list[str]) -> list[str]:
    wanted = [needle.lower().encode() for needle in needles]
    return [place for place, held in everything_in(hub).items() if any(one in held.lower() for one in wanted)]


PLAYED = re.compile(r"\s*\d+/\d+ persona-\w+: \d+ events taken")
EVERYWHERE = {
    "catalogue": "{ contents(first: 100) { edges { node { key title summary text } } } }",
    "layers": "{ layers { name description } mutedLayers { by } }",
    "scenarios": '{ scenarios { key } mixes(scenario: "home") { version } scenarioVersions(scenario: "home") { note } }',
    "offers": "{ offerReport { balanced } }",
    "reviews": """{ mergeReviews(state: null, first: 100) { edges { node {
        identity evidence { text source } customers { id displayName identities { value } } } } } }""",
    "viewer": "{ viewer { id displayName identities { value } traits { value } } }",
    "answer": '{ answer(question: "Who is Viktor?") { confidence answer { text } } }',
}
OF_SOMEBODY = """query($w: CustomerRef!) {
  customer(by: $w) { id displayName identities { value } traits { value } preferences { value } consents { proof }
    interests { edges { node { label } } } timeline(first: 100) { edges { node { title } } }
    served(first: 50) { edges { node { id } } } grants { code } } }"""
HISTORY = "query($w: CustomerRef!) { mergeHistory(by: $w) { by reason evidence { text } customerIds } }"
PREVIEW = """query($w: CustomerRef!, $c: Channel!, $s: String!) {
  experience(for: $w, channel: $c, scenario: $s, preview: true) {
    moment { title } ranking(first: 20) { content { title } why { sentence } }
    suppressed(first: 50) { edges { node { sentence } } }
    ... on EmailExperience { to subject text html } ... on ServiceDeskExperience { brief cautions { __typename } } } }"""


def ask_everything(hub, who, token, customer, seen) -> dict[str, str]:
    """Ask every query of the schema, and every other door, about somebody; return what each said, as text."""
    refs = [{"userId": who}, {"id": customer["id"]}]
    refs += [{"identity": {"type": i["type"], "value": i["value"]}} for i in customer["identities"]]
    asked = {name: (query, {}) for name, query in EVERYWHERE.items()}
    for n, ref in enumerate(refs):
        asked[f"customer {n}"] = (OF_SOMEBODY, {"w": ref})
        asked[f"history {n}"] = (HISTORY, {"w": ref})
        for channel, scenario in (("WEB", "home"), ("EMAIL", "newsletter"), ("SERVICE_DESK", "service")):
            asked[f"{channel} {n}"] = (PREVIEW, {"w": ref, "c": channel, "s": scenario})
    for n, one in enumerate([customer["id"], *seen]):
        asked[f"node {n}"] = ("query($i: ID!) { node(id: $i) { id } }", {"i": one})
    for n, one in enumerate(seen):
        asked[f"served {n}"] = (
            "query($i: ID!) { served(id: $i) { id items { content { title } } } }",
            {"i": one},
        )
    told = {name: str(hub.data(query, given, token=token)) for name, (query, given) in asked.items()}
    bearer = {"Authorization": f"Bearer {hub.keys['admin']}"}
    for path in ("/healthz", "/readyz", "/", "/opendsr/discovery", "/.well-known/gpc.json", "/metrics"):
        told[path] = httpx.get(f"{hub.url}{path}", headers=bearer).text
    # The demo says which of its personas it plays: that is the name of a file, and not out of the store.
    lines = [line for line in hub.log.read_text().splitlines() if not PLAYED.fullmatch(line)]
    told |= {f"log line {n}: {line}": line for n, line in enumerate(lines)}
    return told


@pytest.fixture(scope="module")
def own_hub(shared_memory):
    """A hub of this module alone: a persona is erased from it."""
    process = HubProcess(shared_memory / "erasing", free_port()).start().wait_ready()
    yield process
    if process.process is not None and process.process.poll() is None:
        process.stop()


def test_a_copy_under_a_link_and_then_nothing_is_left_of_a_persona(own_hub):
    hub = own_hub
    who = "persona-viktor"
    token = hub.keys["tokens"][who]
    for channel, scenario in (("web", "home"), ("service_desk", None), ("email", "newsletter")):
        given = {"for": {"userId": who}} | ({"scenario": scenario} if scenario else {})
        hub.data(hub.contract(channel), given)
    customer = hub.data(
        "query($w: CustomerRef!) { customer(by: $w) { id identities { type value } served(first: 50) { edges { node { id } } } } }",
        {"w": {"userId": who}},
    )["customer"]
    profile_id = base64.urlsafe_b64decode(customer["id"] + "==").decode().partition(":")[2]
    needles = [who, "viktor", "lehtonen", profile_id, *(i["value"] for i in customer["identities"])]
    assert len(needles) >= 6
    held = {place.partition("/")[0] for place in traces(hub, needles)}
    seen = [edge["node"]["id"] for edge in customer.pop("served")["edges"]]
    assert seen
    assert {"events", "facets", "identities", "profiles", "served"} <= held

    export = hub.data(hub.contract("control"), {"input": {}}, operation="Export", key="browse", token=token)[
        "exportCustomer"
    ]
    assert export["errors"] == []
    assert export["export"]["state"] == "DONE"
    url = export["export"]["url"]
    data = httpx.get(url).json()
    assert data["customer"]["traits"]["name"]["value"] == "Viktor Lehtonen"
    assert data["events"]
    assert data["served"]
    page = httpx.get(url, headers={"Accept": "text/html"})
    assert "What we hold of Viktor Lehtonen" in page.text

    erased = hub.data(hub.contract("control"), {"input": {}}, operation="Erase", key="browse", token=token)[
        "eraseCustomer"
    ]
    assert erased["errors"] == []
    assert erased["erasure"]["state"] == "DONE"
    removed = {one["name"]: one["removed"] for one in erased["erasure"]["collections"]}
    assert removed["events"] == len(data["events"])

    assert traces(hub, needles) == []
    assert httpx.get(url).status_code == 404
    told = {
        name: answer for name, answer in ask_everything(hub, who, token, customer, seen).items() if answer
    }
    assert len(told) >= 20
    assert [
        name for name, answer in told.items() if any(one.lower() in answer.lower() for one in needles)
    ] == []
    assert traces(hub, needles) == [], "nor does asking leave any"
    ask = hub.contract("service_desk")
    for identity in customer["identities"]:
        found = hub.data(
            "query($w: CustomerRef!) { customer(by: $w) { id } }",
            {"w": {"identity": {"type": identity["type"], "value": identity["value"]}}},
        )
        assert found["customer"] is None
    assert hub.data(ask, {"for": {"userId": who}})["customer"] is None
    viewer = hub.data(hub.contract("control"), operation="MyProfile", key="browse", token=token)
    assert viewer["viewer"] is None
    node = hub.data("query($i: ID!) { node(id: $i) { id } }", {"i": customer["id"]})
    assert node["node"] is None

    # Starting again plays the demo's histories again: the past of somebody erased stays away.
    assert hub.stop() == 0
    hub.start().wait_ready()
    assert traces(hub, needles) == []


class TestBadInput:
    @pytest.mark.parametrize(
        ("operation", "field"), [("Export", "exportCustomer"), ("Erase", "eraseCustomer")]
    )
    def test_of_somebody_unknown_is_a_typed_error(self, hub, operation, field):
        answer = hub.data(
            hub.contract("control"),
            {"input": {"for": {"userId": "nobody-at-all"}}},
            operation=operation,
            key="agent",
        )[field]
        assert [error["code"] for error in answer["errors"]] == ["UNKNOWN_CUSTOMER"]

    @pytest.mark.parametrize(
        ("operation", "field"), [("Export", "exportCustomer"), ("Erase", "eraseCustomer")]
    )
    def test_of_somebody_else_is_forbidden(self, hub, operation, field):
        other = Shopper(hub, first_name="Other")
        answer = hub.data(
            hub.contract("control"),
            {"input": {"for": other.ref}},
            operation=operation,
            key="browse",
            token=hub.keys["tokens"]["persona-ada"],
        )[field]
        assert [error["code"] for error in answer["errors"]] == ["FORBIDDEN"]


def test_global_privacy_control_is_heeded_on_a_page_and_in_what_is_sent(hub):
    shopper = Shopper(hub, first_name="Gip")
    shopper.track("Product Viewed", product_id="seat-oak-slow-close")
    page = {"for": shopper.ref, "scenario": "home"}
    query = (
        "query($for: CustomerRef!, $scenario: String!) { experience(for: $for, channel: WEB, scenario: $scenario,"
        " preview: true) { ranking(first: 5) { why { contributions { layer { name } contribution } } } } }"
    )

    def personal(**headers: str) -> bool:
        answer = httpx.post(
            f"{hub.url}/graphql",
            json={"query": query, "variables": page},
            headers={"Authorization": f"Bearer {hub.keys['admin']}", **headers},
        )
        items = answer.json()["data"]["experience"]["ranking"]
        parts = [part for item in items for part in item["why"]["contributions"]]
        return any(
            part["contribution"] for part in parts if part["layer"]["name"] in {"interests", "session"}
        )

    assert personal()
    assert not personal(**{"Sec-GPC": "1"})
    assert personal()
    body = {"userId": shopper.user_id, "event": "Product Viewed", "properties": {"product_id": "rose-food"}}
    taken = httpx.post(
        f"{hub.url}/v1/track", json=body, auth=(hub.keys["ingest"], ""), headers={"Sec-GPC": "1"}
    )
    assert taken.status_code == 200
    assert not personal()  # the signal was an objection, and nothing was said against it
    shopper.consents("PERSONALIZATION", "GRANTED")
    assert personal()
    assert httpx.get(f"{hub.url}/.well-known/gpc.json").json()["gpc"] is True
