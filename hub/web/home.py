"""The first page, and the demo's pictures: static files of our own."""

from importlib.resources import files
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
PICTURES = "/demo/pictures/"


def routes() -> list[BaseRoute]:
    """Return `/` and `/demo/pictures`."""
    page = files("hub.web").joinpath("static/home.html").read_text()

    async def home(_request: Request) -> HTMLResponse:
        return HTMLResponse(page, headers={"Content-Security-Policy": POLICY})

    return [
        Route("/", home),
        Mount(PICTURES.rstrip("/"), StaticFiles(directory=pictures_folder(), check_dir=False)),
    ]


def pictures_folder() -> Path:
    """Return where the demo's pictures lie."""
    return Path(str(files("hub.demo"))) / "pictures"
