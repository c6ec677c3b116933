"""To be forgotten: of an erased persona neither the store nor any question or door has a trace left."""

import base64
import hashlib
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from graphql import build_schema

from schema.schema import build
from tests.e2e.doors import Left, doors, knock
from tests.e2e.hub_process import HubProcess, free_port
from tests.e2e.questions import every_question
from tests.e2e.stored import everything_in

WHO = "persona-viktor"
PLAYED = re.compile(r"\s*\d+/\d+ persona-\w+: \d+ events taken")
WHOSE = """query($w: CustomerRef!) { customer(by: $w) {
  id identities { type value } served(first: 50) { edges { node { id } } } grants { code } } }"""
MESSAGE = """query($w: CustomerRef!) { experience(for: $w, channel: EMAIL, scenario: "newsletter") {
  servedId ... on EmailExperience { html headers { name value } } } }"""
TELLING = {
    "customer", "experience", "node", "previewEmailTemplate", "previewScenario", "segmentMembers",
    "served", "viewer",
}  # fmt: skip
ADDRESSES = {
    "/pictures/": "/pictures/{served}/{stamp}/{key:path}",
    "/links/": "/links/{served}/{stamp}/{key:path}",
    "/offers/": "/offers/{served}/{stamp}/{key:path}",
    "/view/": "/view/{served}/{stamp}",
    "/unsubscribe/": "/unsubscribe/{token}",
}


def traces(hub: HubProcess, needles: list[str]) -> set[str]:
    """Return which documents of any collection hold a needle, whatever the field and whatever the case."""
    wanted = [needle.encode() for needle in needles]
    return {place for place, held in everything_in(hub).items() if any(one in held for one in wanted)}


def ways_to_name(customer: dict[str, Any]) -> list[dict[str, Any]]:
    known = {identity["type"]: identity["value"] for identity in customer["identities"]}
    device = {"identity": {"type": "anonymous_id", "value": known["anonymous_id"]}}
    return [
        {"userId": WHO},
        {"id": customer["id"]},
        {"email": known["email"]},
        {"phone": known["phone"]},
        device,
    ]


def telling(hub: HubProcess, needles: list[str], refs: list[dict[str, Any]], served: list[str]) -> set[str]:
    """Ask every question about somebody by each of some names; return the questions whose answers tell of them.

    A refusal may repeat what it was asked; data may not.
    """
    values = {
        "by": refs,
        "for": refs[:1],
        "Query.experience.for": refs,
        "Query.experience.preview": [True],
        "Query.node.id": [*(ref["id"] for ref in refs if "id" in ref), *served],
        "Query.served.id": served,
        "Query.scenario.key": ["home", "service"],
        "Query.segmentMembers.key": ["first_home"],
        "Query.segmentSize.rule": [{"trait": "email", "is": "set"}],
        "Query.emailTemplates.key": ["default"],
        "Query.previewEmailTemplate.key": ["default"],
        "Query.previewEmailTemplate.version": [0],
        "Query.previewEmailTemplate.scenario": ["newsletter"],
        "Query.contents.search": ["Viktor"],
        "Query.mergeReviews.state": [None, "OPEN"],
        "Query.demandOutlook.sample": [20],
        "Query.trends.sample": [50],
        "scenario": ["home"],
        "version": [1],
        "channel": ["WEB", "EMAIL", "SERVICE_DESK"],
        "question": [
            "Who has just signed in from my device?"
        ],  # said again in the answer, so it names nobody
    }
    found = set()
    admin = {"Authorization": f"Bearer {hub.keys['admin']}"}
    own = {"Authorization": f"Bearer {hub.keys['browse']}", "X-Tutti-Customer": hub.keys["tokens"][WHO]}
    with httpx.Client(base_url=hub.url, timeout=60) as client:
        for question in every_question(build_schema(build().as_str()), values):
            body = {"query": question.document, "variables": question.variables}
            held = client.post(
                "/graphql", json=body, headers=own if question.root == "viewer" else admin
            ).json()
            assert "data" in held, f"{question.name}: {held}"
            asked = str(question.variables).lower()
            told, refused = str(held["data"]).lower(), str(held.get("errors", "")).lower()
            if any(one in told or (one in refused and one not in asked) for one in needles):
                found.add(question.root)
    return found


def left_behind(
    hub: HubProcess, customer: dict[str, Any], served: list[str], message: dict[str, Any], copy: str
) -> Left:
    """Return what the world keeps of a customer whom the hub knows still."""
    texts = message["html"] + " ".join(header["value"] for header in message["headers"])
    links = {"/exports/{token}": copy}
    for mark, path in ADDRESSES.items():
        found = re.search(rf"{re.escape(hub.url)}{mark}[^\"'\s<>)]+", texts)
        assert found, f"no address of {path} in the message"
        links[path] = found.group().replace("&amp;", "&")
    at = (datetime.now(UTC) - timedelta(hours=2)).isoformat()
    message_of = lambda **given: {"userId": WHO, "messageId": uuid4().hex, "timestamp": at, **given}  # noqa: E731
    device = next((i["value"] for i in customer["identities"] if i["type"] == "anonymous_id"), uuid4().hex)
    events = {
        "identify": message_of(traits={"name": "Viktor Lehtonen"}),
        "track": message_of(event="Product Viewed", properties={"product_id": "rose-food"}),
        "page": message_of(name="Home"),
        "screen": message_of(name="Home"),
        "group": message_of(groupId="gardeners"),
        "alias": message_of(previousId=device),
    }
    email = next(i["value"] for i in customer["identities"] if i["type"] == "email")
    subject = {
        "regulation": "gdpr",
        "subject_request_id": str(uuid4()),
        "subject_request_type": "access",
        "submitted_time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "api_version": "2.0",
        "subject_identities": [
            {"identity_type": "email", "identity_value": email, "identity_format": "raw"},
        ],
    }
    admin = {"Authorization": f"Bearer {hub.keys['admin']}"}
    taken = httpx.post(f"{hub.url}/opendsr/requests", json=subject, headers=admin)
    assert taken.status_code == 201, taken.text
    digest = hashlib.sha256(email.encode()).hexdigest()
    hashed = {"identity_type": "email", "identity_value": digest, "identity_format": "sha256"}
    again = subject | {"subject_request_id": str(uuid4()), "subject_identities": [hashed]}
    token = hub.keys["tokens"][WHO]
    return Left(events, links, served, token, subject["subject_request_id"], again)


@pytest.fixture(scope="module")
def own_hub(shared_memory):
    """A hub of this module alone: a persona is erased from it."""
    process = HubProcess(shared_memory / "erasing", free_port()).start().wait_ready()
    yield process
    if process.process is not None and process.process.poll() is None:
        process.stop()


def control(hub: HubProcess, operation: str, **given: Any) -> dict[str, Any]:
    """Send an operation of the customer's own document, with their own token."""
    document = hub.contract("control")
    return hub.data(document, given, operation=operation, key="browse", token=hub.keys["tokens"][WHO])


def test_a_copy_under_a_link_and_then_nothing_is_left_of_a_persona(own_hub):
    hub = own_hub
    moved = {"userId": WHO, "messageId": uuid4().hex, "traits": {"first_home": "yes"}}
    taken = httpx.post(f"{hub.url}/v1/identify", json=moved, auth=(hub.keys["ingest"], ""))
    assert taken.status_code == 200, taken.text
    agreed = {"purpose": "EMAIL_MARKETING", "state": "GRANTED", "channel": "EMAIL"}
    assert control(hub, "Consent", input=agreed)["setConsent"]["errors"] == []
    hub.data(hub.contract("web"), {"for": {"userId": WHO}, "scenario": "home"})
    hub.data(hub.contract("service_desk"), {"for": {"userId": WHO}})
    message = hub.data(MESSAGE, {"w": {"userId": WHO}}, key="renderer")["experience"]
    customer = hub.data(WHOSE, {"w": {"userId": WHO}})["customer"]
    served = [edge["node"]["id"] for edge in customer["served"]["edges"]]
    codes = [grant["code"] for grant in customer["grants"] if grant["code"]]
    profile_id = base64.urlsafe_b64decode(customer["id"] + "==").decode().partition(":")[2]
    needles = [
        one.lower()
        for one in (
            WHO, "viktor", "lehtonen", customer["id"], profile_id, *served, *codes,
            *(identity["value"] for identity in customer["identities"]),
        )
    ]  # fmt: skip
    assert len(needles) >= 10

    export = control(hub, "Export", input={})["exportCustomer"]
    assert export["errors"] == []
    url = export["export"]["url"]
    data = httpx.get(url).json()
    assert data["customer"]["traits"]["name"]["value"] == "Viktor Lehtonen"
    assert data["events"]
    assert data["served"]
    page = httpx.get(url, headers={"Accept": "text/html"})
    assert "What we hold of Viktor Lehtonen" in page.text

    left = left_behind(hub, customer, served, message, url)
    held = {place.partition("/")[0] for place in traces(hub, needles)}
    assert {"events", "facets", "identities", "profiles", "served", "subject_requests"} <= held
    before = telling(hub, needles, ways_to_name(customer)[:2], served)
    assert TELLING - before == set(), "what is asked afterwards does tell of him before"

    erased = control(hub, "Erase", input={})["eraseCustomer"]
    assert erased["errors"] == []
    assert erased["erasure"]["state"] == "DONE"
    removed = {one["name"]: one["removed"] for one in erased["erasure"]["collections"]}
    assert removed["events"] == len(data["events"])

    assert traces(hub, needles) == set()
    assert telling(hub, needles, ways_to_name(customer), served) == set()
    said = knock(hub, left)
    assert set(said) == doors() - {"POST /graphql", "WEBSOCKET /graphql"}, "every door is knocked at"
    answers = {door: f"{answer.headers}{answer.text}".lower() for door, answer in said.items()}
    assert [door for door, answer in answers.items() if any(one in answer for one in needles)] == []
    assert said["GET /exports/{token}"].status_code == 404
    assert traces(hub, needles) == set(), "nor does asking leave any"
    # The demo says which of its personas it plays: that is the name of a file, and not out of the store.
    lines = [line for line in hub.log.read_text().splitlines() if not PLAYED.fullmatch(line)]
    assert [line for line in lines if any(one in line.lower() for one in needles)] == []

    # Starting again plays the demo's histories again: the past of somebody erased stays away.
    assert hub.stop() == 0
    hub.start().wait_ready()
    assert traces(hub, needles) == set()
