"""Pictures for messages: PNG copies of SVG, which mail programs do not show, and cards for what has gone.

    SVG                     PNG, twice as wide as it stands in the message, for dense screens
    PNG, JPEG, GIF          left where it is: the caller sends the reader there
    in place of what went   a card: the picture of what there is now, and what it is, in words
    nothing to be had       a card with words alone; never a broken picture
    how an offer stands     a line of words, always of one size, so that the message can say how high it is

What is made is kept in memory. Pictures come from folders of our own or over HTTP from public addresses,
since an address in a feed must not make the hub look around in its own network.
"""

import asyncio
import io
import ipaddress
import re
import socket
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import httpx
import resvg_py
import structlog
from font_roboto import Roboto, RobotoMedium
from PIL import Image, ImageDraw, ImageFont, UnidentifiedImageError

from hub.catalogue.model import Content
from hub.channels.words import price, shortened

log = structlog.get_logger(__name__)

WIDTH = 528  # pixels: twice the 264 of the message's columns
LINE_HEIGHT = 56
LINE_MARGIN = 8
PADDING = 24
MOST_LINES = 3  # of a card's title, and of its remark
LONGEST_WORD = 24  # characters that fit into a line
MOST_BYTES = 4_000_000
MOST_PIXELS = 24_000_000
SECONDS = 4.0
MOST_KEPT = 500
INK, PAPER, QUIET = "#22262b", "#f4f5f2", "#5c636b"
# An SVG that refers to anything outside of itself is not drawn: it could name files of this machine.
OUTSIDE = re.compile(
    rb"""(?:href|src)\s*=\s*["'](?!\s*(?:#|data:))|<!ENTITY|url\(\s*["']?(?!["']?\s*#)""", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Picture:
    """Either bytes of a PNG, or the address where the picture lies."""

    png: bytes | None = None
    url: str | None = None


class Undrawable(Exception):
    """A picture cannot be had or drawn; the message says why, for the log."""


class Pictures:
    """Makes pictures for messages.

    Args:
        base_url: what relative addresses belong to.
        folders: path prefixes under `base_url` whose files lie on this machine.
    """

    def __init__(self, base_url: str, folders: Mapping[str, Path]) -> None:
        self._base_url = base_url
        self._folders = folders
        self._kept: OrderedDict[tuple[str | None, ...], bytes] = OrderedDict()

    async def of(self, content: Content | None, *, instead_of: str | None = None) -> Picture:
        """Return the picture of an item; a card if it stands in the place of something, or there is none."""
        url = self._address(content)
        if content is not None and instead_of is None and url is not None and not _is_svg(url):
            return Picture(url=url)
        words = _words(content, instead_of)
        key = (url, *words)
        known = self._kept.get(key)
        if known is not None:
            self._kept.move_to_end(key)
            return Picture(png=known)
        made = await self._made(url, words, card=content is None or instead_of is not None)
        return Picture(png=self._keep(key, made))

    async def line(self, words: str) -> bytes:
        """Return words as a PNG of `WIDTH` by `LINE_HEIGHT`; what does not fit is cut at a word."""
        known = self._kept.get((words,))
        return known if known is not None else self._keep((words,), await asyncio.to_thread(_line, words))

    def _keep(self, key: tuple[str | None, ...], made: bytes) -> bytes:
        self._kept[key] = made
        if len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return made

    def _address(self, content: Content | None) -> str | None:
        if content is None or not content.image_url:
            return None
        url = urljoin(f"{self._base_url}/", content.image_url)
        return url if url.startswith(("https://", "http://")) else None

    async def _made(self, url: str | None, words: tuple[str, str], *, card: bool) -> bytes:
        picture = None
        try:
            if url is not None:
                picture = await asyncio.to_thread(_drawn, await self._bytes(url))
        except Undrawable as why:
            log.warning("a picture cannot be drawn", url=url, why=str(why))
        if picture is not None and not card:
            return await asyncio.to_thread(_png, picture)
        return await asyncio.to_thread(_card, picture, *words)

    async def _bytes(self, url: str) -> bytes:
        for prefix, folder in self._folders.items():
            start = f"{self._base_url}{prefix}"
            if url.startswith(start):
                return await asyncio.to_thread(_read, folder, unquote(urlsplit(url[len(start) :]).path))
        return await _fetched(url)


def _read(folder: Path, name: str) -> bytes:
    path = (folder / name.lstrip("/")).resolve()
    if not path.is_relative_to(folder.resolve()) or not path.is_file():
        raise Undrawable("there is no such file")
    return path.read_bytes()


async def _fetched(url: str) -> bytes:
    parts = urlsplit(url)
    await _need_public(parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))
    body = b""
    try:
        async with (
            httpx.AsyncClient(timeout=SECONDS, follow_redirects=False) as client,
            client.stream("GET", url) as answer,
        ):
            if answer.status_code != 200:
                raise Undrawable(f"its server answered {answer.status_code}")
            async for part in answer.aiter_bytes():
                body += part
                if len(body) > MOST_BYTES:
                    raise Undrawable(f"it has more than {MOST_BYTES} bytes")
    except httpx.HTTPError as error:
        raise Undrawable(type(error).__name__) from None
    return body


async def _need_public(host: str, port: int) -> None:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        raise Undrawable("its host has no address") from None
    for *_, address in found:
        if not ipaddress.ip_address(str(address[0]).partition("%")[0]).is_global:
            raise Undrawable("its host is no public one")


def _is_svg(url: str) -> bool:
    return urlsplit(url).path.lower().endswith((".svg", ".svgz"))


def _drawn(content: bytes) -> Image.Image:
    """Return a picture as RGB, `WIDTH` pixels wide.

    Raises:
        Undrawable: it is no picture, too large, or an SVG that reaches outside of itself.
    """
    if b"<svg" in content[:4096]:
        content = _rasterised(content)
    try:
        with Image.open(io.BytesIO(content), formats=("PNG", "JPEG", "GIF", "WEBP")) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                raise Undrawable("it has too many pixels")
            picture = opened.convert("RGBA")
    except (UnidentifiedImageError, OSError, ValueError) as error:
        raise Undrawable(f"it cannot be read: {type(error).__name__}") from None
    height = max(1, min(WIDTH * 2, round(picture.height * WIDTH / picture.width)))
    scaled = picture.resize((WIDTH, height), Image.Resampling.LANCZOS)
    # Transparent pictures would be unreadable on one of the two grounds, light or dark.
    ground = Image.new("RGBA", scaled.size, "#ffffff")
    return Image.alpha_composite(ground, scaled).convert("RGB")


def _rasterised(svg: bytes) -> bytes:
    if OUTSIDE.search(re.sub(rb"""xmlns(?::\w+)?\s*=\s*["'][^"']*["']""", b"", svg)):
        raise Undrawable("it refers to something outside of itself")
    try:
        return bytes(resvg_py.svg_to_bytes(svg_string=svg.decode(), width=WIDTH))
    except (ValueError, UnicodeDecodeError) as error:
        raise Undrawable(f"it is no SVG: {error}") from None


def _png(picture: Image.Image) -> bytes:
    """Return a PNG of a palette, which drawings need no more than; a third of the bytes."""
    packed = io.BytesIO()
    picture.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(
        packed, "PNG", optimize=True
    )
    return packed.getvalue()


def _words(content: Content | None, instead_of: str | None) -> tuple[str, str]:
    if content is None:
        return (f"“{instead_of}”" if instead_of else "", "is no longer to be had")
    cost = f", {price(content.price)}" if content.price else ""
    if instead_of is None:
        return (f"{content.title}{cost}", "")
    return (f"{content.title}{cost}", f"Instead of “{instead_of}”, which has gone")


def _card(picture: Image.Image | None, title: str, remark: str) -> bytes:
    above = picture.height if picture is not None else 0
    lines: list[tuple[str, ImageFont.FreeTypeFont, str, int]] = []
    for text, face, size, ink in ((title, RobotoMedium, 30, INK), (remark, Roboto, 22, QUIET)):
        font = ImageFont.truetype(face, size)
        lines += [(line, font, ink, round(size * 1.35)) for line in _wrapped(text, font)]
    card = Image.new("RGB", (WIDTH, above + 2 * PADDING + sum(height for *_, height in lines)), PAPER)
    if picture is not None:
        card.paste(picture, (0, 0))
    draw = ImageDraw.Draw(card)
    at = above + PADDING
    for line, font, ink, height in lines:
        draw.text((PADDING, at), line, font=font, fill=ink)
        at += height
    return _png(card)


def _line(words: str) -> bytes:
    font = ImageFont.truetype(Roboto, 26)
    while font.getlength(words) > WIDTH - 2 * LINE_MARGIN:
        words = shortened(words, len(words) - 1)
    line = Image.new("RGB", (WIDTH, LINE_HEIGHT), PAPER)
    ImageDraw.Draw(line).text((LINE_MARGIN, LINE_HEIGHT // 2), words, font=font, fill=INK, anchor="lm")
    return _png(line)


def _wrapped(text: str, font: ImageFont.FreeTypeFont) -> list[str]:
    """Return a text in lines that fit, at most `MOST_LINES`."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(longer) <= WIDTH - 2 * PADDING:
            lines[-1] = longer
        else:
            lines.append(shortened(word, LONGEST_WORD))
    return lines[:MOST_LINES]
