"""`/healthz`: the process lives. `/readyz`: it can answer customers."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from hub.errors import Unavailable


@dataclass(slots=True)
class Readiness:
    """What the hub still waits for; empty when it is ready."""

    waiting_for: str = "the store"


def routes(readiness: Readiness, ping: Callable[[], Awaitable[None]]) -> list[Route]:
    """Return both routes; `ping` raises Unavailable when the store does not answer."""

    async def healthz(_request: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"})

    async def readyz(_request: Request) -> JSONResponse:
        if readiness.waiting_for:
            return JSONResponse({"status": "starting", "waiting_for": readiness.waiting_for}, status_code=503)
        try:
            await ping()
        except Unavailable as fault:
            return JSONResponse({"status": "unavailable", "detail": fault.message}, status_code=503)
        return JSONResponse({"status": "ready"})

    return [Route("/healthz", healthz), Route("/readyz", readyz)]
