"""What every benchmark shares on the command line: `--write`, progress, and figures as a table and as JSON."""

import argparse
import asyncio
import json
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any, TypeVar

import uvloop
from rich.console import Console
from rich.table import Table

CONSOLE = Console()
T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run what is measured on the event loop that the hub's own process runs on."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def parser(doc: str | None) -> argparse.ArgumentParser:
    """Return a parser that prints a module's docstring as help and takes `--write FILE.json`."""
    made = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--write", type=Path, metavar="FILE.json", help="keep the figures there too")
    return made


def step(text: str) -> None:
    """Tell what is being done."""
    CONSOLE.print(f"[dim]{text}")


def tell(title: str, figures: Mapping[str, float], write: Path | None) -> None:
    """Print figures as a table, and keep them where that is wished for."""
    table = Table("what", "figure", title=title)
    for what, figure in figures.items():
        table.add_row(what, f"{figure:g}")
    CONSOLE.print(table)
    keep(figures, write)


def keep(figures: Mapping[str, Any], write: Path | None) -> None:
    """Write figures as JSON; None: nowhere."""
    if write is not None:
        write.parent.mkdir(parents=True, exist_ok=True)
        write.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
