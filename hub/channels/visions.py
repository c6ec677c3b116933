"""Visions as executable specifications: the checks of a scenario, run against a hub as it stands.

A check names a customer (or nobody), and says what must be so of the page that the scenario would make
for them: how many items, of which sorts, led by which layer, at which moment. It is run as a preview,
so it leaves no trace. The instant is so many hours after the customer was last heard of, so that a
check says the same whenever it is run.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from hub.channels.model import Experience
from hub.channels.slots import slots_of
from hub.decisions.model import Channel, MixRequest, RankedItem, Scenario, below
from hub.decisions.scenario_files import CheckFile
from hub.kit.clock import Clock
from hub.profiles.model import CustomerRef, Profile

NOBODY = CustomerRef("anonymous_id", "nobody-whom-a-check-has-seen")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one check came to; without faults it holds."""

    scenario: str
    title: str
    faults: tuple[str, ...]


class Profiles(Protocol):
    """What is needed of the profile service."""

    async def find(self, ref: CustomerRef) -> Profile | None: ...


class Experiences(Protocol):
    """What is needed of the experience service."""

    async def assemble(
        self,
        ref: CustomerRef,
        *,
        channel: Channel,
        scenario: str,
        mix: MixRequest | None = None,
        preview: bool = False,
        at: datetime | None = None,
        draft: Scenario | None = None,
    ) -> Experience: ...


async def check(
    checks: Sequence[CheckFile],
    scenario: Scenario,
    experiences: Experiences,
    profiles: Profiles,
    layers: Collection[str],
    clock: Clock,
    *,
    in_force: bool = False,
) -> tuple[Verdict, ...]:
    """Run checks of a scenario: as it is given, published or not, or of what is in force, its published mix and all."""
    draft = None if in_force else scenario
    return tuple(
        [
            Verdict(
                scenario.key,
                wanted.title,
                tuple(await _faults(wanted, scenario, draft, experiences, profiles, layers, clock)),
            )
            for wanted in checks
        ]
    )


async def _faults(
    wanted: CheckFile,
    scenario: Scenario,
    draft: Scenario | None,
    experiences: Experiences,
    profiles: Profiles,
    layers: Collection[str],
    clock: Clock,
) -> list[str]:
    named = {*wanted.led_by, *wanted.silent, *wanted.muted}
    missing = sorted(named - set(layers))
    if missing:
        return [f"this hub has no layer {', '.join(missing)}"]
    ref, at = NOBODY, clock.now()
    if wanted.customer:
        ref = CustomerRef("user_id", wanted.customer)
        profile = await profiles.find(ref)
        if profile is None or profile.last_seen_at is None:
            return [f"this hub does not know {wanted.customer}; the demo house has its customers"]
        at = profile.last_seen_at + timedelta(hours=wanted.hours_later)
    muted = tuple(layer for layer in wanted.muted if layer in scenario.mix.weights)
    page = await experiences.assemble(
        ref,
        channel=wanted.channel,
        scenario=scenario.key,
        mix=MixRequest(mute=muted),
        preview=True,
        at=at,
        draft=draft,
    )
    return [*_of_page(wanted, page), *_of_items(wanted, _items(wanted, page))]


def _items(wanted: CheckFile, page: Experience) -> list[RankedItem]:
    slots = slots_of(page.decision, page.channel)
    return [item for slot in slots if wanted.slot in {None, slot.key} for item in slot.items]


def _of_page(wanted: CheckFile, page: Experience) -> list[str]:
    decision = page.decision
    faults = []
    if page.withheld is not None:
        faults.append(f"it is withheld: {page.withheld.message}")
    if decision.degraded is not None:
        faults.append(f"it is degraded: {decision.degraded.message}")
    if wanted.moment and decision.moment.key != wanted.moment:
        faults.append(f"the moment is {decision.moment.key}, not {wanted.moment}")
    made = [offer.key for offer in decision.offers]
    if wanted.offer and wanted.offer not in made:
        faults.append(f"the offer {wanted.offer} is not made; made are {', '.join(made) or 'none'}")
    return faults


def _of_items(wanted: CheckFile, items: Sequence[RankedItem]) -> list[str]:
    keys = [item.content.key for item in items]
    sorts = {item.content.category for item in items}
    faults = []
    if not wanted.least <= len(items) <= wanted.most:
        faults.append(f"{len(items)} items, not {wanted.least} to {wanted.most}")
    if len(sorts) < wanted.categories:
        faults.append(f"of {len(sorts)} categories, not {wanted.categories} or more")
    faults += [f"{key} is not there" for key in wanted.contains if key not in keys]
    faults += [f"{key} is there" for key in wanted.without if key in keys]
    for item in items:
        content = item.content
        if wanted.only_categories and not any(below(content.category, c) for c in wanted.only_categories):
            faults.append(f"{content.key} is of {content.category}")
        if any(below(content.category, each) for each in wanted.without_categories):
            faults.append(f"{content.key} is of {content.category}")
        dear = wanted.most_price is not None and (
            content.price is None or content.price.amount > wanted.most_price
        )
        if dear:
            faults.append(f"{content.key} costs {content.price or 'nobody knows what'}")
        if not item.why.sentence:
            faults.append(f"{content.key} has no reason")
    return faults + _of_layers(wanted, items)


def _of_layers(wanted: CheckFile, items: Sequence[RankedItem]) -> list[str]:
    parts: list[Mapping[str, float]] = [
        {part.layer: part.contribution for part in item.why.contributions} for item in items
    ]
    faults = []
    for layer, count in wanted.led_by.items():
        led = sum(1 for each in parts if each and max(each, key=lambda name: each[name]) == layer)
        if led < count:
            faults.append(f"{layer} leads {led} items, not {count} or more")
    heard = {name for each in parts for name, contribution in each.items() if contribution}
    faults += [f"{layer} has a part" for layer in wanted.silent if layer in heard]
    return faults
