"""`POST /v1/exposures`, as a browser's beacon sends it: no header, keys in the body."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette

from hub.auth.model import Scope
from hub.web import exposures
from resolvers.context import Context
from tests.schema.conftest import House

PAGE = """query($for: CustomerRef!) { experience(for: $for, channel: WEB, scenario: "home") {
  servedId ... on WebExperience { slots { markup items { position content { key title } } } } } }"""


class Door:
    """The route, and whom it is asked by."""

    def __init__(self, house: House, client: httpx.AsyncClient) -> None:
        self.house, self.client = house, client

    async def page(self, visitor: str = "beacon-visitor") -> tuple[str, list[str]]:
        found = await self.house.data(PAGE, {"for": {"anonymousId": visitor}}, by=Scope.BROWSE)
        experience = found["experience"]
        keys = [item["content"]["key"] for slot in experience["slots"] for item in slot["items"]]
        return experience["servedId"], keys

    async def send(self, *rows: dict, scope: Scope = Scope.BROWSE, **more: object) -> httpx.Response:
        body = {"key": self.house.keys[scope], "exposures": rows, **more}
        return await self.raw(json.dumps(body).encode())

    async def raw(self, content: bytes) -> httpx.Response:
        return await self.client.post(
            "/v1/exposures", content=content, headers={"Content-Type": "text/plain;charset=UTF-8"}
        )


@pytest.fixture
async def door(house: House) -> AsyncIterator[Door]:
    async def context(headers):
        return Context(house.services, await house.auth.authenticate(headers), house.services.clock.now())

    app = Starlette(routes=list(exposures.routes(context)))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://hub") as client:
        yield Door(house, client)


async def test_what_was_seen_is_recorded_once_however_often_it_is_told(door):
    served, keys = await door.page()
    before = await door.house.rows("exposures")
    for _ in range(2):
        answer = await door.send({"servedId": served, "contentKeys": keys[:2], "ago": 2500.5})
        assert answer.status_code == 200
        assert answer.json() == {"recorded": 1, "refused": []}
    assert await door.house.rows("exposures") == before + 2


async def test_an_exposure_that_seems_older_than_the_serving_is_as_old_as_that(door):
    served, keys = await door.page()
    answer = await door.send({"servedId": served, "contentKeys": keys[:1], "ago": 3_600_000})
    assert answer.json()["recorded"] == 1


async def test_an_unknown_served_id_is_told_beside_what_was_recorded(door):
    served, keys = await door.page()
    answer = await door.send(
        {"servedId": "srv_nothing", "contentKeys": ["rose-1"]},
        {"servedId": served, "contentKeys": keys[:1]},
        {"servedId": served, "contentKeys": ["never-shown"]},
        {"servedId": served, "position": 1},
    )
    told = answer.json()
    assert (answer.status_code, told["recorded"]) == (200, 1)
    assert [(each["code"], each["path"]) for each in told["refused"]] == [
        ("NOT_FOUND", ["exposures", 0, "servedId"]),
        ("NOT_SERVED", ["exposures", 2, "contentKeys", 0]),
        ("INVALID_INPUT", ["exposures", 3, "position"]),
    ]


async def test_nothing_that_could_be_recorded_is_a_problem_and_changes_nothing(door):
    before = await door.house.rows("exposures")
    answer = await door.send({"servedId": "srv_nothing"})
    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")
    assert answer.headers["content-type"] == "application/problem+json"
    assert await door.house.rows("exposures") == before


async def test_what_a_customer_was_shown_is_nobodys_to_tell_but_theirs(door):
    found = await door.house.data(PAGE, {"for": {"userId": "ada"}}, by=Scope.BROWSE, customer="ada")
    row = {"servedId": found["experience"]["servedId"]}
    token = {user: door.house.headers(None, user)["X-Tutti-Customer"] for user in ("ada", "bob")}
    assert (await door.send(row)).status_code == 404
    assert (await door.send(row, token=token["bob"])).status_code == 404
    assert (await door.send(row, token=token["ada"])).status_code == 200


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "MALFORMED_JSON"),
        (b"5", 400, "INVALID_INPUT"),
        (b'{"exposures": []}', 400, "INVALID_INPUT"),
        (b'{"exposures": [{"servedId": "srv_1"}]}', 401, "UNAUTHENTICATED"),
        (b'{"key": "no such key", "exposures": [{"servedId": "srv_1"}]}', 401, "UNAUTHENTICATED"),
        (b'{"token": "eya.b.c", "exposures": [{"servedId": "srv_1"}]}', 400, "BAD_TOKEN"),
        (b"[" * 70_000, 413, "TOO_LARGE"),
    ],
)
async def test_bad_beacons_are_refused(door, body, status, code):
    answer = await door.raw(body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_key_for_events_records_no_exposures(door):
    answer = await door.send({"servedId": "srv_1"}, scope=Scope.INGEST)
    assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN")


async def test_a_slot_comes_with_its_markup_and_no_cache_keeps_it(house):
    answer = await house.client.post(
        "/graphql",
        json={"query": PAGE, "variables": {"for": {"anonymousId": "m"}}},
        headers=house.headers(Scope.BROWSE),
    )
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.headers["vary"] == "Accept, Authorization, X-Tutti-Customer"
    slot = answer.json()["data"]["experience"]["slots"][0]
    listed = json.loads(slot["markup"])
    titles = [item["content"]["title"] for item in slot["items"]]
    assert listed["@type"] == "ItemList"
    assert [entry["item"]["name"] for entry in listed["itemListElement"]] == titles
