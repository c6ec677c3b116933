"""Every door of a hub besides `/graphql`, and how to knock at it with what somebody left in the world."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from unittest.mock import MagicMock

import httpx
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute

from hub.app import build_app
from hub.config import Settings
from tests.e2e.hub_process import HubProcess


def doors() -> set[str]:
    """Return the method and the path of every route of the application."""
    services = MagicMock(settings=Settings())
    app: Any = build_app(services, *(MagicMock() for _ in range(5)))
    while not hasattr(app, "routes"):
        app = app.app if hasattr(app, "app") else vars(app)["_app"]
    return {door for route in app.routes for door in _named(route)}


def _named(route: BaseRoute) -> list[str]:
    if isinstance(route, Mount):
        return [f"GET {route.path}/"]
    if isinstance(route, WebSocketRoute):
        return [f"WEBSOCKET {route.path}"]
    assert isinstance(route, Route)
    return [f"{method} {route.path}" for method in route.methods or {"POST"} if method != "HEAD"]


@dataclass(frozen=True)
class Left:
    """What of somebody is out in the world: in their browser, in their mailbox, in another system's files."""

    events: Mapping[str, Mapping[str, Any]]  # messages as they were sent, by kind
    links: Mapping[str, str]  # addresses in a message and of a copy, by path of the route
    served: list[str]
    token: str
    request: str  # of OpenDSR
    subject: Mapping[str, Any]  # a new request of OpenDSR


def knock(hub: HubProcess, left: Left) -> dict[str, httpx.Response]:
    """Return what every door says to what is left; by method and path as `doors` has them."""
    ingest, admin = hub.keys["ingest"], {"Authorization": f"Bearer {hub.keys['admin']}"}
    beacon = {
        "key": hub.keys["browse"],
        "token": left.token,
        "exposures": [{"servedId": one} for one in left.served],
    }
    batch = [{"type": kind, **message} for kind, message in left.events.items()]
    said = {}
    with httpx.Client(base_url=hub.url, timeout=30) as client:
        for kind, message in left.events.items():
            said[f"POST /v1/{kind}"] = client.post(f"/v1/{kind}", json=message, auth=(ingest, ""))
        for path in ("/v1/batch", "/v1/import"):
            said[f"POST {path}"] = client.post(path, json={"batch": batch}, auth=(ingest, ""))
        said["POST /v1/exposures"] = client.post("/v1/exposures", json=beacon)
        for path, link in left.links.items():
            said[f"GET {path}"] = client.get(link)
        said["POST /unsubscribe/{token}"] = client.post(left.links["/unsubscribe/{token}"])
        opendsr = f"/opendsr/requests/{left.request}"
        said["POST /opendsr/requests"] = client.post("/opendsr/requests", json=left.subject, headers=admin)
        said["GET /opendsr/requests/{id}"] = client.get(opendsr, headers=admin)
        said["DELETE /opendsr/requests/{id}"] = client.delete(opendsr, headers=admin)
        for path in (
            "/", "/client/tutti.d.ts", "/client/tutti.js", "/demo/pictures/", "/graphiql", "/healthz", "/metrics",
            "/opendsr/certificate.pem", "/opendsr/discovery", "/readyz", "/.well-known/gpc.json",
        ):  # fmt: skip
            said[f"GET {path}"] = client.get(path, headers=admin)
        said["GET /console/{name}"] = client.get("/console/main.js")
        said["GET /graphiql/{name}"] = client.get("/graphiql/page.js")
        said["GET /graphiql/files/{name}"] = client.get("/graphiql/files/react.js")
    return said
