"""`tutti tune`: learn a mix from an event log, and propose it."""

import asyncio
from functools import partial
from typing import Annotated

import typer

from hub.cli.evaluate import (
    Days,
    Instant,
    LogFile,
    MappingFile,
    ScenarioKey,
    encoder_of,
    instant_of,
    log_of,
    scenario_of,
    steps_shown,
)


def tune_command(
    at: Instant,
    log: LogFile = None,
    mapping: MappingFile = None,
    days: Days = 30,
    scenario: ScenarioKey = "home",
    save: Annotated[
        bool, typer.Option("--save", help="Save the mix as a draft in the store; publishing stays with you.")
    ] = False,
) -> None:
    """Learn a mix from an event log and propose it: half of the customers teach, the other half tell the gain.

    Nothing is published. With --save the proposal becomes a draft of the scenario's mix.
    """
    from hub.catalogue.model import ContentKind
    from hub.experiments.evaluation import Task, audible, cases_of, without_variety
    from hub.experiments.tuning import halves, tune
    from hub.experiments.world import Embedder, build_world
    from hub.layers.registry import load_layers

    wanted, layers = scenario_of(scenario), load_layers()
    with steps_shown() as steps:
        embed = Embedder(encoder_of(), lambda done, total: steps("texts embedded", done, total))
        world = build_world(
            log_of(log, mapping, steps),
            instant_of(at),
            days=days,
            embed=embed,
            progress=lambda done, total: steps("customers folded", done, total),
        )
        measured = without_variety(wanted, [ContentKind.PRODUCT])
        cases = []
        for task in Task:
            named = partial(steps, f"{task.value}: decisions")
            cases += cases_of(world, task, measured, layers, progress=named)
        teaching, telling = halves(cases)
        tuned = tune(
            teaching,
            telling,
            wanted.mix.weights,
            audible(cases, tuple(layers)),
            progress=lambda done, total: steps("mixes tried", done, total),
        )
    silent = {
        name: weight
        for name, weight in wanted.mix.weights.items()
        if name not in audible(cases, tuple(layers))
    }
    proposed = {**silent, **tuned.weights}
    gain = tuned.gain
    told = (
        f"nDCG@10 {tuned.before:.4f} -> {tuned.after:.4f}, {gain.mean:+.4f} [{gain.low:+.4f}, {gain.high:+.4f}] "
        f"on {len(telling)} lists held back, T = {at[:10]}"
    )
    typer.echo(told)
    typer.echo("[mix]")
    for name, weight in proposed.items():
        typer.echo(f"{name} = {weight:g}")
    if save:
        version = asyncio.run(_draft(scenario, proposed, f"tutti tune: {told}"))
        typer.echo(f"Saved as draft {version} of {scenario}; nothing is published.")


async def _draft(scenario: str, weights: dict[str, float], note: str) -> int:
    from hub.config import load_settings
    from hub.decisions.mixes import MixService
    from hub.decisions.scenarios import ScenarioService
    from hub.kit.clock import SystemClock
    from hub.layers.registry import load_layers
    from hub.store.database import open_store

    async with open_store(load_settings(), on_progress=typer.echo) as store:
        scenarios = ScenarioService(store)
        await scenarios.seed()
        mixes = MixService(store, scenarios, tuple(load_layers()), SystemClock())
        return (await mixes.draft(scenario, weights, note=note, by="tutti tune")).version
