"""`tutti evaluate`: measure the hub's decisions on an event log, beside the recommenders one would otherwise install."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from embeddings.encoder import Encoder
    from hub.decisions.mixes import MixService
    from hub.decisions.model import Scenario
    from hub.decisions.scenarios import ScenarioService
    from hub.experiments.log import EventLog
    from hub.experiments.run import Steps
    from hub.store.database import Store

LogFile = Annotated[
    Path | None,
    typer.Argument(
        help="The event log: JSON Lines, CSV or Parquet. Without one, the events in the store.",
        show_default=False,
    ),
]
MappingFile = Annotated[
    Path | None,
    typer.Option(help="TOML that says what the lines mean, as for `tutti import`; else Segment messages."),
]
Instant = Annotated[
    str, typer.Option("--at", help="T: what happened before it is known, what follows is truth.")
]
Days = Annotated[int, typer.Option(min=1, help="How many days after T are the truth.")]
ScenarioKey = Annotated[str, typer.Option("--scenario", help="Whose mix is measured.")]


def evaluate_command(
    at: Instant,
    log: LogFile = None,
    mapping: MappingFile = None,
    days: Days = 30,
    scenario: ScenarioKey = "home",
    mix: Annotated[
        list[str] | None, typer.Option(help="LAYER=WEIGHT, as often as wanted; together they are the mix.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Where the tables, the picture and the JSON go.")] = Path(
        "evaluation"
    ),
) -> None:
    """Measure the hub on an event log: every layer solo, without and by its Shapley share, and the peers beside it.

    Nothing is stored, and for a file no database is needed: the scenario is then the one that ships. With the events in
    the store it is the one in the store, with the mix in force. docs/evaluating.md tells what is measured, and how.
    """
    from hub.experiments.report import as_json, as_markdown, draw
    from hub.experiments.run import evaluate
    from hub.layers.mix import without
    from hub.layers.registry import load_layers

    layers = load_layers()
    wanted, muted = scenario_of(scenario, stored=log is None)
    weights = weights_of(mix, tuple(layers)) if mix else dict(without(wanted.mix, muted).weights)
    with steps_shown() as steps:
        report = evaluate(
            log_of(log, mapping, steps),
            instant_of(at),
            days=days,
            encoder=encoder_of(),
            scenario=wanted,
            layers=layers,
            mix=weights,
            steps=steps,
        )
    out.mkdir(parents=True, exist_ok=True)
    stem = f"{at[:10]}"
    (out / f"{stem}.json").write_bytes(as_json(report))
    (out / f"{stem}.md").write_text(as_markdown(report), "utf-8")
    draw(report, out / f"{stem}.png")
    typer.echo(as_markdown(report))
    typer.echo(f"Written to {out}: {stem}.md, {stem}.json, {stem}.png")


def scenario_of(key: str, *, stored: bool) -> tuple["Scenario", frozenset[str]]:
    """Return a scenario with the mix in force as its own, and the layers that an operator muted.

    Args:
        key: of the scenario.
        stored: take what is in force in the store, else what ships with the hub.

    Raises:
        NotFound: there is none.
        Unavailable: the store does not answer.
    """
    from hub.decisions.scenario_files import shipped_scenarios
    from hub.errors import NotFound

    if stored:
        return asyncio.run(_in_force(key))
    found = shipped_scenarios().get(key)
    if found is None:
        raise NotFound(
            f"no scenario {key!r} ships with the hub; there are {', '.join(sorted(shipped_scenarios()))}",
            path=("scenario",),
            code="UNKNOWN_SCENARIO",
        )
    return found, frozenset()


async def _in_force(key: str) -> tuple["Scenario", frozenset[str]]:
    from dataclasses import replace

    from hub.config import load_settings
    from hub.store.database import open_store

    async with open_store(load_settings()) as store:
        scenarios, mixes = await mixes_of(store)
        scenario = replace(await scenarios.get(key), mix=await mixes.in_force(key))
        return scenario, frozenset((await mixes.board()).muted)


async def mixes_of(store: "Store") -> tuple["ScenarioService", "MixService"]:
    """Return the scenarios and the saved mixes of a store; shipped scenarios are put there if they are not."""
    from hub.decisions.mixes import MixService
    from hub.decisions.scenarios import ScenarioService
    from hub.kit.clock import SystemClock
    from hub.layers.registry import load_layers

    scenarios = ScenarioService(store)
    await scenarios.seed()
    return scenarios, MixService(store, scenarios, tuple(load_layers()), SystemClock())


def instant_of(text: str) -> datetime:
    """Return a date or an instant as a datetime, in UTC where it names no zone.

    Raises:
        InvalidInput: it is neither.
    """
    from hub.errors import InvalidInput

    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"{text!r} is no date: write it as 2011-11-09", path=("at",)) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def weights_of(given: list[str], known: tuple[str, ...]) -> dict[str, float]:
    """Return the weights that LAYER=WEIGHT options name.

    Raises:
        InvalidInput: one is not of that form, twice of one layer, or no weight that a mix may have.
    """
    from hub.errors import InvalidInput
    from hub.layers.mix import Mix, MixRequest, resolve

    weights: dict[str, float] = {}
    for one in given:
        name, _, weight = one.partition("=")
        if name in weights:
            raise InvalidInput(f"{name!r} is given two weights; leave one", path=("mix",), code="TWO_WEIGHTS")
        try:
            weights[name] = float(weight)
        except ValueError:
            raise InvalidInput(f"{one!r} is not LAYER=WEIGHT", path=("mix",)) from None
    return dict(resolve(Mix({}), MixRequest(weights=weights), known).weights)


def encoder_of() -> "Encoder":
    """Return the encoder that the settings name."""
    from embeddings.models import load
    from hub.config import load_settings

    settings = load_settings()
    return load(settings.encoder, settings.model_dir, threads=settings.encoder_threads)


def log_of(path: Path | None, mapping: Path | None, steps: "Steps") -> "EventLog":
    """Read the log with a bar: a file, or where none is named the store.

    Raises:
        InvalidInput: there is nothing in it, or a mapping was given and no file.
    """
    from hub.errors import InvalidInput
    from hub.experiments.log import read_log

    def progress(share: float) -> None:
        steps("log read", round(share * 100), 100)

    if path is not None:
        return read_log(path, mapping, now=datetime.now(UTC), progress=progress)
    if mapping is not None:
        raise InvalidInput(
            "a mapping says what the lines of a file mean: name the file too", path=("mapping",)
        )
    return asyncio.run(_stored(progress))


async def _stored(progress: Callable[[float], None]) -> "EventLog":
    from hub.config import load_settings
    from hub.experiments.stored import stored_log
    from hub.store.database import open_store

    async with open_store(load_settings()) as store:
        return await stored_log(store, progress=progress)


@contextmanager
def steps_shown() -> Iterator["Steps"]:
    """Show a bar for every step, on standard error."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description:<28}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        tasks: dict[str, Any] = {}

        def step(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = bar.add_task(name, total=total)
            bar.update(tasks[name], completed=done, total=total)

        yield step
