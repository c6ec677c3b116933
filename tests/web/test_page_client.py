import subprocess
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from hub.config import Settings, load_settings
from hub.errors import SetupError
from hub.web import page_client
from tests.node_tools import installed, node

CLIENT = Path(page_client.__file__).parent / "static" / "client"


def asking(origins="*"):
    app = page_client.across_origins(
        Starlette(routes=page_client.routes()), Settings(origins=origins).allowed_origins
    )
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://hub")


@pytest.mark.parametrize(("name", "media"), [("tutti.js", "text/javascript"), ("tutti.d.ts", "text/plain")])
async def test_the_module_may_be_kept_and_is_known_again_by_its_etag(name, media):
    async with asking() as client:
        first = await client.get(f"/client/{name}")
        assert first.status_code == 200
        assert first.headers["content-type"].startswith(media)
        assert first.headers["cache-control"] == "public, max-age=3600, stale-while-revalidate=86400"
        again = await client.get(f"/client/{name}", headers={"If-None-Match": f"W/{first.headers['etag']}"})
        assert (again.status_code, again.content) == (304, b"")
        other = await client.get(f"/client/{name}", headers={"If-None-Match": '"other"'})
        assert other.content == first.content


async def test_a_page_of_an_allowed_origin_may_ask_with_its_key_and_token():
    preflight = {
        "Origin": "https://shop.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,x-tutti-customer",
    }
    async with asking("https://shop.example, https://m.shop.example") as client:
        answer = await client.options("/client/tutti.js", headers=preflight)
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == "https://shop.example"
        refused = await client.options(
            "/client/tutti.js", headers=preflight | {"Origin": "https://other.example"}
        )
        assert refused.status_code == 400
        assert "access-control-allow-origin" not in refused.headers


async def test_no_cookie_is_asked_for():
    async with asking() as client:
        answer = await client.get("/client/tutti.js", headers={"Origin": "https://shop.example"})
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("value", ["shop.example", "https://shop.example/path", "ftp://shop.example"])
def test_what_is_no_origin_ends_the_start(monkeypatch, value):
    monkeypatch.setenv("TUTTI_ORIGINS", value)
    with pytest.raises(SetupError, match=r"TUTTI_ORIGINS.*no origin"):
        load_settings()


def typed(*files: Path) -> str:
    """Return what TypeScript has to say, at its strictest."""
    compiler = installed("typescript") / "lib" / "tsc.js"
    flags = (
        "--noEmit --allowJs --checkJs --strict --target es2022 --module esnext --moduleResolution bundler "
        "--lib es2022,dom,dom.iterable"
    )
    done = subprocess.run(
        [node(), str(compiler), *flags.split(), *map(str, files)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.stdout + done.stderr


def test_the_modules_types_hold(tmp_path):
    assert typed(CLIENT / "tutti.js") == ""
    page = tmp_path / "page.ts"
    page.write_text(
        f'import {{ createClient }} from "{CLIENT / "tutti"}";\n'
        'const client = createClient({ hub: "https://hub.example", key: 5 });\n'
    )
    assert "'number' is not assignable to type 'string'" in typed(page)
