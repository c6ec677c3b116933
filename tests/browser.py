"""A real browser: Chromium of the system, driven over its own protocol by Playwright."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, async_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def executable() -> str:
    """Return the browser's path: TUTTI_TEST_BROWSER, else what is on the PATH."""
    named = os.environ.get("TUTTI_TEST_BROWSER") or next(filter(None, map(shutil.which, NAMES)), None)
    if named is None:
        pytest.fail(
            "these tests drive a real browser and there is none: `apt-get install chromium`, which `make test` "
            "does by itself as root on Debian, or name one with TUTTI_TEST_BROWSER"
        )
    return named


@asynccontextmanager
async def open_browser() -> AsyncIterator[Browser]:
    """Yield a browser that is closed again."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable(), args=list(FLAGS))
        try:
            yield browser
        finally:
            await browser.close()
