"""`/.well-known/gpc.json`: that this hub heeds Global Privacy Control (https://www.w3.org/TR/gpc/)."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

SINCE = "2026-11-21"


def routes() -> list[BaseRoute]:
    """Return the route."""

    async def support(_request: Request) -> Response:
        return JSONResponse({"gpc": True, "lastUpdate": SINCE})

    return [Route("/.well-known/gpc.json", support, methods=["GET"])]
