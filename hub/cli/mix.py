"""`tutti mix`: draft, publish and roll back the mixes of scenarios; mute a layer everywhere."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from hub.errors import InvalidInput
from hub.layers.mix import Mix

if TYPE_CHECKING:
    from hub.decisions.mixes import MixService, SavedMix

T = TypeVar("T")
BY = "command line"

mix_app = typer.Typer(
    help="Draft, publish and roll back the mixes of scenarios; mute a layer everywhere within a second.",
    no_args_is_help=True,
)
ScenarioKey = Annotated[str, typer.Argument(help="Key of the scenario, such as home.")]
LayerName = Annotated[str, typer.Argument(help="Name of the layer, such as needs.")]


@asynccontextmanager
async def _mixes() -> AsyncIterator["MixService"]:
    from hub.config import load_settings
    from hub.decisions.mixes import MixService
    from hub.decisions.scenarios import ScenarioService
    from hub.kit.clock import SystemClock
    from hub.layers.registry import load_layers
    from hub.store.database import open_store

    async with open_store(load_settings()) as store:
        scenarios = ScenarioService(store)
        await scenarios.seed()
        yield MixService(store, scenarios, load_layers().keys(), SystemClock())


def _run(work: Callable[["MixService"], Awaitable[T]]) -> T:
    async def run() -> T:
        async with _mixes() as mixes:
            return await work(mixes)

    return asyncio.run(run())


@mix_app.command("list")
def list_(scenario: ScenarioKey) -> None:
    """Print every saved version of a scenario's mix, newest first."""
    found = _run(lambda mixes: mixes.list(scenario))
    for mix in found:
        typer.echo(_line(mix))
    if not found:
        typer.echo(f"no mix of {scenario} was saved; its own is in force")


@mix_app.command("draft")
def draft(
    scenario: ScenarioKey,
    weights: Annotated[list[str], typer.Argument(help="The layers that shall play, each as layer=weight.")],
    diversity: Annotated[float | None, typer.Option(help="How unlike each other items are, 0 to 1.")] = None,
    stretch: Annotated[float | None, typer.Option(help="Share of items beyond the known, 0 to 1.")] = None,
    note: Annotated[str, typer.Option(help="What it is for.")] = "",
    keep: Annotated[
        bool,
        typer.Option("--keep", help="Leave all else as it is in force: the other layers, and the dials."),
    ] = False,
) -> None:
    """Save a new version of a scenario's mix; nothing that is served changes."""
    heard = _weights(weights)

    async def work(mixes: "MixService") -> "SavedMix":
        now = await mixes.in_force(scenario) if keep else Mix({})
        return await mixes.draft(
            scenario,
            {**now.weights, **heard},
            diversity=now.diversity if diversity is None else diversity,
            stretch=now.stretch if stretch is None else stretch,
            note=note,
            by=BY,
        )

    typer.echo(_line(_run(work)))


@mix_app.command("publish")
def publish(
    scenario: ScenarioKey, version: Annotated[int, typer.Argument(help="The version to put in force.")]
) -> None:
    """Put a version in force in every process, within a second."""
    typer.echo(_line(_run(lambda mixes: mixes.publish(scenario, version))))


@mix_app.command("rollback")
def rollback(scenario: ScenarioKey) -> None:
    """Put in force what was before the last publication."""
    before = _run(lambda mixes: mixes.roll_back(scenario))
    typer.echo(f"{scenario}: its own mix is in force" if before is None else _line(before))


@mix_app.command("mute")
def mute(layer: LayerName) -> None:
    """Silence a layer in every decision of every process, within a second."""
    _told(layer, muted=True)


@mix_app.command("unmute")
def unmute(layer: LayerName) -> None:
    """Let a layer play again."""
    _told(layer, muted=False)


def _told(layer: str, *, muted: bool) -> None:
    now = _run(lambda mixes: mixes.mute(layer, muted, by=BY))
    typer.echo(f"muted: {', '.join(each.layer for each in now) or 'none'}")


def _weights(told: list[str]) -> dict[str, float]:
    heard: dict[str, float] = {}
    for index, each in enumerate(told):
        layer, _, weight = each.partition("=")
        try:
            value = float(weight)
        except ValueError:
            raise InvalidInput(f"{each!r} is not layer=weight", path=("weights", index)) from None
        if layer in heard:
            raise InvalidInput(f"{layer!r} is given two weights", path=("weights", index), code="TWO_WEIGHTS")
        heard[layer] = value
    return heard


def _line(mix: "SavedMix") -> str:
    played = " ".join(f"{layer}={weight:g}" for layer, weight in mix.weights.items())
    dials = "".join(
        f" {name}={value:g}"
        for name, value in (("diversity", mix.diversity), ("stretch", mix.stretch))
        if value is not None
    )
    return f"{mix.scenario_key} {mix.version} {mix.state.value}: {played}{dials}{f'  # {mix.note}' if mix.note else ''}"
