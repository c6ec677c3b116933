"""What a message asks for when it is opened, long after it was made.

    GET /pictures/SERVED/STAMP/KEY.png   the item's picture, or that of what stands in its place
    GET /links/SERVED/STAMP/KEY          to the item's page, or to the page of what stands in its place
    GET /view/SERVED/STAMP               the message, the very bytes that were sent

Addresses are stamped: nobody can make one for another item or another's message. Opening is not recorded at
all; a click only for who has agreed to be counted (ANALYTICS). No cookie is set, and what comes back may be
kept a few minutes, for this reader alone.
"""

from collections.abc import Awaitable, Callable
from html import escape
from typing import Protocol
from urllib.parse import urljoin

import structlog
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from hub.auth.tokens import Signer
from hub.catalogue.snapshot import CatalogueSnapshot
from hub.channels.opening import LINK, PICTURE, VIEW, Opened, OpeningService
from hub.channels.pictures import Pictures
from hub.errors import InvalidInput, NotFound, TuttiError, Unavailable
from hub.web.problems import problem

log = structlog.get_logger("tutti.http")

KEPT = "private, max-age=300"
# The message's own styles stand in it; nothing in it may run, and no frame may hold it.
VIEW_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src https: http: data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
PRIVATE = {"Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}
GONE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<style>body{{font:17px/1.5 system-ui,sans-serif;max-width:30rem;margin:15vh auto;padding:0 1.5rem}}</style></head>
<body><h1>{title}</h1><p>{text}</p></body></html>
"""


class Clicks(Protocol):
    """What is needed of the control service."""

    async def clicked(self, profile_id: str, served_id: str, content_key: str) -> bool: ...


def routes(
    opening: OpeningService,
    pictures: Pictures,
    signer: Signer,
    clicks: Clicks,
    snapshot: Callable[[], CatalogueSnapshot],
) -> list[BaseRoute]:
    """Return the routes."""
    doors = _Doors(opening, pictures, signer, clicks, snapshot)
    return [
        Route("/pictures/{served}/{stamp}/{key:path}", answering(doors.picture), methods=["GET"]),
        Route("/links/{served}/{stamp}/{key:path}", answering(doors.link), methods=["GET"]),
        Route("/view/{served}/{stamp}", answering(doors.view), methods=["GET"]),
    ]


class _Doors:
    def __init__(
        self,
        opening: OpeningService,
        pictures: Pictures,
        signer: Signer,
        clicks: Clicks,
        snapshot: Callable[[], CatalogueSnapshot],
    ) -> None:
        self._opening = opening
        self._pictures = pictures
        self._signer = signer
        self._clicks = clicks
        self._snapshot = snapshot

    async def picture(self, request: Request) -> Response:
        served_id, key = self._checked(request, PICTURE, request.path_params["key"].removesuffix(".png"))
        opened = await self._opening.opened(served_id, key)
        made = await self._pictures.of(opened.content, instead_of=opened.instead_of)
        headers = {"Cache-Control": KEPT, **PRIVATE}
        if made.url is not None:
            return RedirectResponse(made.url, 302, headers)
        return Response(made.png, media_type="image/png", headers=headers)

    async def link(self, request: Request) -> Response:
        served_id, key = self._checked(request, LINK, request.path_params["key"])
        url = _page_of(await self._opening.opened(served_id, key), self._snapshot())
        if url is None:
            return plain_page("This has gone", "What the message spoke of is no longer to be had.")
        try:
            served = await self._opening.sent(served_id)
            if served.profile_id is not None:
                await self._clicks.clicked(served.profile_id, served_id, key)
        except TuttiError as error:  # whoever clicked wants the page, not our books
            log.warning("a click was not recorded", code=error.kind)
        return RedirectResponse(url, 302, {"Cache-Control": "no-store", **PRIVATE})

    async def view(self, request: Request) -> Response:
        served_id = request.path_params["served"]
        self._signer.check_stamp(request.path_params["stamp"], VIEW, served_id)
        served = await self._opening.sent(served_id)
        headers = {"Content-Security-Policy": VIEW_POLICY, "Cache-Control": "private, no-store", **PRIVATE}
        return HTMLResponse(served.html, headers=headers)

    def _checked(self, request: Request, purpose: str, key: str) -> tuple[str, str]:
        served_id = request.path_params["served"]
        self._signer.check_stamp(request.path_params["stamp"], purpose, served_id, key)
        return served_id, key


def _page_of(opened: Opened, snapshot: CatalogueSnapshot) -> str | None:
    """Return where a link leads: to the page of what there is, else to the brand's own; None if there is neither."""
    content = opened.content
    facts = snapshot.facts.get(content.brand if content is not None else snapshot.house_brand)
    site = facts.website if facts is not None else ""
    for found in (content.url if content is not None else None, site):
        if found:
            url = urljoin(f"{site.rstrip('/')}/", found)
            if url.startswith(("https://", "http://")):
                return url
    return None


def answering(
    endpoint: Callable[[Request], Awaitable[Response]],
) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint that tells people of refusals in a page, programs in a problem document."""

    async def answering(request: Request) -> Response:
        try:
            return await endpoint(request)
        except (InvalidInput, NotFound, Unavailable) as error:
            if "text/html" not in request.headers.get("accept", ""):
                return problem(error)
            return plain_page(
                "This link does not work", "It is old, or was changed on its way.", status=error.status
            )

    return answering


def plain_page(title: str, text: str, *, status: int = 410) -> Response:
    """Return a page of one heading and one sentence."""
    page = GONE.format(title=escape(title), text=escape(text))
    headers = {"Content-Security-Policy": VIEW_POLICY, "Cache-Control": "no-store", **PRIVATE}
    return HTMLResponse(page, status, headers)
