"""`/graphiql`: GraphiQL out of the hub's own files, under a policy that lets it talk to this hub alone."""

import asyncio
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route

from hub.errors import NotFound
from hub.web.graphiql_assets import ASSETS, FOLDER, complete

# GraphiQL's editor sets styles of elements, hence 'unsafe-inline' for styles; scripts are files only.
POLICY = "; ".join(  # noqa: FLY002 - one rule a line can be read and reviewed
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "font-src 'self' data:",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}
MISSING = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Tutti: GraphiQL</title>
<p>GraphiQL's files are not here yet. <code>make setup</code> fetches them, or
<code>python -m hub.web.graphiql_assets</code> alone. The API itself is at <code>/graphql</code>.</p></html>
"""


def routes() -> list[Route]:
    """Return `/graphiql` and the files that it is made of."""
    own = files("hub.web").joinpath("static/ide")
    page = own.joinpath("page.html").read_text()
    parts = {name: own.joinpath(name).read_text() for name in ("page.js", "page.css")}
    names = {asset.name for asset in ASSETS}

    async def graphiql(_request: Request) -> Response:
        # The digests are looked at whenever the page is, so that no file runs that is not the pinned one.
        if not await asyncio.to_thread(complete):
            return HTMLResponse(MISSING, 503, headers=HEADERS)
        return HTMLResponse(page, headers={**HEADERS, "Cache-Control": "no-store"})

    async def part(request: Request) -> Response:
        name = str(request.path_params["name"])
        if name not in parts:
            raise NotFound("there is no such file")
        return Response(parts[name], media_type=_type(name), headers=HEADERS)

    async def asset(request: Request) -> Response:
        name = str(request.path_params["name"])
        if name not in names or not (FOLDER / name).is_file():
            raise NotFound("there is no such file")
        caching = {"Cache-Control": "public, max-age=86400"}
        return FileResponse(FOLDER / name, media_type=_type(name), headers={**HEADERS, **caching})

    return [
        Route("/graphiql", graphiql),
        Route("/graphiql/{name}", part),
        Route("/graphiql/files/{name}", asset),
    ]


def _type(name: str) -> str:
    return TYPES.get(f".{name.rpartition('.')[2]}", "text/plain; charset=utf-8")
