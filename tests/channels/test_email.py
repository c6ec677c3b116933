import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser

import pytest

from hub.catalogue.model import Offer
from hub.channels.base import present
from hub.channels.context import PresentationContext
from hub.channels.email import headers_of
from hub.channels.message import LONGEST_PREHEADER, LONGEST_SUBJECT, colour_of, ink_on
from hub.decisions.model import Channel, Note
from hub.layers.base import Moment
from hub.profiles.model import Fact, Source
from tests.builders import NOW, make_content, make_view
from tests.channels.house import CONTENTS, FACTS, STAMP, make_context, make_customer, make_decision

CLIPPED = 102 * 1024  # bytes after which Gmail cuts a message


class Page(HTMLParser):
    """What stands in a page: tags with attributes, and the text outside of style."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.words, self._stack = [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._stack.append(tag)

    def handle_endtag(self, tag):
        if tag in self._stack:
            while self._stack.pop() != tag:
                pass

    def handle_data(self, data):
        if "style" not in self._stack:
            self.words.append(data)

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]

    @property
    def text(self):
        return " ".join("".join(self.words).split())


def email(decision=None, **context):
    return present(decision or make_decision(), Channel.EMAIL, make_context(**context))


def header(message, name):
    return [h.value for h in message.headers if h.name == name]


class TestMessage:
    def test_it_is_finished(self, sample):
        message = present(sample.decision, Channel.EMAIL, sample.context)
        assert message.to == "rosa@customers.example"
        assert 0 < len(message.subject) <= LONGEST_SUBJECT
        assert 0 < len(message.preheader) <= LONGEST_PREHEADER
        assert message.html.startswith("<!doctype html>")
        assert len(message.html.encode()) < CLIPPED
        assert message.withheld is None

    def test_html_and_text_say_the_same(self, sample):
        message = present(sample.decision, Channel.EMAIL, sample.context)
        page = Page(message.html)
        for item in (item for slot in message.slots for item in slot.items):
            for said in (item.content.title, item.why.sentence):
                assert said in page.text
                assert said in message.text
        for said in (
            "Dear Rosa,",
            "£42.00",
            "A tenth off the garden",
            "10% off until 31 March.",
            "4 Mill Lane",
        ):
            assert said in page.text
            assert said in message.text
        assert "<" not in message.text

    def test_pictures_have_alt_texts_and_sizes_and_an_absolute_address(self, sample):
        message = present(sample.decision, Channel.EMAIL, sample.context)
        pictures = Page(message.html).all("img")
        assert len(pictures) == sum(1 for s in message.slots for i in s.items if i.content.image_url)
        for picture in pictures:
            assert picture["alt"].strip()
            assert int(picture["width"]) == 264
            assert picture["src"].startswith("https://hub.example/pictures/")

    def test_links_lead_to_the_brand_and_out_of_the_list(self, sample):
        message = present(sample.decision, Channel.EMAIL, sample.context)
        links = {a["href"] for a in Page(message.html).all("a")}
        assert "https://hillandvale.example/p/rose" in links
        assert "https://hub.example/unsubscribe/token" in links
        assert {href.split("/")[2] for href in links} == {"hillandvale.example", "hub.example"}

    def test_it_fetches_nothing_but_its_pictures(self, sample):
        html = present(sample.decision, Channel.EMAIL, sample.context).html
        assert Page(html).all("link") == []
        assert Page(html).all("script") == []
        assert "@import" not in html

    def test_it_can_be_read_in_the_dark(self, sample):
        html = present(sample.decision, Channel.EMAIL, sample.context).html
        assert {"name": "color-scheme", "content": "light dark"} in Page(html).all("meta")
        assert "prefers-color-scheme: dark" in html

    def test_the_preview_line_is_the_preheader_alone(self, sample):
        message = present(sample.decision, Channel.EMAIL, sample.context)
        body = message.html[message.html.index("<body") :]
        assert Page(body).text.startswith(message.preheader)
        assert "\u034f\u200c" in body

    def test_the_same_decision_and_context_give_the_same_bytes(self):
        first, second = (email(make_decision()) for _ in range(2))
        assert (first.html, first.text, first.subject, first.headers) == (
            second.html,
            second.text,
            second.subject,
            second.headers,
        )


class TestHeaders:
    def test_one_click_unsubscription(self, sample):
        message = present(sample.decision, Channel.EMAIL, sample.context)
        assert header(message, "List-Unsubscribe") == ["<https://hub.example/unsubscribe/token>"]
        assert header(message, "List-Unsubscribe-Post") == ["List-Unsubscribe=One-Click"]
        assert header(message, "List-Id") == ["<home.hillandvale.example>"]
        assert header(message, "From") == ["Hill & Vale <hello@hillandvale.example>"]
        assert header(message, "X-Tutti-Served") == ["srv_1"]

    def test_a_house_without_an_address_to_send_from_leaves_that_to_the_mail_server(self):
        message = email(speaker=replace(FACTS, sender_email=""))
        assert header(message, "From") == []
        assert header(message, "List-Id") == ["<home.hub.example>"]

    def test_no_value_can_begin_another_header(self):
        speaker = replace(FACTS, sender_name="Hill\r\nBcc: all@example.com")
        headers = headers_of(make_decision(), make_context(speaker=speaker))
        assert all("\n" not in h.value and "\r" not in h.value for h in headers)

    def test_a_name_that_is_not_ascii_is_encoded(self):
        value = header(email(speaker=replace(FACTS, sender_name="Brûlée & Søn")), "From")[0]
        assert value.isascii()
        assert value.startswith("=?utf-8?")


class TestHostileCatalogue:
    def test_markup_in_titles_and_names_stays_text(self):
        evil = '"><script>alert(1)</script><img src=x onerror=alert(2)> {% assign subject = 1 %} </mj-text>'
        contents = (*(replace(c, title=f"{c.title} {evil}", summary=evil) for c in CONTENTS),)
        customer = make_customer(traits={"first_name": Fact("<b>Rosa</b>", Source.OBSERVED, STAMP)})
        message = email(make_decision(contents=contents), profile=customer)
        page = Page(message.html)
        assert page.all("script") == []
        assert page.all("b") == []
        assert all("onerror" not in picture for picture in page.all("img"))
        assert '"><script>alert(1)</script>' in page.text
        assert "Dear <b>Rosa</b>," in page.text

    @pytest.mark.parametrize(
        "url",
        [
            "javascript:alert(1)",
            "data:text/html,x",
            "http://[x",
            "http://",
            "vbscript:x",
            "\tjavascript:alert(1)",
        ],
    )
    def test_addresses_that_are_none_of_the_webs_become_no_link(self, url):
        contents = (make_content("one", url=url, image_url=url), make_content("two", url=" "))
        message = email(make_decision(contents=contents))
        page = Page(message.html)
        assert page.all("img") == []
        assert {a["href"] for a in page.all("a")} <= {
            "https://hillandvale.example",
            "https://hub.example/unsubscribe/token",
            "https://hillandvale.example/",
        }

    @pytest.mark.parametrize("colour", ["red", "#12", "#000000;background:url(x)", "", "#GGGGGG"])
    def test_a_colour_that_is_none_falls_back(self, colour):
        assert colour_of(replace(FACTS, colour=colour)) == "#1f3a5f"

    @pytest.mark.parametrize(
        ("colour", "ink"), [("#000000", "#ffffff"), ("#ffe066", "#111111"), ("#2f5d46", "#ffffff")]
    )
    def test_a_button_can_be_read_on_any_colour(self, colour, ink):
        assert ink_on(colour) == ink


class TestWithheld:
    def test_a_refusal_leaves_nothing_to_send(self):
        why = Note("NO_CONSENT", "They did not agree.")
        message = email(withheld=why)
        assert message.withheld == why
        assert (message.to, message.subject, message.preheader, message.html, message.text) == (None,) * 5
        assert (message.headers, message.slots, message.served_id) == ((), (), None)

    def test_an_empty_message_is_not_sent(self):
        message = email(make_decision(contents=()))
        assert message.withheld.code == "NOTHING_TO_SHOW"
        assert message.served_id is None


class TestVoice:
    @pytest.mark.parametrize(
        ("voice", "greeting"),
        [
            ("Plain and exact.", "Hello Rosa,"),
            ("Friendly, never pushy", "Dear Rosa,"),
            ("Witty; warm", "Hi Rosa,"),
        ],
    )
    def test_the_brands_own_words_choose_the_register(self, voice, greeting):
        assert email(speaker=replace(FACTS, voice=voice)).text.startswith(greeting)

    def test_a_line_with_a_forbidden_word_is_not_said(self):
        said = email().subject
        word = re.findall(r"[a-z]{4,}", said.lower())[0]
        message = email(speaker=replace(FACTS, forbidden=(word,)))
        assert word not in message.subject.lower()
        assert message.subject

    def test_the_subject_speaks_of_the_moment(self):
        about = replace(make_decision(), moment=Moment("cart_left", "Cart left", NOW, ("blanket",)))
        assert email(about).subject == "Rosa, we kept Wool blanket for you"
        assert "You left Wool blanket in your cart" in email(about).text

    def test_an_offer_is_told_in_the_preheader(self):
        assert email().preheader.startswith("A tenth off the garden, and ")
        assert "tenth" not in email(make_decision(offers=())).preheader

    def test_nothing_worked_out_of_the_customer_is_said_after_a_refusal(self):
        refused = make_decision(view=make_view(personal=False))
        message = email(refused, personal=False)
        assert "climbing roses" not in (message.subject + message.preheader + message.text).lower()
        assert "with you in mind" not in message.text
        assert "Here is what people like best with us" in message.text

    def test_a_long_title_does_not_make_a_long_subject(self):
        contents = tuple(replace(c, title=f"{c.title} {'and more ' * 20}") for c in CONTENTS)
        message = email(make_decision(contents=contents), profile=make_customer(interests=()))
        assert len(message.subject) <= LONGEST_SUBJECT


def test_an_offer_that_ended_is_in_no_message():
    ended = Offer(key="old", title="Old offer", terms="Was.", valid_until=NOW - timedelta(days=1))
    assert "Old offer" not in email(make_decision(offers=(ended,))).text


def test_the_context_needs_no_profile():
    context = PresentationContext(assembled_at=NOW, speaker=FACTS, base_url="https://hub.example")
    message = present(make_decision(), Channel.EMAIL, context)
    assert message.to is None
    assert "Hello and welcome," in message.text
