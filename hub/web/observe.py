"""One canonical log line and one measurement for each request."""

import time
from collections.abc import Mapping

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hub.kit.ids import new_id

log = structlog.get_logger("tutti.http")

# Paths are grouped by their first part, so that no identifier becomes a label.
KNOWN = {
    "graphql",
    "v1",
    "healthz",
    "readyz",
    "metrics",
    "unsubscribe",
    "graphiql",
    "demo",
    "static",
    "client",
    "pictures",
    "links",
    "view",
}
BEGUN = {"http.response.start", "websocket.accept"}
EVENTS = b"text/event-stream; charset=utf-8"
QUIET = {"healthz", "readyz", "metrics"}


class Metrics:
    """The hub's Prometheus collectors; one for each application, none global."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "tutti_requests", "Requests answered.", ("route", "status"), registry=self.registry
        )
        self.seconds = Histogram(
            "tutti_request_seconds",
            "Seconds from request to the end of the response.",
            ("route",),
            buckets=(0.0025, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
            registry=self.registry,
        )

    def route(self) -> Route:
        """Return `/metrics` in Prometheus' text format."""

        async def metrics(_request: Request) -> Response:
            return Response(generate_latest(self.registry), media_type=CONTENT_TYPE_LATEST)

        return Route("/metrics", metrics)


class Observe:
    """ASGI middleware around everything else."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        route = _route_of(scope)
        method = scope.get("method", "WEBSOCKET")
        request_id = new_id("req")
        begun = time.perf_counter()
        status = 500

        async def watched(message: Message) -> None:
            nonlocal route, status
            if message["type"] in BEGUN:
                status = message.get("status", 101)
                headers = message["headers"] = [*message.get("headers", ())]
                if status == 101 or (b"content-type", EVENTS) in headers:
                    route = f"{route} stream"  # its seconds are those of the client's stay
                headers.append((b"x-request-id", request_id.encode()))
            elif message["type"] == "websocket.close" and status == 500:
                status = 403  # closed before it was accepted
            await send(message)

        structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            await self._app(scope, receive, watched)
        finally:
            seconds = time.perf_counter() - begun
            self._metrics.requests.labels(route, str(status)).inc()
            self._metrics.seconds.labels(route).observe(seconds)
            if route not in QUIET:
                log.info("request", method=method, route=route, status=status, ms=round(seconds * 1000, 1))
            structlog.contextvars.clear_contextvars()


def _route_of(scope: Mapping[str, object]) -> str:
    first = str(scope["path"]).strip("/").partition("/")[0]
    if not first:
        return "home"
    return first if first in KNOWN else "other"
