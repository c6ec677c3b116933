"""The first page, and the demo's pictures: static files of our own."""

from importlib.resources import files
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


def routes() -> list[BaseRoute]:
    """Return `/` and `/demo/pictures`."""
    page = files("hub.web").joinpath("static/home.html").read_text()

    async def home(_request: Request) -> HTMLResponse:
        return HTMLResponse(page, headers={"Content-Security-Policy": POLICY})

    pictures = Path(str(files("hub.demo"))) / "pictures"
    return [Route("/", home), Mount("/demo/pictures", StaticFiles(directory=pictures, check_dir=False))]
