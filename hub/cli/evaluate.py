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
    from hub.decisions.model import Scenario
    from hub.experiments.log import EventLog
    from hub.experiments.run import Steps

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

    Nothing is stored, and for a file no database is needed. docs/evaluating.md tells what is measured, and how.
    """
    from hub.experiments.report import as_json, as_markdown, draw
    from hub.experiments.run import evaluate
    from hub.layers.registry import load_layers

    wanted, layers = scenario_of(scenario), load_layers()
    weights = weights_of(mix, tuple(layers)) if mix else dict(wanted.mix.weights)
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


def scenario_of(key: str) -> "Scenario":
    """Return a shipped scenario.

    Raises:
        NotFound: there is none.
    """
    from hub.decisions.scenario_files import shipped_scenarios
    from hub.errors import NotFound

    found = shipped_scenarios().get(key)
    if found is None:
        raise NotFound(f"no scenario {key!r} ships with the hub", path=("scenario",), code="UNKNOWN_SCENARIO")
    return found


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
        InvalidInput: one is not of that form, or there is no such layer.
    """
    from hub.errors import InvalidInput

    weights = {}
    for one in given:
        name, _, weight = one.partition("=")
        try:
            weights[name] = float(weight)
        except ValueError:
            raise InvalidInput(f"{one!r} is not LAYER=WEIGHT", path=("mix",)) from None
        if name not in known:
            raise InvalidInput(f"this hub has no layer {name!r}; it has {', '.join(known)}", path=("mix",))
    return weights


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
