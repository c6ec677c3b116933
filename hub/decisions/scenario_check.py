"""Whether a scenario fits the hub in which it is to be played: it names what there is and says what the brand may say.

drafted, published   refused, with the path of the field
served               a title that the brand has come to forbid is not said: another takes its place
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from hub.catalogue.brand import check_wording, wording_fault_of
from hub.catalogue.model import BrandFacts
from hub.catalogue.snapshot import CatalogueSnapshot
from hub.decisions.model import Channel, Scenario
from hub.decisions.moment import TITLES
from hub.decisions.scenario_files import CheckFile, ScenarioFile
from hub.errors import InvalidInput

PLAIN_TITLE = "Picked for you"  # of a slot whose own title the brand forbids by now

Path = tuple[str | int, ...]


def check_scenario(scenario: Scenario, layers: Collection[str], snapshot: CatalogueSnapshot) -> None:
    """Refuse a scenario that names what this hub has not, or whose titles the brand may not say.

    Raises:
        InvalidInput: UNKNOWN_LAYER, UNKNOWN_MOMENT, UNKNOWN_BRAND, UNKNOWN_CATEGORY or a brand's rule
            (FORBIDDEN_WORD, ...), with the path.
    """
    for layer in scenario.mix.weights:
        _must(layer, layers, "layer", ("mix", layer))
    for at, moment in enumerate(scenario.moments):
        _must(moment, TITLES, "moment", ("moments", at))
    for at, brand in enumerate(scenario.brands):
        _must(brand, snapshot.facts, "brand", ("brands", at))
    what = f"scenario {scenario.key!r}"
    for path, title in _titles(scenario):
        check_wording(what, title, _speaker(scenario), snapshot.facts, path)
    if not snapshot.contents:
        return
    categories = snapshot.codes_below
    for at, category in enumerate(scenario.guards.without_categories):
        _must(category, categories, "category", ("guards", "without_categories", at))
    for channel, slots in scenario.slots.items():
        for number, slot in enumerate(slots):
            for at, category in enumerate(slot.categories):
                _must(category, categories, "category", ("slots", channel.value, number, "categories", at))


def check_specifications(written: ScenarioFile, layers: Collection[str], snapshot: CatalogueSnapshot) -> None:
    """Refuse a check that names what there is not: it would hold, or fail, for a slip of the pen.

    Raises:
        InvalidInput: UNKNOWN_SLOT, UNKNOWN_MOMENT, UNKNOWN_LAYER, UNKNOWN_OFFER, UNKNOWN_CATEGORY or
            UNKNOWN_CONTENT, with the path.
    """
    slots = written.scenario().slots
    for at, check in enumerate(written.checks):
        path: Path = ("checks", at)
        if check.slot is not None:
            there = slots.get(check.channel) or slots.get(Channel.WEB) or ()
            _must(check.slot, [spec.key for spec in there], "slot", (*path, "slot"))
        if check.moment is not None:
            _must(check.moment, TITLES, "moment", (*path, "moment"))
        for name, field, number in _layers_of(check):
            _must(name, layers, "layer", (*path, field, number))
        if snapshot.contents:
            _check_named(check, snapshot, path)


def _check_named(check: CheckFile, snapshot: CatalogueSnapshot, path: Path) -> None:
    if check.offer is not None:
        _must(check.offer, [offer.key for offer in snapshot.offers], "offer", (*path, "offer"))
    for field in ("only_categories", "without_categories"):
        for number, category in enumerate(getattr(check, field)):
            _must(category, snapshot.codes_below, "category", (*path, field, number))
    for field in ("contains", "without"):
        for number, key in enumerate(getattr(check, field)):
            if snapshot.row(key) is None:
                raise _unknown(key, "content", (*path, field, number), "")


def presentable(scenario: Scenario, facts: Mapping[str, BrandFacts]) -> Scenario:
    """Return a scenario without titles that the brand has come to forbid since it was published."""
    speaker = _speaker(scenario)
    if not any(wording_fault_of(title, speaker, facts) for _, title in _titles(scenario)):
        return scenario
    plain = "" if wording_fault_of(PLAIN_TITLE, speaker, facts) else PLAIN_TITLE
    slots = {
        channel: tuple(
            replace(slot, title=plain) if wording_fault_of(slot.title, speaker, facts) else slot
            for slot in specs
        )
        for channel, specs in scenario.slots.items()
    }
    title = scenario.key if wording_fault_of(scenario.title, speaker, facts) else scenario.title
    return replace(scenario, title=title, slots=slots)


def _speaker(scenario: Scenario) -> str:
    return scenario.brands[0] if scenario.brands else ""


def _titles(scenario: Scenario) -> Iterator[tuple[Path, str]]:
    yield ("title",), scenario.title
    for channel, slots in scenario.slots.items():
        for number, slot in enumerate(slots):
            yield ("slots", channel.value, number, "title"), slot.title


def _layers_of(check: CheckFile) -> Iterator[tuple[str, str, str | int]]:
    for name in check.led_by:
        yield name, "led_by", name
    for field in ("silent", "muted"):
        for number, name in enumerate(getattr(check, field)):
            yield name, field, number


def _must(name: str, known: Collection[str], what: str, path: Path) -> None:
    if name not in known:
        raise _unknown(name, what, path, f"; there are {', '.join(sorted(known)[:30]) or 'none'}")


def _unknown(name: str, what: str, path: Path, known: str) -> InvalidInput:
    return InvalidInput(f"there is no {what} {name!r}{known}", path=path, code=f"UNKNOWN_{what.upper()}")
