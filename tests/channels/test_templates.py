"""Templates as a marketer writes them: what is refused and where, and what a message is made with."""

from dataclasses import replace

import pytest

from hub.channels.email import rendered
from hub.channels.template_check import BARE, FULL, check, compiled, shipped, shipped_sources
from hub.channels.template_service import TemplateService, TemplateState
from hub.decisions.model import Channel
from hub.errors import Conflict, InvalidInput, NotFound
from hub.profiles.model import ConsentState, CustomerRef, Purpose
from tests.builders import make_facts
from tests.channels.house import FACTS
from tests.channels.hub import HISTORY, open_hub

MJML, TEXT = shipped_sources()
PLAIN = """<mjml>
  <mj-body>
    <mj-section><mj-column>
      <mj-text>{{ greeting }} MARK {% for slot in slots %}{% for row in slot.rows %}{% for item in row %}
        <p>{{ item.title }}</p>{% endfor %}{% endfor %}{% endfor %}</mj-text>
      <mj-text><a href="{{ unsubscribe }}">Unsubscribe</a> {{ address }}</mj-text>
    </mj-column></mj-section>
  </mj-body>
</mjml>
"""
BRAND = make_facts(key="house", forbidden=("cheap",))


class TestChecking:
    def test_what_the_hub_ships_passes(self):
        check(MJML, TEXT, BRAND)

    def test_a_template_of_ones_own_passes(self):
        check(PLAIN, None, BRAND)

    @pytest.mark.parametrize(
        ("change", "code", "line"),
        [
            (("{{ greeting }}", "{{ greeting | shout }}"), "LIQUID_SYNTAX", 4),
            (("{{ greeting }}", "{% greet %}"), "LIQUID_SYNTAX", 4),
            (("{{ greeting }}", "{% if greeting %}"), "LIQUID_SYNTAX", 4),
            (("{% endfor %}{% endfor %}{% endfor %}", "{% endfor %}{% endfor %}"), "LIQUID_SYNTAX", 4),
            (("{{ greeting }}", "{{ greetings }}"), "UNKNOWN_VALUE", 4),
            (("{{ item.title }}", "{{ item.headline }}"), "UNKNOWN_VALUE", 5),
            (("{{ item.title }}", "{{ item.title | safe }}"), "LIQUID_SYNTAX", 5),
            (("{{ item.title }}", "{% include 'passwd' %}"), "LIQUID_SYNTAX", 5),
            (("</mj-text>\n      <mj-text>", "\n      <mj-text>"), "MJML_SYNTAX", 7),
            (("<mj-section>", "<mj-sectoin>"), "MJML_SYNTAX", 3),
            (("<p>{{ item.title }}</p>", "<script>alert(1)</script>"), "UNSAFE", 5),
            (("MARK", "a cheap mark"), "FORBIDDEN_WORD", 4),
            (('<a href="{{ unsubscribe }}">Unsubscribe</a>', ""), "NO_UNSUBSCRIBE", None),
            ((" {{ address }}", ""), "NO_ADDRESS", None),
            (("MARK", "{% for n in (1..999999) %}{{ n }}{% endfor %}"), "LIQUID_SYNTAX", 4),
        ],
        ids=lambda given: given[1][:30] if isinstance(given, tuple) else str(given),
    )
    def test_a_fault_is_told_with_its_line(self, change, code, line):
        broken = PLAIN.replace(*change)
        assert broken != PLAIN
        with pytest.raises(InvalidInput) as told:
            check(broken, None, BRAND)
        assert told.value.kind == code
        assert told.value.path == (("mjml",) if line is None else ("mjml", line))

    def test_the_plain_text_is_checked_as_well(self):
        with pytest.raises(InvalidInput) as told:
            check(PLAIN, "one\ntwo {{ nothing }}", BRAND)
        assert (told.value.kind, told.value.path) == ("UNKNOWN_VALUE", ("text", 2))
        with pytest.raises(InvalidInput) as told:
            check(PLAIN, "{{ address }}", BRAND)
        assert told.value.kind == "NO_UNSUBSCRIBE"

    @pytest.mark.parametrize("values", [FULL, BARE], ids=["full", "bare"])
    def test_markup_in_values_stays_text(self, values):
        template = compiled("newsletter", 1, PLAIN, None)
        _, html, _ = rendered({**values, "greeting": "<script>x</script>"}, template)
        assert "<script>" not in html


def test_a_template_that_fails_costs_its_looks_and_not_the_message(capsys):
    broken = compiled("newsletter", 3, "<mjml><mj-body>{{ greeting }}", None)
    used, html, _ = rendered(FULL, broken)
    assert used is shipped()
    assert "A watering can" in html


@pytest.fixture
async def hub(store, clock, settings):
    hub = await open_hub(store, clock, settings)
    await hub.send(*HISTORY)
    await hub.control.set_consent(
        CustomerRef("user_id", "rosa"), Purpose.EMAIL_MARKETING, None, ConsentState.GRANTED
    )
    return hub


@pytest.fixture
def templates(hub):
    service = TemplateService(
        hub.store,
        hub.scenarios,
        lambda: hub.catalogue.snapshot,
        hub.clock,
        monotonic=iter(range(0, 10**6, 10)).__next__,
    )
    hub.experiences._reader._templates = service
    return service


class TestVersions:
    async def test_draft_preview_publish_and_roll_back(self, hub, templates):
        draft = await templates.draft("newsletter", PLAIN, by="ann", note="plainer")
        assert (draft.version, draft.state) == (1, TemplateState.DRAFT)
        before = await hub.assemble(channel=Channel.EMAIL, scenario="newsletter", preview=True)
        assert "MARK" not in before.html
        seen = await hub.assemble(
            channel=Channel.EMAIL,
            scenario="newsletter",
            preview=True,
            template=await templates.template("newsletter", 1),
        )
        assert "MARK" in seen.html

        assert (await templates.publish("newsletter", 1)).state is TemplateState.PUBLISHED
        sent = await hub.assemble(channel=Channel.EMAIL, scenario="newsletter")
        assert "MARK" in sent.html
        assert sent.template == ("newsletter", 1)
        assert (await hub.ledger.get(sent.served_id)).content["template"] == ["newsletter", 1]
        other = await hub.assemble(channel=Channel.EMAIL, scenario="home")
        assert other.template == ("default", 0)

        back = await templates.roll_back("newsletter")
        assert (back.version, back.state) == (0, TemplateState.PUBLISHED)
        again = await hub.assemble(channel=Channel.EMAIL, scenario="newsletter", preview=True)
        assert "MARK" not in again.html
        states = [(saved.version, saved.state) for saved in await templates.versions("newsletter")]
        assert states == [(1, TemplateState.DRAFT), (0, TemplateState.PUBLISHED)]

    async def test_default_is_for_every_scenario_without_one_of_its_own(self, hub, templates):
        await templates.draft("default", PLAIN.replace("MARK", "EVERYWHERE"))
        await templates.publish("default", 1)
        sent = await hub.assemble(channel=Channel.EMAIL, scenario="newsletter", preview=True)
        assert "EVERYWHERE" in sent.html

    async def test_a_refused_draft_changes_nothing(self, hub, templates):
        before = await hub.dump()
        with pytest.raises(InvalidInput):
            await templates.draft("newsletter", PLAIN.replace("greeting", "greetings"))
        with pytest.raises(NotFound) as told:
            await templates.draft("no_such_scenario", PLAIN)
        assert told.value.path == ("key",)
        assert await hub.dump() == before

    async def test_what_the_brand_forbids_by_now_is_not_published(self, hub, templates):
        await templates.draft("newsletter", PLAIN)
        facts = hub.catalogue.snapshot.facts[hub.catalogue.snapshot.house_brand]
        await hub.catalogue.put_brand_facts([make_facts(key=facts.key, forbidden=("mark",))])
        await hub.catalogue.refresh()
        with pytest.raises(InvalidInput) as told:
            await templates.publish("newsletter", 1)
        assert (told.value.kind, told.value.path) == ("FORBIDDEN_WORD", ("mjml", 4))

    async def test_what_the_brand_has_come_to_forbid_is_not_used(self, hub, templates):
        saved = await templates.draft("newsletter", PLAIN.replace("MARK", "a bargain"))
        await templates.publish("newsletter", saved.version)
        assert (await templates.for_scenario("newsletter")).version == saved.version
        await hub.catalogue.put_brand_facts([replace(FACTS, forbidden=("bargain",))])
        assert await templates.for_scenario("newsletter") is shipped()
        await hub.catalogue.put_brand_facts([FACTS])
        assert (await templates.for_scenario("newsletter")).version == saved.version

    async def test_nothing_before_and_no_such_version_are_told(self, templates):
        with pytest.raises(NotFound, match="nothing was in force"):
            await templates.roll_back("newsletter")
        with pytest.raises(NotFound, match="no version 7"):
            await templates.publish("newsletter", 7)

    async def test_of_two_who_publish_at_once_one_is_told(self, hub, templates):
        for _ in range(3):
            await templates.draft("newsletter", PLAIN)
        await templates.publish("newsletter", 1)
        current = await hub.store.db["email_templates"].find_one({"_id": "newsletter"})
        await templates.publish("newsletter", 2)
        with pytest.raises(Conflict):
            await templates._replace("newsletter", current, 3, [0, 1])
