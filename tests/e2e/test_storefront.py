"""The example shop in a real browser, asking a real hub: what it shows, what it reports, and without the hub."""

import asyncio
import importlib.util
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser import open_browser
from tests.e2e.hub_process import HubProcess, free_port

pytestmark = pytest.mark.browser
PATIENCE = 20_000  # milliseconds: the machine may have other work to do
expect.set_options(timeout=PATIENCE)

FOLDER = Path(__file__).parents[2] / "examples" / "storefront"
MULTIPLY = """name => {
  const kept = JSON.parse(localStorage.getItem(name));
  const click = kept.clicks[0];
  click.properties.product_id += "-of-a-length-that-is-not-rare";
  kept.clicks = Array.from({ length: 200 }, () => ({ ...click, messageId: crypto.randomUUID() }));
  localStorage.setItem(name, JSON.stringify(kept));
  return { clicks: kept.clicks.length, bytes: JSON.stringify(kept.clicks).length };
}"""
SERVED = """query($for: CustomerRef!) { customer(by: $for) {
  timeline(first: 5) { edges { node { kind title } } } } }"""


def shop_module() -> Any:
    spec = importlib.util.spec_from_file_location("storefront_serve", FOLDER / "serve.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def shop(hub: HubProcess) -> Iterator[str]:
    """The shop of the example, asking the shared hub."""
    module = shop_module()
    with module.server(module.config_of(hub.keys, hub.url, deadline=PATIENCE), "127.0.0.1", 0) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{serving.server_address[1]}"
        serving.shutdown()


@asynccontextmanager
async def page_of(url: str) -> AsyncIterator[tuple[Page, list[tuple[str, Any]]]]:
    """Open a page; yield it and the list of what it reports."""
    reported: list[tuple[str, Any]] = []

    def listen(request: Any) -> None:
        if "/v1/" in request.url and request.method == "POST":
            reported.append((request.url.rpartition("/v1/")[2], json.loads(request.post_data or "{}")))

    async with open_browser() as browser:
        page = await browser.new_page(viewport={"width": 1280, "height": 900})
        errors: list[str] = []
        page.on("request", listen)
        page.on("pageerror", lambda error: errors.append(str(error)))
        await page.goto(url)
        yield page, reported
        assert errors == []


async def until(done: Any, seconds: float = 10) -> None:
    for _ in range(int(seconds / 0.1)):
        if done():
            return
        await asyncio.sleep(0.1)
    pytest.fail("it did not happen in time")


def rows(hub: HubProcess, user: str) -> list[dict[str, Any]]:
    found = hub.data(SERVED, {"for": {"userId": user}}, key="agent")
    return [edge["node"] for edge in found["customer"]["timeline"]["edges"]]


async def test_a_customer_sees_what_the_hub_decided_in_the_shops_own_templates(hub, shop):
    async with page_of(f"{shop}/?who=persona-ada") as (page, _):
        shelf = page.locator("[data-tutti-slot=for_you]")
        await expect(shelf).to_have_attribute("data-tutti-state", "filled")
        cards = shelf.locator("article[data-tutti-key]")
        assert await cards.count() == 12
        document = """{ experience(for: {userId: "persona-ada"}, channel: WEB, scenario: "home", preview: true) {
          ... on WebExperience { slots { title items { content { title } } } } } }"""
        slot = hub.data(document, key="admin")["experience"]["slots"][0]
        titles = await cards.locator("h3").all_text_contents()
        assert titles == [item["content"]["title"] for item in slot["items"]]
        await expect(page.locator("[data-tutti-title=for_you]")).to_have_text(slot["title"])
        await expect(cards.first.locator(".price")).to_contain_text("£")
        loaded = "element => element.complete && element.naturalWidth > 0"
        picture = cards.first.locator("img")
        await picture.evaluate("element => element.decode()")
        assert await picture.evaluate(loaded)
        markup = json.loads(await shelf.locator("script[type='application/ld+json']").text_content())
        assert [entry["item"]["name"] for entry in markup["itemListElement"]] == titles


async def test_what_was_in_view_and_what_was_clicked_is_reported_by_beacon(hub, shop):
    async with page_of(f"{shop}/?who=persona-ada") as (page, reported):
        await expect(page.locator("[data-tutti-slot=for_you]")).to_have_attribute(
            "data-tutti-state", "filled"
        )
        await until(lambda: any(path == "exposures" for path, _ in reported))
        seen = [row for path, body in reported if path == "exposures" for row in body["exposures"]]
        shown = await page.locator("article[data-tutti-key]").evaluate_all(
            "all => all.map(one => one.dataset.tuttiKey)"
        )
        keys = {key for row in seen for key in row["contentKeys"]}
        assert keys < set(shown), "what lies below the fold was not seen"
        kept = hub.data(
            "query($id: ID!) { served(id: $id) { items { content { key } } } }",
            {"id": seen[0]["servedId"]},
            key="agent",
        )
        assert keys <= {item["content"]["key"] for item in kept["served"]["items"]}

        first = page.locator("article[data-tutti-key] h3 a").first
        title = await first.text_content()
        await first.evaluate("link => link.addEventListener('click', event => event.preventDefault())")
        await first.click()
        await until(lambda: any(path == "batch" for path, _ in reported))
        clicks = [body for path, body in reported if path == "batch"]
        assert clicks[0]["batch"][0]["event"] == "Product Clicked"
        await until(lambda: any(title in (row["title"] or "") for row in rows(hub, "persona-ada")))


async def test_without_the_hub_the_page_stays_and_what_happened_is_told_later(hub):
    module = shop_module()
    config = module.config_of(hub.keys, hub.url, deadline=PATIENCE)
    asked = 0

    async with open_browser() as browser:
        page = await browser.new_page()

        async def away(route: Any) -> None:
            nonlocal asked
            asked += 1
            await route.abort("connectionrefused")

        with module.server(config, "127.0.0.1", 0) as serving:
            threading.Thread(target=serving.serve_forever, daemon=True).start()
            url = f"http://127.0.0.1:{serving.server_address[1]}/?who=persona-ada"
            await page.goto(url)
            shelf = page.locator("[data-tutti-slot=for_you]")
            await expect(shelf).to_have_attribute("data-tutti-state", "filled")

            # From here on nothing of the hub answers: a reload keeps what the shop itself has to show.
            await page.route(f"{hub.url}/graphql", away)
            await page.route(f"{hub.url}/v1/**", away)
            await page.evaluate("tutti.experience('home')")
            await page.locator("article[data-tutti-key] h3 a").first.evaluate(
                "link => { link.addEventListener('click', event => event.preventDefault()); link.click(); }"
            )
            assert await page.evaluate("tutti.queued()") >= 1
            await page.reload()
            await expect(shelf).to_have_attribute("data-tutti-state", "fallback")
            await expect(shelf.get_by_role("link", name="The garden")).to_be_visible()
            await expect(page.locator("#state")).to_contain_text("did not answer")
            assert asked >= 2

            await page.unroute(f"{hub.url}/graphql")
            await page.unroute(f"{hub.url}/v1/**")
            # As many as a queue holds are more than one request that outlives its page may carry.
            waiting = await page.evaluate(MULTIPLY, f"tutti.queue.{hub.url}")
            assert waiting["clicks"] == 200
            assert waiting["bytes"] > 65_536
            told: list[Any] = []
            page.on("response", lambda answer: answer.url.endswith("/v1/batch") and told.append(answer))
            await page.reload()
            await expect(shelf).to_have_attribute("data-tutti-state", "filled")
            await until(lambda: len(told) == 4)
            assert [(await answer.json())["accepted"] for answer in told] == [50] * 4
            assert await page.evaluate("tutti.queued()") == 0
            serving.shutdown()


async def test_a_hub_that_was_never_there_costs_nothing_but_the_hub(hub):
    module = shop_module()
    config = module.config_of(hub.keys, f"http://127.0.0.1:{free_port()}")
    with module.server(config, "127.0.0.1", 0) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        async with page_of(f"http://127.0.0.1:{serving.server_address[1]}/") as (page, reported):
            shelf = page.locator("[data-tutti-slot=for_you]")
            await expect(shelf).to_have_attribute("data-tutti-state", "fallback")
            await expect(shelf.get_by_role("link", name="The kitchen")).to_be_visible()
            await expect(page.locator("#state")).to_contain_text("The hub is away")
            assert reported == []
        serving.shutdown()
