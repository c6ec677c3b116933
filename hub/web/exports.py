"""`/exports/TOKEN`: what a customer asked for, as a page for people or as JSON for programs.

The token is signed, names an export and ends after a week; whoever has the link has the data, so it goes to
the customer and to nobody else. An erasure ends it at once.
"""

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from hub.errors import InvalidInput, TuttiError
from hub.kit.clock import Clock
from hub.privacy.export import ExportService
from hub.privacy.page import page
from hub.web.problems import problem

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",  # the address is the key
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
FORMATS = ("json", "html")


def routes(exports: ExportService, clock: Clock) -> list[BaseRoute]:
    """Return the route under which exports are fetched."""

    async def fetch(request: Request) -> Response:
        try:
            profile = await exports.open(request.path_params["token"])
            kind = _format(request)
        except TuttiError as error:
            return problem(error)
        if kind == "html":
            return StreamingResponse(
                page(exports, profile, clock.now()), media_type="text/html; charset=utf-8", headers=HEADERS
            )
        attached = {"Content-Disposition": 'attachment; filename="my-data.json"'}
        return StreamingResponse(
            exports.document(profile), media_type="application/json", headers={**HEADERS, **attached}
        )

    return [Route("/exports/{token}", fetch, methods=["GET"])]


def _format(request: Request) -> str:
    asked = request.query_params.get("format")
    if asked is None:  # a browser gets the page
        return "html" if "text/html" in request.headers.get("accept", "") else "json"
    if asked not in FORMATS:
        raise InvalidInput(f"a format is one of {', '.join(FORMATS)}", path=("format",))
    return asked
