"""`tutti tune`: learn a mix from an event log, and propose it."""

import asyncio
from typing import TYPE_CHECKING, Annotated

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

if TYPE_CHECKING:
    from hub.decisions.model import Scenario
    from hub.experiments.proposal import Proposal


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
    """Learn a mix from an event log and propose it: the days before T teach, the days after it tell the gain.

    It starts from the mix in force in the store, or with a file and without --save from the one that ships. Nothing is
    published. With --save the proposal becomes a draft of the scenario's mix.
    """
    from hub.experiments.proposal import propose
    from hub.experiments.world import Embedder
    from hub.layers.registry import load_layers

    wanted, muted = scenario_of(scenario, stored=save or log is None)
    with steps_shown() as steps:
        proposal = propose(
            log_of(log, mapping, steps),
            instant_of(at),
            days=days,
            embed=Embedder(encoder_of(), lambda done, total: steps("texts embedded", done, total)),
            scenario=wanted,
            layers=load_layers(),
            muted=muted,
            steps=steps,
        )
    gain = proposal.gain
    told = (
        f"nDCG@10 {proposal.before:.4f} -> {proposal.after:.4f}, {gain.mean:+.4f} [{gain.low:+.4f}, {gain.high:+.4f}] "
        f"on {proposal.lists} lists of the {days} days after T = {at[:10]}"
    )
    typer.echo(f"{told}\n{proposal.verdict}\n\n{_table(wanted, proposal)}\n")
    typer.echo("[mix]")
    for name, weight in proposal.weights.items():
        typer.echo(f"{name} = {weight:g}")
    if save and gain.high <= 0:
        typer.echo("Nothing is saved.")
    elif save:
        version = asyncio.run(_draft(wanted, proposal, f"tutti tune: {told}"))
        typer.echo(f"Saved as draft {version} of {scenario}; nothing is published.")


def _table(scenario: "Scenario", proposal: "Proposal") -> str:
    lines = ["| layer | in force | proposed |", "| --- | ---: | ---: |"]
    for name in dict.fromkeys((*scenario.mix.weights, *proposal.weights)):
        after = "kept" if name in proposal.kept else f"{proposal.weights.get(name, 0.0):g}"
        lines.append(f"| {name} | {scenario.mix.weights.get(name, 0.0):g} | {after} |")
    if proposal.kept:
        lines += ["", "Kept: of these the log tells nothing, or they are muted."]
    return "\n".join(lines)


async def _draft(scenario: "Scenario", proposal: "Proposal", note: str) -> int:
    """Save the proposal, with the dials that are in force."""
    from hub.cli.evaluate import mixes_of
    from hub.config import load_settings
    from hub.store.database import open_store

    async with open_store(load_settings(), on_progress=typer.echo) as store:
        _, mixes = await mixes_of(store)
        made = await mixes.draft(
            scenario.key,
            proposal.weights,
            diversity=scenario.mix.diversity,
            stretch=scenario.mix.stretch,
            note=note,
            by="tutti tune",
        )
        return made.version
