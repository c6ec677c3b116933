"""A copy of everything: for programs and for people, under a link that is signed and ends."""

from datetime import timedelta

import httpx
import orjson
import pytest
from starlette.applications import Starlette

from hub.auth.tokens import Signer
from hub.errors import NotFound
from hub.kit.clock import FixedClock
from hub.privacy.erasure import ErasureService
from hub.privacy.export import EXPORT, LIFETIME, ExportService
from hub.profiles.model import CustomerRef
from hub.web import exports as door
from tests.builders import NOW
from tests.profiles.rooms import Rooms

MIA = CustomerRef("user_id", "mia")


@pytest.fixture
async def client(exports: ExportService, clock: FixedClock) -> httpx.AsyncClient:
    app = Starlette(routes=door.routes(exports, clock))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://hub.example")


async def path(exports: ExportService) -> str:
    export = await exports.grant(MIA)
    assert export.url.startswith("http://hub.example/exports/")
    return export.url.removeprefix("http://hub.example")


class TestForPrograms:
    async def test_holds_everything_that_was_sent_and_served(
        self, mia: Rooms, exports: ExportService, client: httpx.AsyncClient
    ) -> None:
        response = await client.get(await path(exports), params={"format": "json"})
        assert response.status_code == 200
        assert response.headers["content-type"] == "application/json"
        assert response.headers["cache-control"] == "no-store"
        data = orjson.loads(response.content)
        assert (data["format"], data["version"]) == ("tutti-export", 2)
        assert len(data["events"]) == 7
        assert data["events"][0]["properties"] == {"product_id": "desk-lamp"}
        assert [one["id"] for one in data["served"]] == ["srv_mia"]
        assert [one["content"] for one in data["exposures"]] == ["rye-bread"]
        customer = data["customer"]
        assert {i["type"] for i in customer["identities"]} == {"user_id", "anonymous_id", "email", "phone"}
        told = customer["traits"]["name"]
        assert (told["value"], told["source"], told["at"]) == (
            "Mia Stone",
            "OBSERVED",
            "2026-03-02T10:00:00.000Z",
        )
        assert told["message_id"] in {event["message_id"] for event in data["events"]}
        assert customer["owned"]["climbing-rose"]["count"] == 1
        assert customer["interests"]
        assert b"ben" not in response.content.lower()

    async def test_tells_that_they_were_merged_and_may_be_and_not_with_whom(
        self, mia: Rooms, exports: ExportService, client: httpx.AsyncClient
    ) -> None:
        for user in ("mia", "cleo"):
            await mia.identify(user, email="family@example.com", name=f"{user} Field")
        await mia.identify("dora")
        merged = [CustomerRef("user_id", "dora")]
        await mia.merges.merge(MIA, merged, by="ann", reason="same card")
        data = orjson.loads((await client.get(await path(exports))).content)
        [merge] = data["merges"]
        assert merge == {
            "at": merge["at"], "kind": "MERGE", "state": "DONE", "by": "ann", "reason": "same card",
        }  # fmt: skip
        [review] = data["reviews"]
        assert (review["kind"], review["state"], review["identity"]) == (
            "SHARED_ADDRESS", "OPEN", "email:family@example.com",
        )  # fmt: skip
        assert "cleo" not in str(data)

    async def test_tells_of_each_consent_when_where_which_policy_and_the_proof(
        self, mia: Rooms, exports: ExportService, client: httpx.AsyncClient
    ) -> None:
        await mia.track(
            "Consent Preference Updated", ago=5, id="said-so", purpose="EMAIL_MARKETING", state="GRANTED",
            channel="EMAIL", source="footer form", policy_version="2026-01", proof="double opt-in 4711",
        )  # fmt: skip
        data = orjson.loads((await client.get(await path(exports))).content)
        [said] = [c for c in data["customer"]["consents"] if c["channel"] == "EMAIL"]
        assert {k: said[k] for k in ("state", "source", "policy_version", "proof")} == {
            "state": "GRANTED", "source": "footer form", "policy_version": "2026-01", "proof": "double opt-in 4711",
        }  # fmt: skip
        assert said["updated_at"] == "2026-03-02T05:00:00.000Z"


class TestForPeople:
    async def test_is_a_page_that_a_browser_gets_by_itself(
        self, mia: Rooms, exports: ExportService, client: httpx.AsyncClient
    ) -> None:
        await mia.identify(nickname="<script>alert(1)</script>")
        response = await client.get(await path(exports), headers={"Accept": "text/html,*/*"})
        assert response.headers["content-type"] == "text/html; charset=utf-8"
        assert "default-src 'none'" in response.headers["content-security-policy"]
        text = response.text
        assert "<h1>What we hold of Mia Stone</h1>" in text
        assert "mia.stone@example.com" in text
        assert "Searched for &quot;apricot roses for mia&quot;" in text
        assert "Bought Climbing rose" in text
        assert "<script>" not in text
        assert text.endswith("</body></html>")


class TestTheLink:
    async def test_ends(
        self, mia: Rooms, exports: ExportService, client: httpx.AsyncClient, clock: FixedClock
    ) -> None:
        where = await path(exports)
        clock.instant = NOW + LIFETIME - timedelta(seconds=1)
        assert (await client.get(where)).status_code == 200
        clock.instant = NOW + LIFETIME
        response = await client.get(where)
        assert (response.status_code, response.json()["code"]) == (400, "BAD_TOKEN")

    async def test_cannot_be_forged(
        self, mia: Rooms, exports: ExportService, client: httpx.AsyncClient, signer: Signer
    ) -> None:
        where = await path(exports)
        other = signer.sign("unsubscribe", {"export": "exp_1"})
        for bad in (f"{where[:-2]}xx", "/exports/nonsense", f"/exports/{other}"):
            response = await client.get(bad)
            assert (response.status_code, response.json()["code"]) == (400, "BAD_TOKEN")
        unknown = await client.get(f"/exports/{signer.sign(EXPORT, {'export': 'exp_none'})}")
        assert (unknown.status_code, unknown.json()["code"]) == (404, "EXPORT_ENDED")

    async def test_ends_with_an_erasure(
        self, mia: Rooms, exports: ExportService, client: httpx.AsyncClient, erasures: ErasureService
    ) -> None:
        where = await path(exports)
        await erasures.erase(MIA, requested_by="test")
        assert (await client.get(where)).json()["code"] == "EXPORT_ENDED"

    async def test_of_nobody_is_not_made(self, mia: Rooms, exports: ExportService) -> None:
        with pytest.raises(NotFound) as caught:
            await exports.grant(CustomerRef("user_id", "nobody"))
        assert caught.value.kind == "UNKNOWN_CUSTOMER"
