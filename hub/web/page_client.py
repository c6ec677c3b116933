"""`/client/tutti.js`: the hub's own client for web pages, an ES module with its types; and who may ask from a page.

    GET /client/tutti.js      the module; GET /client/tutti.d.ts its types

Files may be kept an hour and are asked for again by their ETag. A page of another origin loads them and asks
`/graphql` and `/v1/*` under CORS. The hub knows no cookie: a page can do what the key in it can, no more.
"""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from importlib.resources import files

from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

TYPES = {"tutti.js": "text/javascript; charset=utf-8", "tutti.d.ts": "text/plain; charset=utf-8"}
KEPT = "public, max-age=3600, stale-while-revalidate=86400"
PREFLIGHT_SECONDS = 7_200  # the most that Chromium keeps


def routes() -> list[BaseRoute]:
    """Return the routes of the client's files."""
    folder = files("hub.web").joinpath("static/client")
    return [
        Route(f"/client/{name}", _file(folder.joinpath(name).read_bytes(), media), methods=["GET"])
        for name, media in TYPES.items()
    ]


def across_origins(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    """Return `app`, open to the pages of some origins; `*` for all."""
    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=["GET", "POST"],
        allow_headers=["Authorization", "Content-Type", "X-Tutti-Customer"],
        expose_headers=["X-Request-Id"],
        max_age=PREFLIGHT_SECONDS,
    )


def _file(content: bytes, media: str) -> Callable[[Request], Awaitable[Response]]:
    etag = f'"{hashlib.sha256(content).hexdigest()[:24]}"'
    headers = {"Cache-Control": KEPT, "ETag": etag, "Cross-Origin-Resource-Policy": "cross-origin"}

    async def endpoint(request: Request) -> Response:
        known = {
            each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")
        }
        if etag in known:
            return Response(status_code=304, headers=headers)
        return Response(content, media_type=media, headers=headers)

    return endpoint
