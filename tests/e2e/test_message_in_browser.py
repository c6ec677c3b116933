"""A message in a real browser, light and dark, on a desk and on a phone: it fits, it can be read, its pictures show."""

from typing import Any

import pytest

from tests.browser import open_browser
from tests.e2e.hub_process import HubProcess

pytestmark = pytest.mark.browser

NEWSLETTER = """query($for: CustomerRef!) { experience(for: $for, channel: EMAIL, scenario: "newsletter", preview: true) {
  ... on EmailExperience { html } } }"""
# The contrast of WCAG 2.1 of every element that holds words of its own, against the ground that it stands on.
CONTRASTS = """() => {
  const channels = (color) => color.match(/[\\d.]+/g).map(Number);
  const luminance = (color) => {
    const [r, g, b] = channels(color).slice(0, 3).map((c) => c / 255).map((c) => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if ((channels(color)[3] ?? 1) > 0) return color;
    }
    return "rgb(255, 255, 255)";
  };
  const shown = (element) => element.getClientRects().length > 0 && element.getBoundingClientRect().height > 2;
  return [...document.body.querySelectorAll("*")]
    .filter((element) => shown(element) && [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
    .map((element) => {
      const [a, b] = [luminance(getComputedStyle(element).color), luminance(ground(element))].sort((x, y) => y - x);
      return [(a + .05) / (b + .05), element.textContent.trim().slice(0, 40)];
    });
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 720], ids=["phone", "desk"])
async def test_it_fits_it_can_be_read_and_its_pictures_show(hub: HubProcess, width: int, scheme: Any):
    html = hub.data(NEWSLETTER, {"for": {"userId": "persona-ada"}}, key="renderer")["experience"]["html"]
    async with open_browser() as browser:
        page = await browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        await page.set_content(html, wait_until="networkidle")
        assert await page.evaluate("document.documentElement.scrollWidth") == width
        pictures = await page.evaluate(
            "[...document.images].map((one) => [one.naturalWidth, one.alt.length])"
        )
        assert len(pictures) >= 4
        assert all(natural == 528 and alt > 0 for natural, alt in pictures)
        contrasts = await page.evaluate(CONTRASTS)
        assert len(contrasts) > 20
        assert [told for told in contrasts if told[0] < 4.5] == []
        ground = await page.evaluate("getComputedStyle(document.querySelector('.paper')).backgroundColor")
        assert ground == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(29, 33, 37)")
