"""`/client/tutti.js`: the hub's own client for web pages, an ES module with its types; and who may ask from a page.

    GET /client/tutti.js      the module; GET /client/tutti.d.ts its types

Files may be kept an hour and are asked for again by their ETag. A page of another origin loads them and asks
`/graphql` and `/v1/*` under CORS. The hub knows no cookie: a page can do what the key in it can, no more.
"""

from collections.abc import Sequence
from importlib.resources import files

from starlette.middleware.cors import CORSMiddleware
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from hub.web.static_file import static_file

TYPES = {"tutti.js": "text/javascript; charset=utf-8", "tutti.d.ts": "text/plain; charset=utf-8"}
HEADERS = {
    "Cache-Control": "public, max-age=3600, stale-while-revalidate=86400",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
PREFLIGHT_SECONDS = 7_200  # the most that Chromium keeps


def routes() -> list[BaseRoute]:
    """Return the routes of the client's files."""
    folder = files("hub.web").joinpath("static/client")
    return [
        Route(
            f"/client/{name}",
            static_file(folder.joinpath(name).read_bytes(), media, HEADERS),
            methods=["GET"],
        )
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
