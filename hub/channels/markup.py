"""Slots as schema.org markup: JSON-LD that stands in a page as it is.

A slot is an `ItemList`; a product in it a `Product` with its `Offer`, everything else an `Article`
(https://schema.org, https://www.w3.org/TR/json-ld11/). It says what the slot says: nothing about the
customer, no score, no reason; pages that are personal are not for search engines, but what reads a
page aloud, saves it or shares it understands it too.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin

import orjson

from hub.catalogue.model import Availability, BrandFacts, Content, ContentKind
from hub.channels.model import Slot

CONTEXT = "https://schema.org"
AVAILABILITY = {
    Availability.IN_STOCK: "InStock",
    Availability.LOW_STOCK: "LimitedAvailability",
    Availability.PREORDER: "PreOrder",
    Availability.OUT_OF_STOCK: "OutOfStock",
    Availability.DISCONTINUED: "Discontinued",
}


def slot_markup(slot: Slot, facts: Mapping[str, BrandFacts], base_url: str) -> str:
    """Return a slot as JSON-LD.

    Args:
        slot: the slot; its items in the order of the page.
        facts: brands by key, for names and for the site that relative addresses belong to.
        base_url: where the hub is reached; relative addresses of a brand without a site belong there.

    Returns:
        JSON without `<`, `>` and `&`, so that no title can end the script element it stands in.
    """
    document = {
        "@context": CONTEXT,
        "@type": "ItemList",
        "name": slot.title,
        "numberOfItems": len(slot.items),
        "itemListElement": [
            {"@type": "ListItem", "position": place, "item": _thing(item.content, facts, base_url)}
            for place, item in enumerate(slot.items, start=1)
        ],
    }
    text = orjson.dumps(document).decode()
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _thing(content: Content, facts: Mapping[str, BrandFacts], base_url: str) -> dict[str, Any]:
    brand = facts.get(content.brand)
    site = (brand.website if brand is not None else "") or base_url
    url = _absolute(content.url, site)
    common = {"description": content.summary, "url": url, "image": _absolute(content.image_url, base_url)}
    if content.kind is ContentKind.PRODUCT:
        made_by = {"@type": "Brand", "name": brand.name} if brand is not None and brand.name else None
        return _said(
            {
                "@type": "Product",
                "name": content.title,
                "sku": content.key,
                **common,
                "category": content.category.replace("/", " > "),
                "brand": made_by,
                "offers": _offer(content, url),
            }
        )
    published = content.published_at.isoformat() if content.published_at is not None else None
    return _said({"@type": "Article", "headline": content.title, **common, "datePublished": published})


def _offer(content: Content, url: str | None) -> dict[str, Any] | None:
    if content.price is None:
        return None
    return _said(
        {
            "@type": "Offer",
            "price": str(content.price.amount),
            "priceCurrency": content.price.currency,
            "availability": f"{CONTEXT}/{AVAILABILITY[content.availability]}",
            "url": url,
        }
    )


def _absolute(url: str | None, base: str) -> str | None:
    """Return an address with its host; None where there is none of the web's."""
    if not url:
        return None
    try:
        absolute = urljoin(f"{base.rstrip('/')}/", url)
    except ValueError:
        return None
    return absolute if absolute.startswith(("https://", "http://")) else None


def _said(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if value not in (None, "")}
