"""GraphiQL in a real browser, asking a real hub: one answer, and a stream that is watched and stopped."""

import json
import re
from typing import Any

import httpx
import pytest
from playwright.async_api import Page, expect

from tests.browser import open_browser
from tests.e2e.hub_process import HubProcess

pytestmark = pytest.mark.browser
PATIENCE = 20_000  # milliseconds
WATCH = (
    "subscription { customerChanged(by: {userId: %s}) { timeline(first: 1) { edges { node { title } } } } }"
)


def record(hub: HubProcess, **message: Any) -> None:
    """Let something happen."""
    answer = httpx.post(
        f"{hub.url}/v1/{message['type']}", json=message, auth=(hub.keys["ingest"], ""), timeout=30
    )
    assert answer.status_code == 200


def streams_ended(hub: HubProcess) -> float:
    """How many streams have come to their end."""
    metrics = httpx.get(f"{hub.url}/metrics", timeout=30).text
    return sum(
        map(
            float, re.findall(r'^tutti_requests_total{route="graphql stream".+ (\S+)$', metrics, re.MULTILINE)
        )
    )


async def run(page: Page, query: str, key: str) -> None:
    """Put a document and a key into the editors and run it in the same moment, before GraphiQL has read it."""
    await page.evaluate(
        """([query, variables, headers]) => {
          const editor = (place) => document.querySelector(`${place} .CodeMirror`).CodeMirror;
          editor(".graphiql-query-editor").setValue(query);
          editor(".graphiql-editor-tool .graphiql-editor:not(.hidden)").setValue(headers);
          document.querySelector(".graphiql-execute-button").click();
        }""",
        [query, "", json.dumps({"Authorization": f"Bearer {key}"})],
    )


async def test_a_query_is_answered_and_a_subscription_told_as_it_happens(hub: HubProcess) -> None:
    record(hub, type="identify", userId="graphiql-gus", messageId="gus-is", traits={"name": "Gus"})
    async with open_browser() as browser:
        page = await browser.new_page(viewport={"width": 1280, "height": 900})
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        await page.goto(f"{hub.url}/graphiql")
        response = page.locator(".graphiql-response")
        button = page.locator(".graphiql-execute-button")
        await expect(page.locator(".graphiql-editor-tool .graphiql-editor:not(.hidden)")).to_contain_text(
            "YOUR-KEY"
        )
        await expect(page.locator(".graphiql-query-editor")).to_contain_text("query Home")

        await run(page, "{ layers { name } }", hub.keys["agent"])
        await expect(response).to_contain_text('"interests"')

        before = streams_ended(hub)
        await run(page, WATCH % '"graphiql-gus"', hub.keys["agent"])
        await expect(response).to_contain_text("Gave details: name")
        record(
            hub,
            type="track",
            userId="graphiql-gus",
            messageId="gus-1",
            event="Products Searched",
            properties={"query": "stone bird bath"},
        )
        await expect(response).to_contain_text("stone bird bath")
        await expect(button).to_have_attribute("aria-label", re.compile("Stop"))
        await button.click()
        while streams_ended(hub) == before:
            await page.wait_for_timeout(50)
        await expect(button).to_have_attribute("aria-label", re.compile("Execute"))

        await run(page, WATCH % '"never-seen"', hub.keys["agent"])
        await expect(response).to_contain_text("UNKNOWN_CUSTOMER")
        assert errors == []
