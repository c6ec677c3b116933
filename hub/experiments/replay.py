"""Replay of feedback: what do skips and repeats teach about things that were not shown?

    half of the catalogue   teaches: of it the hub shows three lists of ten at T, and the customer answers to each
                            item: REPEAT where they bought it in the window, SKIP where they did not
    the other half          tells: the hub makes a list of ten of it, once knowing these answers and once not

An item is wholly in one half (by a hash of its key), so that what was skipped is not simply gone from the list that
is judged, and what is judged was never answered to. Truth is what the customer bought in the window of the half that
tells.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hub.decisions.model import Scenario
from hub.decisions.rules import DISCONTINUED, ELIGIBLE
from hub.decisions.shelf import Shelf
from hub.events.segment import parse
from hub.experiments.evaluation import AT, Case, Result, hub_result, played
from hub.experiments.log import SOURCE
from hub.experiments.world import Embed, Reading, World
from hub.layers.base import Layer
from hub.layers.mix import Mix
from hub.profiles.facets import project
from hub.profiles.joining import join_all
from hub.profiles.model import CustomerRef, Facet, FeedbackKind

SHOWN = 3 * AT


@dataclass(frozen=True, slots=True, eq=False)
class Replay:
    """The lists of the half that tells, without the answers and with them; how many were repeats and skips."""

    without: Result
    with_feedback: Result
    repeats: int
    skips: int


def teaching_half(world: World) -> frozenset[int]:
    """Return the rows of the half of the catalogue that is shown and answered to."""
    return frozenset(
        row
        for row, content in enumerate(world.snapshot.contents)
        if hashlib.sha256(f"replay:{content.key}".encode()).digest()[0] % 2
    )


def having(shelf: Shelf, rows: frozenset[int]) -> Shelf:
    """Return the shelf with nothing to be had but some rows."""
    kept = np.isin(np.arange(len(shelf)), sorted(rows))
    standing = np.where(~kept & (shelf.standing == ELIGIBLE), np.int8(DISCONTINUED), shelf.standing)
    return replace(shelf, standing=standing)


def replay(
    world: World,
    embed: Embed,
    scenario: Scenario,
    layers: Mapping[str, Layer],
    mix: Mapping[str, float],
    progress: Callable[[int, int], None],
) -> Replay | None:
    """Show, let answer, decide again; None where no customer bought of both halves."""
    teaching = teaching_half(world)
    telling = frozenset(range(len(world.snapshot))) - teaching
    shelves = {half: having(world.shelf, half) for half in (teaching, telling)}
    reading = Reading.of(world.snapshot, world.at, embed)
    everything = Mix(dict.fromkeys(layers, 1.0))
    before: list[Case] = []
    after: list[Case] = []
    told = {FeedbackKind.REPEAT: 0, FeedbackKind.SKIP: 0}
    for number, (user, truth) in enumerate(world.truths.items()):
        progress(number, len(world.truths))
        wanted = truth & telling
        if not wanted:
            continue
        view = world.views[user]
        rows, scores = played(view, shelves[teaching], scenario, everything, layers)
        shown = Case(user, rows, scores, truth, frozenset()).ranked(mix)[:SHOWN]
        answers = [
            (row, FeedbackKind.REPEAT if row in truth else FeedbackKind.SKIP) for row in shown.tolist()
        ]
        for _, kind in answers:
            told[kind] += 1
        taught = reading(
            CustomerRef("user_id", user), join_all([world.facets[user], *_answered(world, user, answers)])
        )
        for known, cases in ((view, before), (taught, after)):
            rows, scores = played(known, shelves[telling], scenario, everything, layers)
            cases.append(Case(user, rows, scores, wanted, world.had[user]))
    progress(len(world.truths), len(world.truths))
    if not before:
        return None
    return Replay(
        hub_result("without feedback", before, mix),
        hub_result("with feedback", after, mix),
        told[FeedbackKind.REPEAT],
        told[FeedbackKind.SKIP],
    )


def _answered(world: World, user: str, answers: Sequence[tuple[int, FeedbackKind]]) -> list[Facet]:
    """Return what the hub keeps of the answers, given at T."""
    messages = [
        {
            "type": "track",
            "event": "Feedback Given",
            "userId": user,
            "messageId": f"{user} answers {row}",
            "timestamp": world.at.isoformat(),
            "properties": {"kind": kind.value, "content_key": world.snapshot.contents[row].key},
        }
        for row, kind in answers
    ]
    return [project(parse(message, received_at=world.at, source=SOURCE)) for message in messages]
