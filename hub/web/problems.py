"""Errors over plain HTTP: problem documents of RFC 9457, and never a stack trace."""

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from hub.errors import Conflict, Forbidden, InvalidInput, NotFound, TooLarge, TuttiError, Unavailable

log = structlog.get_logger("tutti.http")
MEDIA_TYPE = "application/problem+json"


def problem(error: TuttiError) -> Response:
    """Render a typed error."""
    headers = {}
    if error.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="tutti", Basic realm="tutti"'
    if isinstance(error, Unavailable):
        headers["Retry-After"] = "1"
    return JSONResponse(error.as_problem(), status_code=error.status, media_type=MEDIA_TYPE, headers=headers)


async def on_tutti_error(_request: Request, error: Exception) -> Response:
    """Handle what the hub refuses on purpose."""
    assert isinstance(error, TuttiError)
    return problem(error)


async def on_http_error(_request: Request, error: Exception) -> Response:
    """Handle what the router refuses: unknown path, wrong method, too large a body."""
    assert isinstance(error, HTTPException)
    kinds: dict[int, type[TuttiError]] = {404: NotFound, 409: Conflict, 413: TooLarge, 403: Forbidden}
    document = kinds.get(error.status_code, InvalidInput)(str(error.detail)).as_problem()
    document["status"] = error.status_code
    return JSONResponse(document, status_code=error.status_code, media_type=MEDIA_TYPE, headers=error.headers)


async def on_surprise(_request: Request, error: Exception) -> Response:
    """Handle a fault of ours: logged whole for us, masked for the client."""
    log.error("unexpected error", exc_info=error)
    return problem(TuttiError("the hub made a mistake; it is logged under this request's X-Request-Id"))
