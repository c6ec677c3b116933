"""`/`: the console of service agents, static files of our own that speak to `/graphql` alone; and the demo's pictures.

    GET /                the page; GET /console/NAME its modules, its style sheet and its mark

The page holds no customer's data: a key that is pasted into it opens what the key's scope opens, no more. Every
file is asked for again by its ETag, so that a new release is never mixed with an old one.
"""

from collections.abc import Awaitable, Callable
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from hub.errors import NotFound
from hub.web.static_file import static_file

# A message that was sent is shown in a sandboxed frame. Such a frame inherits this policy, and messages carry their
# styles in themselves and their pictures at the shop's own addresses: hence 'unsafe-inline' for styles, and pictures
# of any host. Scripts are files of this folder only, and a frame may hold nothing that has an address.
POLICY = "; ".join(  # noqa: FLY002 - one rule a line can be read and reviewed
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' https: http: data:",
        "connect-src 'self'",
        "frame-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types letter",
    )
)
HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
PICTURES = "/demo/pictures/"


def routes() -> list[BaseRoute]:
    """Return `/`, `/console/{name}` and `/demo/pictures`."""
    parts = {part.name: _endpoint(part) for part in files("hub.web").joinpath("static/console").iterdir()}
    page = parts.pop("index.html")

    async def part(request: Request) -> Response:
        name = str(request.path_params["name"])
        if name not in parts:
            raise NotFound("there is no such file")
        return await parts[name](request)

    return [
        Route("/", page, methods=["GET"]),
        Route("/console/{name}", part, methods=["GET"]),
        Mount(PICTURES.rstrip("/"), StaticFiles(directory=pictures_folder(), check_dir=False)),
    ]


def _endpoint(part: Traversable) -> Callable[[Request], Awaitable[Response]]:
    return static_file(part.read_bytes(), TYPES[f".{part.name.rpartition('.')[2]}"], HEADERS)


def pictures_folder() -> Path:
    """Return where the demo's pictures lie."""
    return Path(str(files("hub.demo"))) / "pictures"
