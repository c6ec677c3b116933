"""The console's files: what they are served with, what they ask, and that they make no markup out of strings."""

import re
from pathlib import Path

import httpx
import pytest
from graphql import parse, validate
from starlette.applications import Starlette

from hub.errors import TuttiError
from hub.web import home
from hub.web.graphql import core_schema
from hub.web.problems import on_tutti_error
from schema.schema import build

FOLDER = Path(home.__file__).parent / "static" / "console"
MODULES = sorted(FOLDER.glob("*.js"))


@pytest.fixture
async def client():
    app = Starlette(routes=home.routes(), exception_handlers={TuttiError: on_tutti_error})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://hub") as made:
        yield made


async def test_everything_that_the_page_and_its_modules_load_is_ours_and_there(client):
    page = (await client.get("/")).text
    wanted = set(re.findall(r'(?:src|href)="(/console/[^"]+)"', page))
    for module in MODULES:
        wanted |= {f"/console/{name}" for name in re.findall(r'from "\./([^"]+)"', module.read_text())}
    assert len(wanted) > len(MODULES)
    for path in wanted:
        assert (await client.get(path)).status_code == 200, path
    assert re.findall(r'(?:src|href)="(?:https?:)?//', page) == []
    # A module that the page does not name is asked for only when another one that needs it has come.
    assert all(f'"/console/{module.name}"' in page for module in MODULES)


@pytest.mark.parametrize("path", ["/", "/console/main.js", "/console/console.css", "/console/mark.svg"])
async def test_a_file_is_known_again_by_its_etag_and_comes_under_the_policy(client, path):
    first = await client.get(path)
    again = await client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
    assert first.headers["cache-control"] == "no-cache"
    assert first.headers["x-content-type-options"] == "nosniff"
    assert first.headers["referrer-policy"] == "no-referrer"
    policy = dict(rule.split(" ", 1) for rule in first.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["connect-src"] == "'self'"
    assert policy["frame-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["require-trusted-types-for"] == "'script'"


async def test_the_page_holds_no_script_of_its_own_and_no_handler(client):
    page = (await client.get("/")).text
    assert re.findall(r"<script(?![^>]*src=)|\son\w+=|<style|\sstyle=", page) == []


@pytest.mark.parametrize("path", ["/console/secrets", "/console/index.html", "/console/..%2Fhome.py"])
async def test_nothing_else_is_served(client, path):
    assert (await client.get(path)).status_code == 404


def test_what_the_store_says_can_only_get_in_as_text():
    ways = r"\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval|DOMParser|createContextualFragment|setHTMLUnsafe)\b"
    for module in MODULES:
        assert re.findall(ways, module.read_text()) == [], module.name
    assert [module.name for module in MODULES if "srcdoc" in module.read_text()] == ["letter.js"]


def test_every_document_is_one_of_this_schema():
    schema = core_schema(build())
    source = (FOLDER / "documents.js").read_text()
    parts = dict(re.findall(r'const (\w+) = [`"](edges [^`"]+)[`"]', source))
    documents = re.findall(r"`((?:query|mutation) [^`]+)`", source)
    assert len(parts) == 2
    checked = 0
    for template in documents:
        document = re.sub(r"\$\{(\w+)\}", lambda found: parts[found[1]], template)
        if "${names" in document:  # one field for each name that is tried
            document = "query Find($id: CustomerRef!) { id: customer(by: $id) { id displayName } }"
        assert validate(schema, parse(document)) == []
        checked += 1
    assert checked == source.count("export const")


@pytest.mark.parametrize("file", [*MODULES, FOLDER / "console.css"], ids=lambda path: path.name)
def test_no_file_is_too_long_to_read(file):
    assert len(file.read_text().splitlines()) < 250
