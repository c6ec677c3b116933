"""Unsubscribing from email: one click, no login, no question (RFC 8058).

    GET  /unsubscribe/TOKEN   a small page with one button; changes nothing, since mail scanners follow links
    POST /unsubscribe/TOKEN   takes the consent back; sent by mail clients themselves and by that button

The token names a profile and is signed; a tampered one changes nothing. It does not end: whoever digs
out an old message can still unsubscribe.
"""

from collections.abc import Mapping
from contextlib import suppress
from email.parser import BytesParser
from email.policy import HTTP
from html import escape
from typing import Any, Protocol
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from hub.auth.tokens import Signer
from hub.channels.context_building import PREVIEW_TOKEN, UNSUBSCRIBE
from hub.errors import InvalidInput, NotFound
from hub.profiles.model import ConsentState, CustomerRef, Profile, Purpose
from hub.web.problems import problem

FIELD, ONE_CLICK = "List-Unsubscribe", "One-Click"
SOURCE = "one_click_unsubscribe"
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",  # the address is the key to this door
    "X-Robots-Tag": "noindex",
}

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>{title}</title>
<style>
body {{ font: 17px/1.5 system-ui, sans-serif; margin: 0; min-height: 100vh; display: grid; place-content: center; }}
main {{ max-width: 26rem; padding: 2rem; }}
h1 {{ font-size: 1.5rem; line-height: 1.25; margin: 0 0 .5rem; }}
p {{ margin: 0 0 1.5rem; }}
button {{ font: inherit; font-weight: 600; padding: .7rem 1.4rem; border: 0; border-radius: .4rem;
  background: #1f3a5f; color: #fff; cursor: pointer; }}
button:focus-visible {{ outline: 3px solid #7fa7d9; outline-offset: 2px; }}
</style></head><body><main><h1>{title}</h1><p>{text}</p>{action}</main></body></html>
"""
BUTTON = f'<form method="post"><button name="{FIELD}" value="{ONE_CLICK}">Unsubscribe</button></form>'


class Control(Protocol):
    """What is needed of the control service."""

    async def set_consent(
        self,
        ref: CustomerRef,
        purpose: Purpose,
        channel: str | None,
        state: ConsentState,
        *,
        source: str = ...,
    ) -> Profile: ...


def routes(control: Control, signer: Signer) -> list[BaseRoute]:
    """Return the routes of unsubscribing."""

    async def ask(request: Request) -> Response:
        token = request.path_params["token"]
        if token == PREVIEW_TOKEN:
            return _preview(request)
        try:
            signer.verify(UNSUBSCRIBE, token)
        except InvalidInput as error:
            return _refusal(request, error)
        return _page(
            "Unsubscribe from our email?", "One click, and we send you no more marketing email.", BUTTON
        )

    async def unsubscribe(request: Request) -> Response:
        token = request.path_params["token"]
        if token == PREVIEW_TOKEN:
            return _preview(request)
        try:
            profile_id = _profile_of(signer.verify(UNSUBSCRIBE, token))
            _require_one_click(request.headers.get("content-type", ""), await request.body())
        except InvalidInput as error:
            return _refusal(request, error)
        with suppress(NotFound):  # erased since: nobody is left who could be mailed
            await control.set_consent(
                CustomerRef("id", profile_id),
                Purpose.EMAIL_MARKETING,
                None,
                ConsentState.DENIED,
                source=SOURCE,
            )
        return _page(
            "You are unsubscribed",
            "We send you no more marketing email. You can change your mind at any time.",
        )

    return [
        Route("/unsubscribe/{token}", ask, methods=["GET"]),
        Route("/unsubscribe/{token}", unsubscribe, methods=["POST"]),
    ]


def _profile_of(payload: Mapping[str, Any]) -> str:
    profile_id = payload.get("profile")
    if not isinstance(profile_id, str):
        raise InvalidInput("this link names nobody", code="BAD_TOKEN")
    return profile_id


def _require_one_click(content_type: str, body: bytes) -> None:
    """Refuse a POST that does not say what RFC 8058 has it say: an accident must not unsubscribe anybody."""
    if content_type.startswith("multipart/form-data"):
        head = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1", "replace")
        parts = BytesParser(policy=HTTP).parsebytes(head + body).iter_parts()
        said = [
            str(part.get_payload()).strip()
            for part in parts
            if part.get_param("name", header="content-disposition") == FIELD
        ]
    else:
        said = parse_qs(body.decode("utf-8", "replace")).get(FIELD, [])
    if ONE_CLICK not in said:
        raise InvalidInput(f"send {FIELD}={ONE_CLICK} to unsubscribe", code="NOT_ONE_CLICK", path=("body",))


def _preview(_request: Request) -> Response:
    return _page(
        "This was a preview", "The message was only looked at, not sent: its link unsubscribes nobody."
    )


def _refusal(request: Request, error: InvalidInput) -> Response:
    """Answer a person with a page, a program with a problem document."""
    if "text/html" in request.headers.get("accept", ""):
        text = (
            "Use the link in the latest message you had from us, or write to us and we take you off the list."
        )
        return _page("This link does not work", text, status=error.status)
    return problem(error)


def _page(title: str, text: str, action: str = "", *, status: int = 200) -> Response:
    page = PAGE.format(title=escape(title), text=escape(text), action=action)
    return HTMLResponse(page, status_code=status, headers=HEADERS)
