"""Requests of data subjects from other systems: taken, carried out, cancelled, told, and every word signed."""

import base64
import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import orjson
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from starlette.applications import Starlette

from hub.auth.model import Caller, Scope
from hub.errors import Unauthenticated
from hub.kit.clock import FixedClock
from hub.privacy.erasure import ErasureService
from hub.privacy.export import ExportService
from hub.privacy.opendsr import DELAY, OpenDsrService
from hub.profiles.model import CustomerRef
from hub.store.database import Store
from hub.web import opendsr as door
from tests.privacy.scan import traces
from tests.profiles.rooms import Rooms

CALLBACK = "https://controller.example/callbacks"


class Controller:
    """The other side: takes callbacks as long as it is in the mood."""

    def __init__(self) -> None:
        self.heard: list[httpx.Request] = []
        self.answers = 202

    def client(self) -> httpx.AsyncClient:
        def take(request: httpx.Request) -> httpx.Response:
            self.heard.append(request)
            return httpx.Response(self.answers)

        return httpx.AsyncClient(transport=httpx.MockTransport(take))

    def states(self) -> list[str]:
        return [orjson.loads(request.content)["request_status"] for request in self.heard]


@pytest.fixture
def controller() -> Controller:
    return Controller()


@pytest.fixture
def service(
    store: Store,
    clock: FixedClock,
    mia: Rooms,
    exports: ExportService,
    erasures: ErasureService,
    controller: Controller,
) -> OpenDsrService:
    return OpenDsrService(
        store, mia.profiles, exports, erasures, clock, "https://hub.example", client=controller.client
    )


@pytest.fixture
async def http(service: OpenDsrService) -> AsyncIterator[httpx.AsyncClient]:
    async def authenticate(headers: Any) -> Caller:
        scope = headers.get("authorization")
        if scope is None:
            raise Unauthenticated("a key is needed")
        return Caller(Scope(scope), f"the {scope} key")

    app = Starlette(routes=door.routes(service, authenticate))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="https://hub.example", headers={"Authorization": "admin"}
    ) as client:
        yield client


def request(kind: str, value: str = "mia.stone@example.com", **given: Any) -> dict[str, Any]:
    identity = {"identity_type": "email", "identity_value": value, "identity_format": "raw"}
    return {
        "regulation": "gdpr",
        "subject_request_id": str(uuid4()),
        "subject_request_type": kind,
        "submitted_time": "2026-03-01T15:00:00Z",
        "subject_identities": [identity],
        "api_version": "2.0",
        "status_callback_urls": [CALLBACK],
        **given,
    }


async def check_signature(http: httpx.AsyncClient, headers: httpx.Headers, body: bytes) -> None:
    found = (await http.get("/opendsr/discovery")).json()["processor_certificate"]
    certificate = x509.load_pem_x509_certificate((await http.get(found)).content)
    key = certificate.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    assert headers["x-opendsr-processor-domain"] == "hub.example"
    signature = base64.b64decode(headers["x-opendsr-signature"])
    key.verify(signature, body, padding.PKCS1v15(), hashes.SHA256())  # raises if it is not


class TestDiscovery:
    async def test_says_what_is_supported_without_a_key(self, http: httpx.AsyncClient) -> None:
        answer = await http.get("/opendsr/discovery", headers={"Authorization": ""})
        told = answer.json()
        assert told["api_version"] == "2.0"
        assert told["supported_subject_request_types"] == ["access", "portability", "erasure"]
        forms = [
            one["identity_format"] for one in told["supported_identities"] if one["identity_type"] == "email"
        ]
        assert forms == ["raw", "sha256", "sha1", "md5"]
        await check_signature(http, answer.headers, answer.content)


class TestHashedIdentities:
    @pytest.mark.parametrize("form", ["sha256", "sha1", "md5"])
    async def test_lead_to_the_customer_in_whatever_case_they_are_written(
        self, mia: Rooms, http: httpx.AsyncClient, form: str
    ) -> None:
        whole = (await mia.require()).id
        for value in ("mia.stone@example.com", "ben@example.com", "nobody@example.com"):
            digest = hashlib.new(form, value.encode(), usedforsecurity=False).hexdigest().upper()
            identity = {"identity_type": "email", "identity_value": digest, "identity_format": form}
            given = request("erasure", subject_identities=[identity])
            assert (await http.post("/opendsr/requests", json=given)).status_code == 201
            kept = await mia.store.db["subject_requests"].find_one({"_id": given["subject_request_id"]})
            assert kept is not None
            assert len(kept["profile_ids"]) == (value != "nobody@example.com")
            assert (whole in kept["profile_ids"]) == value.startswith("mia")

    async def test_are_of_the_normalised_spelling(self, mia: Rooms, http: httpx.AsyncClient) -> None:
        digest = hashlib.sha256(b"+441632960199").hexdigest()
        identity = {"identity_type": "phone", "identity_value": digest, "identity_format": "sha256"}
        given = request("access", subject_identities=[identity])
        await http.post("/opendsr/requests", json=given)
        kept = await mia.store.db["subject_requests"].find_one({"_id": given["subject_request_id"]})
        assert kept is not None
        assert kept["profile_ids"] == [(await mia.require()).id]

    async def test_that_are_no_digests_are_refused(self, http: httpx.AsyncClient) -> None:
        identity = {
            "identity_type": "email",
            "identity_value": "mia@example.com",
            "identity_format": "sha256",
        }
        answer = await http.post("/opendsr/requests", json=request("erasure", subject_identities=[identity]))
        assert answer.status_code == 400
        assert "64 hexadecimal digits" in answer.json()["error"]["message"]


class TestErasure:
    async def test_waits_then_erases_and_tells_each_state_signed(
        self,
        mia: Rooms,
        http: httpx.AsyncClient,
        service: OpenDsrService,
        clock: FixedClock,
        controller: Controller,
    ) -> None:
        given = request("erasure")
        answer = await http.post("/opendsr/requests", json=given)
        assert answer.status_code == 201
        told = answer.json()
        assert told["controller_id"] == "the admin key"
        assert told["received_time"] == "2026-03-02T10:00:00.000Z"
        assert orjson.loads(base64.b64decode(told["encoded_request"])) == given
        await check_signature(http, answer.headers, answer.content)
        where = f"/opendsr/requests/{given['subject_request_id']}"
        assert await service.run_due() == 0
        assert (await http.get(where)).json()["request_status"] == "pending"
        assert await traces(mia.store, ["mia.stone"]) != []
        clock.instant += DELAY
        assert await service.run_due() == 1
        done = (await http.get(where)).json()
        assert (done["request_status"], done["results_count"]) == ("completed", 1)
        assert await traces(mia.store, ["mia.stone", "mia stone", "mias-phone"]) == []
        assert await service.tell() == 2
        assert controller.states() == ["in_progress", "completed"]
        for heard in controller.heard:
            assert orjson.loads(heard.content)["status_callback_url"] == CALLBACK
            await check_signature(http, heard.headers, heard.content)
        assert await service.tell() == 0

    async def test_can_be_cancelled_while_it_waits_and_not_after(
        self,
        mia: Rooms,
        http: httpx.AsyncClient,
        service: OpenDsrService,
        clock: FixedClock,
        controller: Controller,
    ) -> None:
        first, second = request("erasure"), request("erasure")
        for given in (first, second):
            await http.post("/opendsr/requests", json=given)
        answer = await http.delete(f"/opendsr/requests/{first['subject_request_id']}")
        assert answer.status_code == 202
        await check_signature(http, answer.headers, answer.content)
        await http.delete(f"/opendsr/requests/{second['subject_request_id']}")
        clock.instant += DELAY
        assert await service.run_due() == 0
        assert await mia.find() is not None
        again = await http.delete(f"/opendsr/requests/{first['subject_request_id']}")
        assert (again.status_code, again.json()["error"]["errors"][0]["reason"]) == (409, "CONFLICT")
        await service.tell()
        assert controller.states() == ["cancelled", "cancelled"]

    async def test_that_a_crash_cut_short_is_taken_up_again(
        self,
        mia: Rooms,
        service: OpenDsrService,
        clock: FixedClock,
        monkeypatch: pytest.MonkeyPatch,
        controller: Controller,
    ) -> None:
        given = request("erasure")
        await service.submit(given, controller="c")
        clock.instant += DELAY

        async def dies(*_: Any, **__: Any) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(ErasureService, "erase", dies)
            with pytest.raises(KeyboardInterrupt):
                await service.run_due()
        assert await service.run_due() == 0  # somebody may be at it
        clock.instant += timedelta(minutes=2)
        assert await service.run_due() == 1
        assert await mia.find() is None
        await service.tell()
        assert controller.states() == ["in_progress", "completed"]


class TestAccessAndPortability:
    @pytest.mark.parametrize(("kind", "media"), [("access", "html"), ("portability", "json")])
    async def test_give_a_link_to_the_copy(
        self, mia: Rooms, http: httpx.AsyncClient, service: OpenDsrService, clock: FixedClock, exports: ExportService,
        kind: str, media: str,
    ) -> None:  # fmt: skip
        given = request(kind)
        await http.post("/opendsr/requests", json=given)
        clock.instant += DELAY
        await service.run_due()
        done = (await http.get(f"/opendsr/requests/{given['subject_request_id']}")).json()
        assert done["results_count"] == 1
        url, _, query = done["results_url"].partition("?")
        assert query == f"format={media}"
        assert (await exports.open(url.rpartition("/")[2])).id == (await mia.require()).id

    async def test_of_nobody_is_completed_with_nothing(
        self, http: httpx.AsyncClient, service: OpenDsrService, clock: FixedClock
    ) -> None:
        given = request("access", "nobody@example.com")
        await http.post("/opendsr/requests", json=given)
        clock.instant += DELAY
        await service.run_due()
        done = (await http.get(f"/opendsr/requests/{given['subject_request_id']}")).json()
        assert (done["request_status"], done["results_count"], "results_url" in done) == (
            "completed",
            0,
            False,
        )


async def test_a_request_that_waits_speaks_of_nobody_once_the_customer_is_erased(
    mia: Rooms, http: httpx.AsyncClient, service: OpenDsrService, clock: FixedClock, erasures: ErasureService
) -> None:
    given = request("access")
    await http.post("/opendsr/requests", json=given)
    whole = (await mia.require()).id
    assert await traces(mia.store, [given["subject_request_id"]])
    await erasures.erase(CustomerRef("user_id", "mia"), requested_by="test")
    assert await traces(mia.store, [whole]) == []
    clock.instant += DELAY
    await service.run_due()
    done = (await http.get(f"/opendsr/requests/{given['subject_request_id']}")).json()
    assert (done["request_status"], done["results_count"]) == ("completed", 0)


class TestCallbacks:
    async def test_are_tried_again_with_pauses(
        self, service: OpenDsrService, clock: FixedClock, controller: Controller
    ) -> None:
        await service.submit(request("access"), controller="c")
        clock.instant += DELAY
        await service.run_due()
        controller.answers = 503
        assert await service.tell() == 0
        assert len(controller.heard) == 2
        assert await service.tell() == 0
        assert len(controller.heard) == 2
        clock.instant += timedelta(seconds=3)
        controller.answers = 202
        assert await service.tell() == 2
        assert await service.tell() == 0


class TestBadInput:
    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"subject_request_id": "7"}, "subject_request_id"),
            ({"subject_request_id": "a7551968-d5d6-11b2-9831-815ac9017798"}, "subject_request_id"),
            ({"subject_request_type": "forget"}, "subject_request_type"),
            ({"regulation": "none"}, "regulation"),
            ({"submitted_time": "yesterday"}, "submitted_time"),
            ({"subject_identities": []}, "subject_identities"),
            ({"subject_identities": [{"identity_type": "email", "identity_value": "x", "identity_format": "rot13"}]},
             "subject_identities.0.identity_format"),
            ({"subject_identities": [{"identity_type": "email", "identity_value": "no address"}]},
             "subject_identities.0.identity_value"),
            ({"subject_identities": [{"identity_type": "shoe", "identity_value": "9"}]},
             "subject_identities.0.identity_type"),
            ({"status_callback_urls": ["http://controller.example/x"]}, "status_callback_urls"),
            ({"status_callback_urls": ["file:///etc/passwd"]}, "status_callback_urls"),
        ],
    )  # fmt: skip
    async def test_is_a_typed_error_and_changes_nothing(
        self, store: Store, http: httpx.AsyncClient, change: dict[str, Any], field: str
    ) -> None:
        answer = await http.post("/opendsr/requests", json=request("erasure", **change))
        assert answer.status_code == 400
        assert answer.json()["error"]["errors"][0]["domain"] == field
        assert await store.db["subject_requests"].count_documents({}) == 0

    @pytest.mark.parametrize("body", [b"", b"{", b"5", b"null", b"[]"])
    async def test_that_is_no_request(self, http: httpx.AsyncClient, body: bytes) -> None:
        assert (await http.post("/opendsr/requests", content=body)).status_code == 400

    @pytest.mark.parametrize("scope", ["ingest", "browse", "agent", "renderer"])
    async def test_other_keys_are_refused(self, http: httpx.AsyncClient, scope: str) -> None:
        answer = await http.post(
            "/opendsr/requests", json=request("erasure"), headers={"Authorization": scope}
        )
        assert answer.status_code == 403

    async def test_an_id_that_nobody_made(self, http: httpx.AsyncClient) -> None:
        assert (await http.get(f"/opendsr/requests/{uuid4()}")).status_code == 404
        assert (await http.delete(f"/opendsr/requests/{uuid4()}")).status_code == 404

    async def test_the_same_request_twice_is_one_and_another_with_its_id_a_conflict(
        self, store: Store, http: httpx.AsyncClient
    ) -> None:
        given = request("access")
        first, second = [await http.post("/opendsr/requests", json=given) for _ in range(2)]
        assert (first.json(), second.status_code) == (second.json(), 201)
        other = await http.post("/opendsr/requests", json={**given, "subject_request_type": "erasure"})
        assert other.status_code == 409
        assert await store.db["subject_requests"].count_documents({}) == 1
