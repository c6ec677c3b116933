import httpx
import pytest
from starlette.applications import Starlette

from hub.auth.tokens import Signer
from hub.channels.context_building import PREVIEW_TOKEN, UNSUBSCRIBE
from hub.errors import NotFound, TuttiError, Unavailable
from hub.profiles.model import ConsentState, CustomerRef, Purpose
from hub.web.problems import on_tutti_error
from hub.web.unsubscribe import routes

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
SECRET = b"a secret of thirty-two bytes, 32"


class Control:
    """Remembers what it was told to set."""

    def __init__(self, fault=None):
        self.set, self.fault = [], fault

    async def set_consent(self, ref, purpose, channel, state, *, source):
        if self.fault is not None:
            raise self.fault
        self.set.append((ref, purpose, channel, state, source))


@pytest.fixture
def signer(clock):
    return Signer(SECRET, clock)


@pytest.fixture
def token(signer):
    return signer.sign(UNSUBSCRIBE, {"profile": "prf_1"})


def browser(control, signer):
    app = Starlette(routes=routes(control, signer), exception_handlers={TuttiError: on_tutti_error})
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://hub.example")


class TestOneClick:
    async def test_a_mail_client_takes_the_consent_back_in_one_request(self, signer, token):
        control = Control()
        async with browser(control, signer) as client:
            answer = await client.post(f"/unsubscribe/{token}", data=ONE_CLICK)
        assert answer.status_code == 200
        assert control.set == [
            (
                CustomerRef("id", "prf_1"),
                Purpose.EMAIL_MARKETING,
                None,
                ConsentState.DENIED,
                "one_click_unsubscribe",
            )
        ]

    async def test_the_form_may_come_in_parts(self, signer, token):
        control = Control()
        async with browser(control, signer) as client:
            answer = await client.post(
                f"/unsubscribe/{token}", files={"List-Unsubscribe": (None, "One-Click")}
            )
        assert answer.status_code == 200
        assert len(control.set) == 1

    async def test_looking_changes_nothing_and_offers_the_button(self, signer, token):
        control = Control()
        async with browser(control, signer) as client:
            page = await client.get(f"/unsubscribe/{token}")
        assert page.status_code == 200
        assert 'name="List-Unsubscribe" value="One-Click"' in page.text
        assert page.headers["referrer-policy"] == "no-referrer"
        assert control.set == []

    async def test_an_old_message_still_works(self, signer, token, clock):
        clock.instant = clock.instant.replace(year=2036)
        control = Control()
        async with browser(control, signer) as client:
            assert (await client.post(f"/unsubscribe/{token}", data=ONE_CLICK)).status_code == 200
        assert len(control.set) == 1

    async def test_nobody_is_left_to_unsubscribe_after_erasure(self, signer, token):
        async with browser(Control(NotFound("gone")), signer) as client:
            assert (await client.post(f"/unsubscribe/{token}", data=ONE_CLICK)).status_code == 200

    async def test_what_could_not_be_kept_is_not_confirmed(self, signer, token):
        async with browser(Control(Unavailable("later")), signer) as client:
            assert (await client.post(f"/unsubscribe/{token}", data=ONE_CLICK)).status_code == 503


class TestRefusals:
    def tampered(self, signer, token, clock):
        head, payload, signature = token.split(".")
        other = signer.sign(UNSUBSCRIBE, {"profile": "prf_2"}).split(".")
        return [
            "nonsense",
            f"{head}.{other[1]}.{signature}",
            f"{head}.{payload}.{signature[:-4]}AAAA",
            f"{head}.{payload}.",
            signer.sign("customer", {"profile": "prf_1"}),
            Signer(b"another secret of thirty-two byte", clock).sign(UNSUBSCRIBE, {"profile": "prf_1"}),
        ]

    async def test_a_tampered_token_changes_nothing(self, signer, token, clock):
        control = Control()
        async with browser(control, signer) as client:
            for bad in self.tampered(signer, token, clock):
                posted = await client.post(f"/unsubscribe/{bad}", data=ONE_CLICK)
                looked = await client.get(f"/unsubscribe/{bad}", headers={"Accept": "text/html"})
                assert (posted.status_code, posted.json()["code"]) == (400, "BAD_TOKEN")
                assert looked.status_code == 400
                assert "This link does not work" in looked.text
        assert control.set == []

    async def test_a_token_that_names_nobody_is_refused(self, signer):
        control = Control()
        async with browser(control, signer) as client:
            answer = await client.post(f"/unsubscribe/{signer.sign(UNSUBSCRIBE, {})}", data=ONE_CLICK)
        assert answer.status_code == 400
        assert control.set == []

    @pytest.mark.parametrize("body", [b"", b"List-Unsubscribe=Maybe", b"\xff\xfe", b"&" * 5000])
    @pytest.mark.parametrize(
        "media", ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"]
    )
    async def test_a_post_by_accident_changes_nothing(self, signer, token, body, media):
        control = Control()
        async with browser(control, signer) as client:
            answer = await client.post(f"/unsubscribe/{token}", content=body, headers={"Content-Type": media})
        assert (answer.status_code, answer.json()["code"]) == (400, "NOT_ONE_CLICK")
        assert control.set == []

    async def test_a_previews_link_unsubscribes_nobody(self, signer):
        control = Control()
        async with browser(control, signer) as client:
            for answer in (
                await client.get(f"/unsubscribe/{PREVIEW_TOKEN}"),
                await client.post(f"/unsubscribe/{PREVIEW_TOKEN}", data=ONE_CLICK),
            ):
                assert answer.status_code == 200
                assert "This was a preview" in answer.text
        assert control.set == []
