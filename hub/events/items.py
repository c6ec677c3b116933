"""What an event is about: content keys with quantities, out of Segment's many ways to say it."""

from decimal import Decimal
from typing import Any

from hub.errors import InvalidInput
from hub.events.model import Item
from hub.kit.money import parse_amount

MOST_ITEMS = 2_000
LARGEST_QUANTITY = 1_000_000
LONGEST_ITEM_KEY = 255
_DEAREST = Decimal(10) ** 12
_MOST_DIGITS = 24
KEY_FIELDS = (
    "product_id",
    "sku",
    "content_id",
    "article_id",
    "content_key",
    "productId",
    "contentId",
    "articleId",
)


def items_of(properties: dict[str, Any], *, needed: bool) -> tuple[Item, ...]:
    """Return each content of an event once, in the order of first mention, quantities added.

    Args:
        properties: the event's; `products` is a list of products, or the properties are one themselves.
        needed: whether the event makes no sense without a content.

    Raises:
        InvalidInput: MISSING_PRODUCT, BAD_QUANTITY, TOO_LONG, with the path of the field.
    """
    products = properties.get("products")
    if products is None:
        if not needed and _key_field(properties) is None:
            return ()
        return (_item(properties, ("properties",)),)
    if not isinstance(products, list):
        raise InvalidInput("products is a list of objects", path=("properties", "products"))
    if len(products) > MOST_ITEMS:
        raise InvalidInput(
            f"an event has at most {MOST_ITEMS} products", path=("properties", "products"), code="TOO_LONG"
        )
    found: dict[str, Item] = {}
    for at, product in enumerate(products):
        path = ("properties", "products", at)
        if not isinstance(product, dict):
            raise InvalidInput("a product is an object", path=path)
        item = _item(product, path)
        before = found.get(item.key)
        if before is not None:
            item = Item(
                item.key,
                before.quantity + item.quantity,
                item.price or before.price,
                before.title,
                before.gifts + item.gifts,
            )
        found[item.key] = item
    return tuple(found.values())


def _key_field(product: dict[str, Any]) -> str | None:
    for name in KEY_FIELDS:
        if product.get(name) not in (None, ""):
            return name
    return None


def _item(product: dict[str, Any], path: tuple[str | int, ...]) -> Item:
    name = _key_field(product)
    if name is None:
        raise InvalidInput(
            "a product is named by product_id or sku, an article by content_id",
            path=(*path, "product_id"),
            code="MISSING_PRODUCT",
        )
    key = product[name]
    if type(key) is int:
        key = str(key)
    if type(key) is not str or "\0" in key or not (key := key.strip()):
        raise InvalidInput("the id of a product is a text", path=(*path, name))
    if len(key) > LONGEST_ITEM_KEY:
        raise InvalidInput(
            f"the id of a product has at most {LONGEST_ITEM_KEY} characters",
            path=(*path, name),
            code="TOO_LONG",
        )
    quantity = product.get("quantity", 1)
    if type(quantity) is not int or not 1 <= quantity <= LARGEST_QUANTITY:
        quantity = _quantity(quantity, (*path, "quantity"))
    title = product.get("name") or product.get("title")
    gifts = quantity if product.get("gift") is True else 0
    return Item(key, quantity, _price(product.get("price")), title[:200] if type(title) is str else "", gifts)


def _quantity(value: Any, path: tuple[str | int, ...]) -> int:
    if value is None:
        return 1
    if isinstance(value, str):
        value = (
            int(value) if value.strip().isascii() and value.strip().isdecimal() and len(value) < 12 else value
        )
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LARGEST_QUANTITY:
        raise InvalidInput(
            f"a quantity is a whole number from 1 to {LARGEST_QUANTITY}", path=path, code="BAD_QUANTITY"
        )
    return value


def _price(value: Any) -> Decimal | None:
    """Return the price where it is one: it is told for information, and no reason to refuse an order."""
    if value is None or isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        price = parse_amount(value)
    except ValueError:
        return None
    return price if 0 <= price < _DEAREST and len(price.as_tuple().digits) <= _MOST_DIGITS else None
