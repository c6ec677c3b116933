"""One decision: gates remove, layers score, the mix weighs, variety spreads. Pure: no clock, no chance.

The same view, catalogue, scenario, mix and layers give the same decision, byte for byte; every channel
presents this one outcome.
"""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from hub.catalogue.brand import NO_FACTS
from hub.catalogue.model import BrandFacts, Offer
from hub.decisions.candidates import retrieve
from hub.decisions.gates import judge, remove
from hub.decisions.model import Decision, Note, Scenario
from hub.decisions.moment import detect
from hub.decisions.offers import offers_for
from hub.decisions.questions import next_question
from hub.decisions.ranking import ScoredRanking, ranked, total
from hub.decisions.rules import ELIGIBLE, IN_CART
from hub.decisions.scenarios import configuration_version
from hub.decisions.shelf import Shelf
from hub.decisions.variety import Dials, vary
from hub.layers.base import Candidates, Contribution, Layer, Moment
from hub.layers.discovery import beyond_what_is_known
from hub.layers.guard import LayerFault, play
from hub.layers.lasting import due_items, owned_items
from hub.layers.mix import Mix, without
from hub.layers.popularity import BaseLayer
from hub.offers.model import NOTHING_KNOWN, Standing
from hub.profiles.view import ProfileView

BASE = "base"
LAYER_FAILED = "LAYER_FAILED"


def decide(
    view: ProfileView,
    shelf: Shelf,
    scenario: Scenario,
    mix: Mix,
    layers: Mapping[str, Layer],
    *,
    standing: Standing = NOTHING_KNOWN,
    worn: Mapping[str, str] = MappingProxyType({}),
    degraded: Note | None = None,
) -> Decision:
    """Decide what one customer is to see in one scenario at `view.at`.

    Args:
        view: what consent allows to know of the customer, at which instant.
        shelf: the catalogue, see `shelf.arrange`.
        scenario: what is wanted.
        mix: the weights to play, see `hub.layers.mix.resolve`; its layers must all be in `layers`.
        layers: the layers of this hub by name.
        standing: which offers the customer holds, and which are closed to them.
        worn: keys of what was shown often enough, each with the reason in a sentence.
        degraded: why this decision is less than it could be, if it is.

    Raises:
        KeyError: if the mix names a layer that is not in `layers`.

    A layer that fails is left out, and the decision is the one that a mix without it gives, marked as degraded.
    """
    snapshot = shelf.snapshot
    owned = owned_items(view, snapshot)
    due = due_items(owned, view.at)
    moment = detect(view, view.at, due=[item.content.key for item in due])
    verdict = judge(view, shelf, scenario, moment, owned, worn)
    kinds = [kind for slots in scenario.slots.values() for slot in slots for kind in slot.kinds]
    found = retrieve(view, shelf, verdict.codes, moment, kinds=kinds, owned=owned, due=due)
    rows, removed = remove(view, shelf, verdict, found)
    speaker = _speaker(shelf, scenario)
    ranking = rank(
        view,
        Candidates(snapshot, rows),
        moment,
        mix,
        layers,
        variety=scenario.variety,
        speaker=speaker or NO_FACTS,
    )
    mix = ranking.mix
    offers = _offers(view, shelf, scenario, moment, ranking, standing)
    return Decision(
        at=view.at,
        scenario=scenario,
        moment=moment,
        profile_id=view.profile_id,
        profile_version=view.profile_version,
        configuration_version=configuration_version(snapshot, scenario, mix, layers),
        mix=mix,
        ranking=ranking,
        removed=removed,
        offers=offers,
        grants=tuple(standing.live[offer.key] for offer in offers if offer.key in standing.live),
        voice=speaker.voice if speaker is not None else "",
        claims=speaker.claims if speaker is not None else (),
        degraded=degraded or _silenced(ranking.faults),
        question=next_question(snapshot, scenario, verdict.codes, ranking.contents)
        if scenario.questions
        else None,
        out_of_reach=ranking.out_of_reach,
    )


def gone(view: ProfileView, shelf: Shelf, scenario: Scenario, keys: Iterable[str]) -> frozenset[str]:
    """Return which of some contents the gates would remove for one customer, but for frequency.

    What the catalogue does not hold any more is among them.
    """
    snapshot = shelf.snapshot
    owned = owned_items(view, snapshot)
    moment = detect(view, view.at, due=[item.content.key for item in due_items(owned, view.at)])
    codes = judge(view, shelf, scenario, moment, owned, {}).codes
    rows = {key: snapshot.row(key) for key in keys}
    return frozenset(key for key, row in rows.items() if row is None or codes[row] not in {ELIGIBLE, IN_CART})


def rank(
    view: ProfileView,
    candidates: Candidates,
    moment: Moment,
    mix: Mix,
    layers: Mapping[str, Layer],
    *,
    variety: float,
    speaker: BrandFacts = NO_FACTS,
) -> ScoredRanking:
    """Score candidates with the layers of a mix, add up, and spread; `speaker` gives the reasons.

    Layers that fail are left out; if all do, the base plays alone.
    """
    contributions: dict[str, Contribution] = {}
    faults: list[LayerFault] = []
    for name in mix.weights:
        try:
            contributions[name] = play(layers[name], view, candidates, moment)
        except LayerFault as fault:
            faults.append(fault)
    if faults:
        mix = without(mix, [fault.layer for fault in faults])
        if not contributions:
            contributions[BASE] = play(BaseLayer(), view, candidates, moment)
    parts = {name: weight * contributions[name].scores for name, weight in mix.weights.items()}
    scores = total(list(parts.values()), len(candidates))
    by_score = ranked(scores)
    varied = vary(
        by_score,
        scores,
        candidates.vectors,
        candidates.snapshot.kind_codes[candidates.rows],
        Dials(variety, mix.diversity, mix.stretch),
        beyond_what_is_known(view, candidates) if mix.stretch is not None else None,
    )
    return ScoredRanking(candidates, mix, contributions, parts, scores, by_score, varied, faults, speaker)


def _silenced(faults: Sequence[LayerFault]) -> Note | None:
    """Return what is to be said of layers that failed."""
    if not faults:
        return None
    told = "; ".join(f"layer {fault.layer!r} {fault.reason}" for fault in faults)
    return Note(LAYER_FAILED, f"The decision was made without what failed: {told}.")


def _offers(
    view: ProfileView,
    shelf: Shelf,
    scenario: Scenario,
    moment: Moment,
    ranking: ScoredRanking,
    standing: Standing,
) -> tuple[Offer, ...]:
    best: dict[str, int] = {}
    if shelf.snapshot.offers or standing.live:
        for position, content in enumerate(ranking.contents, 1):
            best.setdefault(content.category, position)
    return offers_for(
        shelf.snapshot.offers, view, moment, brands=scenario.brands, best=best, standing=standing
    )


def _speaker(shelf: Shelf, scenario: Scenario) -> BrandFacts | None:
    """Return the brand that speaks: the scenario's first, else the house; None if it said nothing of itself."""
    brand = scenario.brands[0] if scenario.brands else shelf.snapshot.house_brand
    return shelf.snapshot.facts.get(brand)
