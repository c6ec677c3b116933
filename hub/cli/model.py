"""`tutti model`: the embedding model, prepared once for this machine."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from hub.config import load_settings


class Action(StrEnum):
    """What to do with the model."""

    SHOW = "show"
    PREPARE = "prepare"


def model_command(
    action: Annotated[
        Action, typer.Argument(help="show: what is chosen and whether it is ready; prepare: make it.")
    ] = (Action.SHOW),
    name: Annotated[
        str | None,
        typer.Option(help="minilm-int8, minilm or a SentenceTransformer folder; default: TUTTI_ENCODER."),
    ] = None,
    directory: Annotated[
        Path | None, typer.Option(help="Where prepared models are kept; default: TUTTI_MODEL_DIR.")
    ] = None,
) -> None:
    """Show or prepare the model that turns texts into vectors; preparing twice changes nothing.

    `tutti run` prepares it too when it is not there; doing it before makes the first start quick.
    """
    settings = load_settings()
    chosen, place = name or settings.encoder, directory or settings.model_dir
    if action is Action.PREPARE:
        _prepare(chosen, place)
    _show(chosen, place)


def _prepare(name: str, directory: Path) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from embeddings.models import STEPS, prepare

    with Progress(
        BarColumn(bar_width=24),
        TextColumn("{task.completed}/{task.total}"),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
        console=Console(stderr=True),
    ) as bar:
        task = bar.add_task("preparing the model", total=STEPS, completed=-1)

        def step(words: str) -> None:
            bar.update(task, advance=1, description=words)
            if not bar.console.is_terminal:  # a log keeps each step, where a terminal redraws one line
                bar.console.print(words)

        prepare(name, directory, progress=step)
        bar.update(task, completed=STEPS, description="ready")


def _show(name: str, directory: Path) -> None:
    from embeddings.models import describe

    found = describe(name, directory)
    print(f"encoder  {found.name}")
    print(f"id       {found.id}")
    print(f"folder   {found.folder or '-'}")
    print(f"state    {found.note}")
