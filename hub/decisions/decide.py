"""One decision: gates remove, layers score, the mix weighs, variety spreads. Pure: no clock, no chance.

The same view, catalogue, scenario, mix and layers give the same decision, byte for byte; every channel
presents this one outcome.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from hub.catalogue.model import Claim, Offer
from hub.decisions.candidates import retrieve
from hub.decisions.gates import judge, remove
from hub.decisions.model import Decision, Note, Scenario
from hub.decisions.moment import detect
from hub.decisions.offers import offers_for
from hub.decisions.ranking import ScoredRanking, ranked, total
from hub.decisions.scenarios import configuration_version
from hub.decisions.shelf import Shelf
from hub.decisions.variety import vary
from hub.layers.base import Candidates, Contribution, Layer, Moment
from hub.layers.lasting import due_items, owned_items
from hub.layers.mix import Mix
from hub.profiles.view import ProfileView


def decide(
    view: ProfileView,
    shelf: Shelf,
    scenario: Scenario,
    mix: Mix,
    layers: Mapping[str, Layer],
    *,
    degraded: Note | None = None,
) -> Decision:
    """Decide what one customer is to see in one scenario at `view.at`.

    Args:
        view: what consent allows to know of the customer, at which instant.
        shelf: the catalogue, see `shelf.arrange`.
        scenario: what is wanted.
        mix: the weights to play, see `hub.layers.mix.resolve`; its layers must all be in `layers`.
        layers: the layers of this hub by name.
        degraded: why this decision is less than it could be, if it is.

    Raises:
        KeyError: if the mix names a layer that is not in `layers`.
        ValueError: if a layer does not return one score for each candidate.
    """
    snapshot = shelf.snapshot
    owned = owned_items(view, snapshot)
    due = due_items(owned, view.at)
    moment = detect(view, view.at, due=[item.content.key for item in due])
    verdict = judge(view, shelf, scenario, moment, owned)
    kinds = [kind for slots in scenario.slots.values() for slot in slots for kind in slot.kinds]
    found = retrieve(view, shelf, verdict.codes, moment, kinds=kinds, owned=owned, due=due)
    rows, removed = remove(view, shelf, verdict, found)
    ranking = rank(view, Candidates(snapshot, rows), moment, mix, layers, variety=scenario.variety)
    voice, claims = _speaker(shelf, scenario)
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
        offers=_offers(view, shelf, scenario, moment, ranking),
        voice=voice,
        claims=claims,
        degraded=degraded,
    )


def rank(
    view: ProfileView,
    candidates: Candidates,
    moment: Moment,
    mix: Mix,
    layers: Mapping[str, Layer],
    *,
    variety: float,
) -> ScoredRanking:
    """Score candidates with the layers of a mix, add up, and spread."""
    contributions: dict[str, Contribution] = {}
    parts: dict[str, NDArray[np.float64]] = {}
    for name, weight in mix.weights.items():
        contributions[name] = _held(name, layers[name].score(view, candidates, moment), len(candidates))
        parts[name] = weight * contributions[name].scores
    scores = total(list(parts.values()), len(candidates))
    by_score = ranked(scores)
    kinds = candidates.snapshot.kind_codes[candidates.rows]
    varied = vary(by_score, scores, candidates.vectors, kinds, variety)
    return ScoredRanking(candidates, mix, contributions, parts, scores, by_score, varied)


def _held(name: str, contribution: Contribution, count: int) -> Contribution:
    """Hold a layer to its contract: one finite score in [-1, 1] for each candidate.

    Layers come from third parties too; one that answers NaN must not take the page with it.
    """
    scores = np.asarray(contribution.scores, np.float64)
    if scores.shape != (count,):
        raise ValueError(f"layer {name!r} returned scores of shape {scores.shape} for {count} candidates")
    return Contribution(np.clip(np.nan_to_num(scores, nan=0.0), -1.0, 1.0), contribution.sentence)


def _offers(
    view: ProfileView, shelf: Shelf, scenario: Scenario, moment: Moment, ranking: ScoredRanking
) -> tuple[Offer, ...]:
    best: dict[str, int] = {}
    if shelf.snapshot.offers:
        for position, content in enumerate(ranking.contents, 1):
            best.setdefault(content.category, position)
    return offers_for(shelf.snapshot.offers, view, moment, brands=scenario.brands, best=best)


def _speaker(shelf: Shelf, scenario: Scenario) -> tuple[str, tuple[Claim, ...]]:
    """Return voice and claims of the brand that speaks: the scenario's first, else the house's."""
    brand = scenario.brands[0] if scenario.brands else shelf.snapshot.house_brand
    facts = shelf.snapshot.facts.get(brand)
    return (facts.voice, facts.claims) if facts is not None else ("", ())
