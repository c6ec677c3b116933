import io
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from PIL import Image, ImageFont

from hub.channels import pictures as module
from hub.channels.pictures import WIDTH, Pictures
from tests.channels.house import CONTENTS

SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 240 120"><rect width="240" height="120" fill="#08f"/></svg>'
CAN = replace(CONTENTS[0], image_url="/drawn/can.svg")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "drawn").mkdir()
    (tmp_path / "drawn" / "can.svg").write_text(SVG)
    (tmp_path / "secret.svg").write_text(SVG)
    return tmp_path / "drawn"


@pytest.fixture
def pictures(folder: Path) -> Pictures:
    return Pictures("https://hub.example", {"/drawn/": folder})


def opened(png: bytes) -> Image.Image:
    assert png.startswith(b"\x89PNG")
    return Image.open(io.BytesIO(png)).convert("RGB")


async def test_an_svg_becomes_a_png_twice_as_wide_as_it_is_shown(pictures):
    picture = opened((await pictures.of(CAN)).png)
    assert picture.size == (WIDTH, WIDTH // 2)
    assert picture.getpixel((WIDTH // 2, 50)) == (0, 136, 255)


async def test_what_mail_programs_show_stays_where_it_lies(pictures):
    photo = replace(CAN, image_url="https://cdn.example/can.jpg")
    assert (await pictures.of(photo)).url == "https://cdn.example/can.jpg"


async def test_a_card_shows_what_there_is_instead_and_says_so(pictures):
    plain = opened((await pictures.of(CAN)).png)
    card = opened((await pictures.of(CAN, instead_of="Climbing rose")).png)
    other = opened((await pictures.of(CAN, instead_of="Wool blanket")).png)
    assert card.height > plain.height
    assert card.crop((0, 0, *plain.size)).tobytes() == plain.tobytes()
    assert card.tobytes() != other.tobytes(), "the words differ"


@pytest.mark.parametrize(
    "image_url",
    [
        "/drawn/missing.svg",
        "/drawn/../secret.svg",
        "/drawn/%2e%2e/secret.svg",
        "https://10.0.0.1/can.svg",
        "http://127.0.0.1:1/can.svg",
        "http://no-such-host.invalid/can.svg",
        "javascript:alert(1)",
        None,
    ],
)
async def test_what_cannot_be_had_is_told_in_words_and_never_broken(pictures, image_url):
    picture = opened((await pictures.of(replace(CAN, image_url=image_url))).png)
    assert picture.size[0] == WIDTH
    assert picture.getpixel((1, 1)) != (0, 136, 255)


@pytest.mark.parametrize(
    "inside",
    [
        '<image href="file:///etc/hostname.png" width="9" height="9"/>',
        '<image xlink:href="/etc/hostname.png" width="9" height="9"/>',
        "<image href='https://elsewhere.example/pixel.png'/>",
        '<rect style="fill:url(https://elsewhere.example/x.svg#a)"/>',
        "<unclosed",
    ],
)
async def test_an_svg_that_reaches_outside_of_itself_is_not_drawn(pictures, folder, inside):
    (folder / "bad.svg").write_text(SVG.replace("</svg>", f"{inside}</svg>"))
    picture = opened((await pictures.of(replace(CAN, image_url="/drawn/bad.svg"))).png)
    assert picture.getpixel((1, 1)) != (0, 136, 255)


@pytest.mark.parametrize(("status", "drawn"), [(200, True), (302, False), (404, False)])
async def test_a_public_picture_is_fetched_without_following_it_elsewhere(monkeypatch, status, drawn):
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.host == "cdn.example"
        return httpx.Response(status, content=SVG, headers={"Location": "http://127.0.0.1/"})

    client = httpx.AsyncClient
    monkeypatch.setattr(
        module.httpx, "AsyncClient", lambda **how: client(transport=httpx.MockTransport(answer), **how)
    )

    async def public(_host, _port):
        return None

    monkeypatch.setattr(module, "_need_public", public)
    made = await Pictures("https://hub.example", {}).of(replace(CAN, image_url="https://cdn.example/a.svg"))
    assert (opened(made.png).getpixel((WIDTH // 2, 50)) == (0, 136, 255)) is drawn


async def test_every_picture_of_the_demo_is_drawn(pictures):
    from hub.web import home

    folder = home.pictures_folder()
    demo = Pictures("https://hub.example", {home.PICTURES: folder})
    names = sorted(path.name for path in folder.glob("*.svg"))
    assert len(names) > 100
    for name in names[::9]:
        made = await demo.of(replace(CAN, image_url=f"{home.PICTURES}{name}"))
        assert len(made.png) < 100_000
        assert len(opened(made.png).getcolors(1 << 20)) > 2, name


def test_the_letters_and_signs_of_prices_and_names_can_be_drawn():
    for face in (module.Roboto, module.RobotoMedium):
        font = ImageFont.truetype(face, 30)
        unknown = bytes(font.getmask("\u4e00"))
        assert [sign for sign in "£€¥$äöüåéèñçßøæłžčğ“”…Жλ" if bytes(font.getmask(sign)) == unknown] == []
