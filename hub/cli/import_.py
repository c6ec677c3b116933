"""`tutti import`: bring a file in."""

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

import typer

if TYPE_CHECKING:
    from rich.progress import TaskID

    from hub.imports.service import Plan, Summary


def import_command(
    file: Annotated[Path, typer.Argument(help="JSON Lines, CSV or Parquet.", show_default=False)],
    mapping: Annotated[
        Path | None,
        typer.Option(
            help="TOML that says what the lines mean; without it the fields are the model's own names."
        ),
    ] = None,
    what: Annotated[
        str | None,
        typer.Option(help="One section alone: brand_facts, offers, contents, answers or events."),
    ] = None,
    rejects: Annotated[
        Path | None,
        typer.Option(
            help="Where rejected lines are written, each with its reason (default: NAME.rejects.jsonl)."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything and import nothing.")] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Go through a file that was imported before, and compare.")
    ] = False,
    keep_faulty: Annotated[
        bool,
        typer.Option(
            "--keep-faulty",
            help="Take contents that break a rule of their brand too, for a feed that is not yours to correct; "
            "they are kept and never shown.",
        ),
    ] = False,
) -> None:
    """Import catalogue entries or events. Importing twice changes nothing; a killed import goes on when run again.

    Every line is accounted for: imported + merged + rejected = lines. docs/importing.md tells the mapping language.
    """
    from hub.config import load_settings
    from hub.imports.service import make_plan
    from hub.logs import configure

    settings = load_settings()
    configure(settings.log_format, "warning")
    plan = make_plan(file, mapping, what)
    target = rejects or Path(f"{file.stem}.rejects.jsonl")
    with _Bar() as bar:
        summary = asyncio.run(
            _rehearse(plan, target, bar)
            if dry_run
            else _bring_in(plan, target, bar, again=again, keep_faulty=keep_faulty)
        )
    _show(summary, dry_run=dry_run)


async def _bring_in(plan: "Plan", rejects: Path, bar: "_Bar", *, again: bool, keep_faulty: bool) -> "Summary":
    from hub.app import open_services
    from hub.config import load_settings
    from hub.imports.service import ImportService

    async with open_services(load_settings(), say=bar.say) as (services, _auth, _signer, store):
        importer = ImportService(store, services.catalogue, services.ingest, services.clock)
        return await importer.bring_in(
            plan, rejects, progress=bar, embedding=bar.embed, again=again, keep_faulty=keep_faulty
        )


async def _rehearse(plan: "Plan", rejects: Path, bar: "_Bar") -> "Summary":
    from hub.imports.service import rehearse
    from hub.kit.clock import SystemClock

    return await rehearse(plan, rejects, progress=bar, clock=SystemClock())


SILENCE_SECONDS = 5.0  # the longest between two lines of progress where there is no terminal


class _Bar:
    """Progress on standard error: a bar for each section, and one while texts are embedded.

    Where standard error is no terminal (a log, CI) a bar would show nothing until the end; there a line is
    printed every few seconds.
    """

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

        self._bar = Progress(
            TextColumn("{task.description:<20}"),
            BarColumn(bar_width=30),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}"),
            console=Console(stderr=True),
        )
        self._name = ""
        self._section: TaskID | None = None
        self._embedding: TaskID | None = None
        self._folding: TaskID | None = None
        self._told_at = time.monotonic()

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def say(self, text: str) -> None:
        self._bar.console.print(text)

    def begin(self, section: str) -> None:
        self._name = section.replace("_", " ")
        self._section = self._bar.add_task(self._name, total=1.0, note="")

    def advance(self, share: float, lines: int) -> None:
        if self._section is not None:
            self._bar.update(self._section, completed=share, note=f"{lines:,} lines")
            self._tell(f"{self._name}: {share:.0%}, {lines:,} lines")

    def fold(self, facets: int) -> None:
        if self._folding is None:
            self._folding = self._bar.add_task("profiles", total=None, note="")
        self._bar.update(self._folding, completed=facets, note=f"{facets:,} customers and visits")
        self._tell(f"profiles: {facets:,} customers and visits")

    def embed(self, done: int, total: int) -> None:
        if self._embedding is None:
            self._embedding = self._bar.add_task("embedding", total=total, note="")
        self._bar.update(self._embedding, completed=done, total=total, note=f"{done:,} of {total:,} texts")
        self._tell(f"embedding: {done:,} of {total:,} texts")

    def _tell(self, line: str) -> None:
        now = time.monotonic()
        if not self._bar.console.is_terminal and now - self._told_at >= SILENCE_SECONDS:
            self._told_at = now
            self._bar.console.print(line, highlight=False)


def _show(summary: "Summary", *, dry_run: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    if summary.already:
        console.print(f"{summary.state.file} was imported before in just this way; nothing was changed.")
    table = Table(box=None, pad_edge=False)
    for name in ("section", "lines", "imported", "merged", "rejected", "of which"):
        table.add_column(name, justify="left" if name in {"section", "of which"} else "right")
    for name, section in summary.state.sections.items():
        counts = section.counts
        tally = ", ".join(f"{count:,} {word}" for word, count in counts.tally.items() if count)
        numbers = (f"{n:,}" for n in (counts.lines, counts.imported, counts.merged, counts.rejected))
        table.add_row(name.replace("_", " "), *numbers, tally)
    console.print(table)
    for name, section in summary.state.sections.items():
        for reason, count in section.counts.reasons.most_common(10):
            console.print(
                f"  {count:>9,}  {name.replace('_', ' ')}: {reason}",
                highlight=False,
                markup=False,
                soft_wrap=True,
            )
        for beside, counter in section.counts.beside.items():
            for reason, count in counter.most_common(3):
                console.print(
                    f"  {count:>9,}  {beside}: {reason}", highlight=False, markup=False, soft_wrap=True
                )
    if summary.rejected and not summary.already:
        console.print(f"Rejected lines with their reasons: {summary.rejects}", soft_wrap=True)
    if dry_run:
        console.print("This was a dry run: nothing was imported.")
