"""The console in a real browser, asking a real hub: what an agent does in a conversation, from the key to the answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from playwright.async_api import Page, expect

from tests.browser import open_browser
from tests.e2e.customers import Shopper
from tests.e2e.hub_process import HubProcess
from tests.e2e.test_message_in_browser import CONTRASTS

pytestmark = pytest.mark.browser
expect.set_options(timeout=20_000)  # milliseconds: the machine may have other work to do

EXPERIENCE = """query($for: CustomerRef!, $channel: Channel!, $scenario: String!, $mix: MixInput, $preview: Boolean!) {
  experience(for: $for, channel: $channel, scenario: $scenario, mix: $mix, preview: $preview) {
    servedId ranking(first: 20) { score content { title } }
    ... on EmailExperience { subject }
    ... on WebExperience { slots { title items { content { title } why { sentence } } } } } }"""
HOSTILE = "<img src=x onerror=\"document.title='taken'\">"


@asynccontextmanager
async def console(hub: HubProcess, *, key: str | None = "agent", **how: Any) -> AsyncIterator[Page]:
    """Open the console, and sign in with one of the demo's keys; no error may be thrown and no policy broken."""
    async with open_browser() as browser:
        page = await browser.new_page(viewport={"width": 1440, "height": 900}, **how)
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on(
            "console",
            lambda told: errors.append(told.text) if "Content Security Policy" in told.text else None,
        )
        await page.goto(f"{hub.url}/")
        if key is not None:
            await page.get_by_label("Your key").fill(hub.keys[key])
            await page.get_by_role("button", name="Sign in").click()
            await expect(page.get_by_role("heading", name="Who is it?")).to_be_visible()
        yield page
        assert errors == []


async def look_up(page: Page, text: str, name: str) -> None:
    await page.keyboard.press("/")
    await page.get_by_label("Find a customer").fill(text)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1, name=name)).to_be_visible()


def served(hub: HubProcess, user: str, channel: str, scenario: str) -> dict[str, Any]:
    given = {"for": {"userId": user}, "channel": channel, "scenario": scenario, "preview": False}
    return hub.data(EXPERIENCE, given)["experience"]


async def test_a_wrong_key_and_a_key_of_another_scope_are_told_in_words(hub):
    async with console(hub, key=None) as page:
        for key, words, code in [
            ("nonsense", "does not know that key", "UNAUTHENTICATED"),
            (hub.keys["browse"], "scope agent or admin", "FORBIDDEN"),
        ]:
            await page.get_by_label("Your key").fill(key)
            await page.keyboard.press("Enter")
            told = page.get_by_role("alert")
            await expect(told).to_contain_text(words)
            await expect(told).to_contain_text(code)
        assert await page.evaluate("sessionStorage.length + localStorage.length") == 0


@pytest.mark.parametrize("text", ["persona-ada", "ada.lindqvist@example.com", "01632 960101"])
async def test_a_customer_is_found_by_whatever_the_agent_has_and_the_address_brings_them_back(hub, text):
    async with console(hub) as page:
        await look_up(page, text, "Ada Lindqvist")
        assert text not in page.url
        brief = page.locator(".brief")
        await expect(brief).to_contain_text("with us since")
        await expect(page.get_by_role("list", name="What to mind")).to_contain_text("tulips")
        await expect(page.get_by_role("complementary", name="Profile")).to_contain_text("old scented roses")
        await page.reload()
        await expect(page.get_by_role("heading", level=1, name="Ada Lindqvist")).to_be_visible()
        await page.goto(f"{hub.url}/#/")
        await expect(page.get_by_role("link", name="Ada Lindqvist")).to_be_visible()
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_label("Your key")).to_be_visible()
        assert await page.evaluate("sessionStorage.length + localStorage.length") == 0


async def test_somebody_unknown_is_told_with_what_was_tried(hub):
    async with console(hub) as page:
        await look_up(page, "nobody-by-this-name", "Nobody by that name")
        await expect(page.locator("main")).to_contain_text("user id and visitor id")
        assert page.url.endswith("#/find")
        reviews = page.get_by_role("link", name="Reviews")
        await reviews.click()
        await expect(page.get_by_role("heading", name="Are they one?")).to_be_visible()
        await look_up(page, "nobody-again", "Nobody by that name")
        await reviews.click()
        await expect(page.get_by_role("heading", name="Are they one?")).to_be_visible()


async def test_what_comes_late_takes_nobody_away_from_what_they_are_writing(hub):
    async with console(hub) as page:
        written = asyncio.Event()

        async def late(route):
            if "mergeReviews" in (route.request.post_data or ""):
                await written.wait()
            await route.continue_()

        await page.route("**/graphql", late)
        await page.get_by_role("link", name="Reviews").click()
        await expect(page.get_by_role("heading", name="Are they one?")).to_be_visible()
        await page.keyboard.press("/")
        await page.keyboard.type("nobody-")
        written.set()
        await expect(page.locator("main .waiting")).to_have_count(0)
        await page.keyboard.type("at-all")
        await expect(page.get_by_label("Find a customer")).to_have_value("nobody-at-all")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="Nobody by that name", level=1)).to_be_visible()


async def test_the_agent_sees_what_ada_saw_and_why_and_the_parts_add_up(hub):
    web = served(hub, "persona-ada", "WEB", "home")
    async with console(hub) as page:
        await look_up(page, "persona-ada", "Ada Lindqvist")
        await page.get_by_role("tab", name="What they saw").click()
        await page.locator(f"a[href*='{web['servedId']}']").click()
        for slot in web["slots"]:
            shown = page.locator(".slot").filter(
                has=page.get_by_role("heading", name=slot["title"], exact=True)
            )
            titles = [item["content"]["title"] for item in slot["items"]]
            await expect(shown.locator("h4")).to_have_text(titles)
            await expect(shown.locator(".sentence")).to_have_text(
                [item["why"]["sentence"] for item in slot["items"]]
            )
        first = page.locator(".item").first
        await expect(first).to_contain_text("£16.00")
        await first.locator("summary").click()
        parts = await first.locator("tbody td:nth-child(3)").all_text_contents()
        score = await first.locator("tfoot b").text_content()
        assert len(parts) > 2
        told = sum(float(part.replace("\N{MINUS SIGN}", "-")) for part in parts)
        assert told == pytest.approx(float(score or ""), abs=0.0005 * (len(parts) + 1))
        await page.reload()
        await expect(page.locator(".served h2")).to_have_text("The home page")
        await page.get_by_text("What was kept from them").click()
        await expect(page.locator(".kept")).to_contain_text("still_lasting")


async def test_rows_of_both_formats_say_the_same(hub):
    """The first kept every layer by name, as the store of an older hub still does."""
    item = {"position": 1, "score": 0.14, "content": {"key": "mug", "title": "Mug", "kind": "PRODUCT"}}
    parts = [["base", 0.5, 0.5, 2], ["needs", 1.0, -0.11, 7]]
    named = [
        {"layer": layer, "weight": weight, "score": score, "contribution": weight * score, "rank_before": before, "rank_after": 1}
        for layer, weight, score, before in parts
    ]  # fmt: skip
    columns = {
        "scores": [part[2] for part in parts],
        "ranks_before": [part[3] for part in parts],
        "rank_after": 1,
    }
    async with console(hub, key=None) as page:
        shapes = [
            await page.evaluate(
                "([item, mix]) => import('/console/why.js').then(({ fromBody }) => fromBody(item, mix))",
                [{**item, "why": {"sentence": "It fits", **why}}, [part[:2] for part in parts]],
            )
            for why in ({"contributions": named}, columns)
        ]
    for shape, row in zip(shapes[0]["parts"], shapes[1]["parts"], strict=True):
        assert {name: shape[name] for name in row} == row
    assert [shape["sentence"] for shape in shapes] == ["It fits"] * 2


async def test_a_message_is_shown_as_it_was_sent_and_a_click_in_it_is_not_the_customers(hub):
    mail = served(hub, "persona-ada", "EMAIL", "newsletter")
    async with console(hub) as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        await look_up(page, "persona-ada", "Ada Lindqvist")
        await page.get_by_role("tab", name="What they saw").click()
        await page.locator(f"a[href*='{mail['servedId']}']").click()
        frame = page.locator(".letter iframe")
        assert await frame.get_attribute("sandbox") == "allow-same-origin"
        inside = page.frame_locator(".letter iframe")
        await expect(inside.locator("body")).to_contain_text("Dear Ada")
        await expect(page.locator(".letter figcaption")).to_contain_text(mail["subject"])
        await expect(inside.locator("img").first).to_be_visible()
        await inside.locator("a[href*='/links/']").first.click()
        await expect(page.locator(".link-told")).to_contain_text("/links/")
        assert [url for url in asked if "/links/" in url] == []


async def test_a_muted_layer_changes_the_ranking_and_leaves_no_trace(hub):
    def titles(mix: dict[str, Any] | None) -> list[str]:
        given = {"for": {"userId": "persona-ada"}, "channel": "WEB", "scenario": "home", "preview": True}
        found = hub.data(EXPERIENCE, given | {"mix": mix})["experience"]
        return [item["content"]["title"] for item in found["ranking"]]

    async with console(hub, key="admin") as page:
        await look_up(page, "persona-ada", "Ada Lindqvist")
        await page.get_by_role("tab", name="What they would see").click()
        shown = page.locator(".ranking h4")
        await expect(shown).to_have_text(titles(None))
        desk = page.get_by_role("region", name="Mixing desk")
        await desk.get_by_role("button", name="Mute What you told us").click()
        await expect(shown).to_have_text(titles({"mute": ["declared"]}))
        await expect(page.locator(".told")).to_contain_text("moved")
        assert await page.locator(".move.up, .move.down").count() > 0
        await desk.get_by_role("button", name="As it was").click()
        await expect(shown).to_have_text(titles(None))
        await desk.get_by_role("slider", name="What you need next").press("Home")
        await expect(shown).to_have_text(titles({"weights": [{"layer": "needs", "weight": 0}]}))
        await desk.get_by_role("button", name="As it was").click()
        await desk.get_by_role("button", name="Solo Popular, new and chosen").click()
        await expect(shown).to_have_text(titles({"solo": ["base"]}))
        await page.get_by_role("button", name="Email", exact=True).click()
        await page.get_by_text("The message as it would be sent").click()
        await expect(page.frame_locator(".letter iframe").locator("body")).to_contain_text("Dear Ada")


async def test_an_agents_key_previews_the_desk_and_is_told_what_it_may_not(hub):
    async with console(hub) as page:
        await look_up(page, "persona-tom", "Tom")
        await page.get_by_role("tab", name="What they would see").click()
        await expect(page.locator(".ranking .item").first).to_be_visible()
        await page.get_by_role("button", name="Web", exact=True).click()
        await expect(page.get_by_role("alert")).to_contain_text("FORBIDDEN")


async def test_a_question_gets_the_approved_answer_or_honestly_none(hub):
    async with console(hub) as page:
        await look_up(page, "persona-ada", "Ada Lindqvist")
        await page.get_by_role("tab", name="Ask").click()
        question = page.get_by_label("What do they ask?")
        await question.fill("how do I send something back?")
        await question.press("Enter")
        answer = page.locator(".answer")
        await expect(answer).to_contain_text("You have 60 days to change your mind")
        await expect(answer).to_contain_text("% sure")
        await expect(answer).to_contain_text("version 1")
        await question.fill("do you sell submarines to pensioners?")
        await question.press("Enter")
        await expect(page.locator(".answers")).to_contain_text("No approved answer")
        assert await page.locator(".alternatives li").count() > 0


async def test_a_name_that_is_markup_is_a_name(hub):
    shopper = Shopper(hub, name=HOSTILE, city="<script>document.title='taken'</script>")
    shopper.track("Product Viewed", product_id="rose-food-granules", name=HOSTILE)
    shopper.track("Products Searched", query=HOSTILE)
    async with console(hub) as page:
        await look_up(page, shopper.user_id, HOSTILE)
        await expect(page.get_by_role("complementary", name="Profile")).to_contain_text("<script>")
        await page.get_by_role("tab", name="Timeline").click()
        await expect(page.locator(".timeline")).to_contain_text(HOSTILE)
        await page.get_by_role("tab", name="Ask").click()
        await page.get_by_label("What do they ask?").fill(f"{HOSTILE} zebra?")
        await page.keyboard.press("Enter")
        await expect(page.locator(".answers")).not_to_be_empty()
        assert await page.locator("img[src=x], main script").count() == 0
        assert await page.title() == f"{HOSTILE}: Tutti console"


async def test_two_who_gave_one_address_are_decided_on_after_a_second_question(hub):
    address = f"{uuid4().hex[:12]}@family.example"
    for name in ("Ida Holm", "Ole Holm"):
        Shopper(hub, name=name, email=address)
    async with console(hub) as page:
        await page.get_by_role("link", name="Reviews").click()
        card = page.locator(".review").filter(has_text=address)
        await expect(card).to_contain_text("Ida Holm")
        await expect(card).to_contain_text("Ole Holm")
        await card.get_by_role("button", name="They are two").click()
        await card.get_by_role("button", name="Not now").click()
        await card.get_by_role("button", name="They are one").click()
        await card.get_by_label("Why").fill("the same voice on the telephone")
        await card.get_by_role("button", name="Yes, merge them").click()
        await expect(card).to_contain_text("Merged.")
        await card.get_by_role("link", name="Open").click()
        await expect(page.locator(".profile")).to_contain_text(address)


async def test_a_decision_that_somebody_else_took_is_told_as_the_hub_tells_it(hub):
    address = f"{uuid4().hex[:12]}@family.example"
    for name in ("Ulla Berg", "Unni Berg"):
        Shopper(hub, name=name, email=address)
    reviews = "{ mergeReviews(first: 50) { edges { node { id identity } } } }"
    found = [edge["node"] for edge in hub.data(reviews)["mergeReviews"]["edges"]]
    [review] = [one["id"] for one in found if address in one["identity"]]
    async with console(hub) as page:
        await page.get_by_role("link", name="Reviews").click()
        card = page.locator(".review").filter(has_text=address)
        await card.get_by_role("button", name="They are one").click()
        decide = "mutation($i: DecideMergeReviewInput!) { decideMergeReview(input: $i) { errors { code } } }"
        hub.data(decide, {"i": {"reviewId": review, "accept": False}})
        await card.get_by_role("button", name="Yes, merge them").click()
        await expect(card.get_by_role("alert")).to_contain_text("ALREADY_DECIDED")


async def test_the_tabs_go_by_arrow_keys_and_the_address_follows(hub):
    async with console(hub) as page:
        await look_up(page, "persona-tom", "Tom")
        await page.get_by_role("tab", name="What to do").focus()
        await page.keyboard.press("ArrowRight")
        saw = page.get_by_role("tab", name="What they saw")
        await expect(saw).to_be_focused()
        await expect(saw).to_have_attribute("aria-selected", "true")
        await page.keyboard.press("End")
        await expect(page.get_by_role("tab", name="Ask")).to_have_attribute("aria-selected", "true")
        assert page.url.endswith("/ask")
        await page.go_back()
        await expect(saw).to_have_attribute("aria-selected", "true")


async def test_a_hub_that_is_away_is_told_and_asked_again(hub):
    async with console(hub) as page:
        await look_up(page, "persona-tom", "Tom")
        await page.route("**/graphql", lambda route: route.abort("connectionrefused"))
        await page.get_by_role("button", name="Refresh").click()
        told = page.get_by_role("alert")
        await expect(told).to_contain_text("HUB_AWAY")
        await page.unroute("**/graphql")
        await told.get_by_role("button", name="Try again").click()
        await expect(page.get_by_role("heading", level=1, name="Tom")).to_be_visible()


async def test_a_key_that_lapses_leads_back_to_the_door(hub):
    async with console(hub) as page:
        await look_up(page, "persona-tom", "Tom")
        await page.evaluate("sessionStorage.setItem('tutti.key', 'revoked')")
        await page.reload()
        await expect(page.get_by_role("alert")).to_contain_text("does not know that key")
        await expect(page.get_by_label("Your key")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_word_can_be_read_on_a_tablet_and_nothing_is_cut_off(hub, scheme: Any):
    async with console(hub, color_scheme=scheme) as page:
        await page.set_viewport_size({"width": 820, "height": 1180})
        await look_up(page, "persona-ada", "Ada Lindqvist")
        for tab in ("What to do", "What they saw", "What they would see", "Timeline"):
            await page.get_by_role("tab", name=tab, exact=True).click()
            await expect(page.locator(".panel [aria-busy]")).to_have_count(0)
            assert await page.evaluate("document.documentElement.scrollWidth") <= 820
            contrasts = await page.evaluate(CONTRASTS)
            assert len(contrasts) > 40
            assert [told for told in contrasts if told[0] < 4.5] == []
