"""Takes the documentation's screenshots: `make pictures`.

A hub of its own with the demo brand, Ada's newsletter, the storefront and the console, in the system's Chromium, light
and dark, desktop and phone (the console: desktop). Each picture is cut to its first screens and kept under 150 kB.
"""

import asyncio
import importlib.util
import io
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.async_api import Browser

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # tests are no installed package

from tests.browser import open_browser  # noqa: E402
from tests.e2e.hub_process import HubProcess, free_port  # noqa: E402

OUT = ROOT / "docs" / "images"
MOST_BYTES = 150_000
SIZES = {"desktop": (720, 1180), "phone": (390, 1180)}
SHOP = {"desktop": (1100, 900), "phone": (390, 900)}
CONSOLE = (1440, 1000)
NEWSLETTER = """{ experience(for: {userId: "persona-ada"}, channel: EMAIL, scenario: "newsletter") {
  ... on EmailExperience { html } } }"""


def main() -> int:
    """Take them all."""
    with tempfile.TemporaryDirectory() as folder:
        hub = HubProcess(Path(folder) / "data", free_port()).start().wait_ready()
        try:
            asyncio.run(_take(hub))
        finally:
            hub.stop()
    return 0


async def _take(hub: HubProcess) -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    html = hub.data(NEWSLETTER, key="renderer")["experience"]["html"]
    shop = _shop()
    with shop.server(shop.config_of(hub.keys, hub.url), "127.0.0.1", 0) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        async with open_browser() as browser:
            for scheme in ("light", "dark"):
                for device in SIZES:
                    await _message(browser, html, scheme, device)
                    await _storefront(
                        browser, f"http://127.0.0.1:{serving.server_address[1]}", scheme, device
                    )
                await _console(browser, hub, scheme)
        serving.shutdown()


async def _message(browser: Browser, html: str, scheme: Any, device: str) -> None:
    width, height = SIZES[device]
    page = await browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
    await page.set_content(html, wait_until="networkidle")
    _keep(await page.screenshot(), f"email-{device}-{scheme}")
    await page.close()


async def _storefront(browser: Browser, url: str, scheme: Any, device: str) -> None:
    width, height = SHOP[device]
    page = await browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
    await page.goto(f"{url}/?who=persona-ada", wait_until="networkidle")
    await page.wait_for_selector("[data-tutti-state=filled]")
    await page.wait_for_load_state("networkidle")
    _keep(await page.screenshot(), f"storefront-{device}-{scheme}")
    await page.close()


async def _console(browser: Browser, hub: HubProcess, scheme: Any) -> None:
    width, height = CONSOLE
    page = await browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
    await page.goto(f"{hub.url}/#/find/persona-ada")
    await page.get_by_label("Your key").fill(hub.keys["admin"])
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="What to do next").wait_for()
    await page.wait_for_load_state("networkidle")
    _keep(await page.screenshot(), f"console-todo-{scheme}")
    await page.get_by_role("tab", name="What they saw").click()
    await page.locator(".servings a:has(.web)").first.click()
    await page.locator(".served .why summary").first.click()
    await page.wait_for_load_state("networkidle")
    _keep(await page.screenshot(), f"console-saw-{scheme}")
    await page.get_by_role("tab", name="What they would see").click()
    await page.get_by_role("button", name="Mute What you told us").click()
    await page.locator(".move.up").first.wait_for()
    await page.wait_for_load_state("networkidle")
    _keep(await page.screenshot(), f"console-desk-{scheme}")
    await page.close()


def _keep(png: bytes, name: str) -> None:
    packed = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").save(packed, "WEBP", quality=82, method=6)
    if packed.tell() > MOST_BYTES:
        raise SystemExit(f"{name} has {packed.tell()} bytes, more than {MOST_BYTES}")
    (OUT / f"{name}.webp").write_bytes(packed.getvalue())
    sys.stdout.write(f"docs/images/{name}.webp: {packed.tell():,} bytes\n")


def _shop() -> Any:
    spec = importlib.util.spec_from_file_location("storefront", ROOT / "examples" / "storefront" / "serve.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    sys.exit(main())
