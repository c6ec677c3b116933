"""Email templates as a marketer writes them: MJML with Liquid in it, checked before anybody is sent anything.

    LIQUID_SYNTAX    a tag or an output that Liquid cannot read
    UNKNOWN_VALUE    a name that no message has
    MJML_SYNTAX      markup that does not close, or an `mj-` element that there is not
    NO_UNSUBSCRIBE   the way out of the list is missing in the HTML or the text
    NO_ADDRESS       the sender's postal address is missing, which the law asks for in many places
    UNSAFE           script, a form or a frame, which mail programs drop or warn of
    FORBIDDEN_WORD   a word that the brand never says

Every fault has a path that ends in the line. A template is checked with the values of a full message and of the
barest there is, so that what fails only for some customers fails here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any
from xml.parsers import expat

import mrml
from liquid import Environment, StrictUndefined
from liquid.exceptions import LiquidError, UndefinedError
from liquid.template import BoundTemplate

from hub.catalogue.brand import forbidden_word
from hub.catalogue.model import BrandFacts
from hub.errors import InvalidInput

LONGEST = 100_000  # characters
ELEMENTS = frozenset(
    [
        "mjml",
        "mj-head",
        "mj-body",
        "mj-title",
        "mj-preview",
        "mj-attributes",
        "mj-all",
        "mj-class",
        "mj-style",
        "mj-raw",
        "mj-font",
        "mj-breakpoint",
        "mj-section",
        "mj-wrapper",
        "mj-group",
        "mj-column",
        "mj-text",
        "mj-image",
        "mj-button",
        "mj-divider",
        "mj-spacer",
        "mj-table",
        "mj-hero",
        "mj-social",
        "mj-social-element",
        "mj-navbar",
        "mj-navbar-link",
        "mj-accordion",
        "mj-accordion-element",
        "mj-accordion-title",
        "mj-accordion-text",
        "mj-carousel",
        "mj-carousel-image",
    ]
)
ELEMENT = re.compile(r"</?((?:mj-|mjml)[\w-]*)")
UNSAFE = re.compile(r"<\s*(script|form|iframe|object|embed|mj-include)\b", re.IGNORECASE)
LIQUID = re.compile(r"\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)


class _Bounded(Environment):
    """Liquid that ends: a template cannot keep the hub busy, nor read a file."""

    loop_iteration_limit = 20_000
    output_stream_limit = 2_000_000
    context_depth_limit = 20


@cache
def environment(*, escape: bool, strict: bool = False) -> Environment:
    """Return the environment that templates are read in; `safe`, which would switch escaping off, is not in it."""
    made = _Bounded(autoescape=escape, undefined=StrictUndefined) if strict else _Bounded(autoescape=escape)
    made.filters.pop("safe", None)
    return made


@dataclass(frozen=True, slots=True, eq=False)
class MessageTemplate:
    """What a message is rendered with. `version` 0 is what the hub ships."""

    key: str
    version: int
    markup: BoundTemplate
    plain: BoundTemplate
    sources: tuple[str, str | None]  # MJML and text that it was read from, for another process to read again


@cache
def shipped() -> MessageTemplate:
    """Return the template that the hub ships."""
    mjml, text = shipped_sources()
    return compiled("default", 0, mjml, text)


@cache
def shipped_sources() -> tuple[str, str]:
    """Return its MJML and its plain text."""
    folder = files(__package__) / "templates"
    return (
        (folder / "email.mjml.liquid").read_text(encoding="utf-8"),
        (folder / "email.txt.liquid").read_text(encoding="utf-8"),
    )


def compiled(key: str, version: int, mjml: str, text: str | None) -> MessageTemplate:
    """Return a template ready to render; without a text of its own it has the shipped one.

    Raises:
        InvalidInput: LIQUID_SYNTAX, with the line.
    """
    plain = shipped_sources()[1] if text is None else text
    markup, words = _read(mjml, "mjml", escape=True), _read(plain, "text", escape=False)
    return MessageTemplate(key, version, markup, words, (mjml, text))


def markup_to_html(markup: str) -> str:
    """Return MJML unfolded into what mail clients understand; no web fonts: a message fetches but its pictures.

    Raises:
        OSError: it is no MJML.
    """
    options = mrml.RenderOptions(disable_comments=False, fonts={})
    rendered: str = mrml.to_html(markup, render_options=options).content
    return rendered


def check(mjml: str, text: str | None, brand: BrandFacts) -> None:
    """Refuse a template that would not make a good message.

    Raises:
        InvalidInput: with one of the codes above; the path is (`mjml` or `text`, line).
    """
    for name, source in (("mjml", mjml), ("text", text or "")):
        if len(source) > LONGEST:
            raise InvalidInput(f"a template has at most {LONGEST} characters", path=(name,))
        _check_words(name, source, brand)
    for found in ELEMENT.finditer(mjml):
        if found.group(1) not in ELEMENTS:
            raise _at("mjml", mjml, found.start(), f"MJML has no element {found.group(1)}", "MJML_SYNTAX")
    for values in (FULL, BARE):
        markup = _rendered(mjml, "mjml", values, escape=True)
        try:
            html = markup_to_html(markup)
        except OSError as error:
            raise _misplaced(mjml, markup, str(error)) from None
        _need(values, html, "mjml")
        if text is not None:
            _need(values, _rendered(text, "text", values, escape=False), "text")


def unsaid(template: MessageTemplate, brand: BrandFacts) -> str | None:
    """Return why a template that was good when it was published may not be used any more; None: it may."""
    mjml, text = template.sources
    try:
        for name, source in (("mjml", mjml), ("text", text or "")):
            _check_words(name, source, brand)
    except InvalidInput as error:
        return error.message
    return None


def _need(values: Mapping[str, Any], said: str, name: str) -> None:
    if str(values["unsubscribe"]) not in said:
        raise InvalidInput(
            "put {{ unsubscribe }} into it: every message shows the way out of the list",
            path=(name,),
            code="NO_UNSUBSCRIBE",
        )
    if values["address"] and str(values["address"]) not in said:
        raise InvalidInput(
            "put {{ address }} into it: every message says where its sender lives",
            path=(name,),
            code="NO_ADDRESS",
        )


def _check_words(name: str, source: str, brand: BrandFacts) -> None:
    if found := UNSAFE.search(source):
        raise _at(name, source, found.start(), f"a message holds no <{found.group(1)}>", "UNSAFE")
    for number, line in enumerate(source.splitlines(), start=1):
        word = forbidden_word((LIQUID.sub("", line),), brand)
        if word is not None:
            raise InvalidInput(
                f"line {number}: {word!r} is a word that the brand {brand.key!r} never says",
                path=(name, number),
                code="FORBIDDEN_WORD",
            )


def _read(source: str, name: str, *, escape: bool, strict: bool = False) -> BoundTemplate:
    try:
        return environment(escape=escape, strict=strict).from_string(source)
    except LiquidError as error:
        raise _liquid_fault(error, source, name) from None


def _rendered(source: str, name: str, values: Mapping[str, Any], *, escape: bool) -> str:
    try:
        return _read(source, name, escape=escape, strict=True).render(**values)
    except LiquidError as error:
        raise _liquid_fault(error, source, name) from None


def _liquid_fault(error: LiquidError, source: str, name: str) -> InvalidInput:
    code = "UNKNOWN_VALUE" if isinstance(error, UndefinedError) else "LIQUID_SYNTAX"
    start = getattr(error.token, "start_index", -1)
    said = str(error).splitlines()[0]
    if start < 0:  # what was opened is not closed: the end of the text is as near as Liquid says
        start = _last_open(source)
    return _at(name, source, start, said, code)


def _last_open(source: str) -> int:
    """Return where the innermost block tag begins that is not closed, else the last tag."""
    open_tags: list[int] = []
    last = 0
    for found in re.finditer(r"\{%-?\s*(end)?(if|for|case|unless|capture|comment|tablerow|raw)\b", source):
        last = found.start()
        if found.group(1) and open_tags:
            open_tags.pop()
        elif not found.group(1):
            open_tags.append(found.start())
    return open_tags[-1] if open_tags else last


def _misplaced(source: str, markup: str, said: str) -> InvalidInput:
    """Say where markup does not close: in the source if that shows it, else in what was rendered of it."""
    # Blanked, not removed, so that lines stay where they are.
    blanked = LIQUID.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), source)
    for text, whose in ((blanked, ""), (markup, "of the rendered markup ")):
        parser = expat.ParserCreate()
        try:
            parser.Parse(re.sub(r"&[a-z]+;", "     ", text).strip(), True)
        except expat.ExpatError as error:
            line = error.lineno + text[: len(text) - len(text.lstrip())].count("\n")
            reason = expat.ErrorString(error.code)
            return InvalidInput(
                f"line {line} {whose}does not read as MJML: {reason}", path=("mjml", line), code="MJML_SYNTAX"
            )
    return InvalidInput(f"this does not read as MJML: {said}", path=("mjml",), code="MJML_SYNTAX")


def _at(name: str, source: str, start: int, said: str, code: str) -> InvalidInput:
    line = source.count("\n", 0, max(start, 0)) + 1
    return InvalidInput(f"line {line}: {said}", path=(name, line), code=code)


def _sample_item(*, wide: bool = False, **given: Any) -> dict[str, Any]:
    whole = {
        "title": "A watering can",
        "summary": "Holds nine litres.",
        "url": "https://brand.example/can",
        "link": "https://hub.example/links/can",
        "image": "https://hub.example/pictures/can.png",
        "price": "£42.00",
        "remark": "only a few left",
        "why": "You told us you like gardens",
        "wide": wide,
        "lead": wide,
        "action": "Have a look",
    }
    return {**whole, **given}


FULL: Mapping[str, Any] = {
    "subject": "A subject",
    "preheader": "A preheader",
    "filler": "",
    "greeting": "Dear Ada,",
    "intro": "These were chosen for you.",
    "brand": "The Brand",
    "website": "https://brand.example",
    "address": "1 Sample Lane, Sampletown",
    "colour": "#2f5d46",
    "on_colour": "#ffffff",
    "claims": ["We repair what we sell."],
    "offers": [
        {
            "title": "A tenth off",
            "terms": "Until May.",
            "code": "Your code: AAAA-BBBB-CCCC",
            "now": "https://hub.example/offers/srv_1/stamp/tenth.png",
            "page": "https://hub.example/offers/srv_1/stamp/tenth",
        }
    ],
    "slots": [
        {
            "title": "For you",
            "rows": [
                [_sample_item(wide=True)],
                [_sample_item(), _sample_item(image=None, url=None, link=None, price=None)],
            ],
        }
    ],
    "unsubscribe": "https://hub.example/unsubscribe/sample",
    "view": "https://hub.example/view/sample",
}
BARE: Mapping[str, Any] = {
    **FULL,
    "website": None,
    "address": None,
    "claims": [],
    "offers": [],
    "view": None,
    "slots": [
        {
            "title": "For you",
            "rows": [
                [
                    _sample_item(
                        wide=True,
                        summary=None,
                        url=None,
                        link=None,
                        image=None,
                        price=None,
                        remark=None,
                        why=None,
                    )
                ]
            ],
        }
    ],
}
