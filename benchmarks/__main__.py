"""Every benchmark, each in a process of its own; figures into a JSON file and a table.

    python -m benchmarks [--write FILE.json] [NAME ...]        NAME: embeddings, decision, ingest, serving, ...

Figures of one run are comparable with each other, since they were made side by side; figures of two
runs are not. So read the ratios.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

NAMES = (
    "embeddings",
    "index",
    "decision",
    "ingest",
    "folding",
    "serving",
    "machinery",
    "merging",
    "dedupe",
    "offers",
    "explaining",
    "freshness",
    "watching",
)


def machine() -> dict[str, Any]:
    """What it ran on: enough to explain a figure."""
    model = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load": os.getloadavg()[0],
    }


def run(name: str, folder: Path) -> dict[str, Any]:
    """Run one benchmark and return its figures; a failing one ends the whole run."""
    path = folder / f"{name}.json"
    subprocess.run([sys.executable, "-m", f"benchmarks.{name}", "--write", str(path)], check=True)
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which: {', '.join(NAMES)} [default: all]")
    parser.add_argument("--write", type=Path, default=Path("benchmarks/results/latest.json"))
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(NAMES)
    if unknown:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    report: dict[str, Any] = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "machine": machine()}
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.names or NAMES:
            report[name] = run(name, Path(folder))
    table = Table("benchmark", "what", "figure", title="All figures of this run")
    for name in arguments.names or NAMES:
        for what, figure in report[name].items():
            table.add_row(name, what, f"{figure:g}" if isinstance(figure, int | float) else str(figure))
    Console().print(table)
    arguments.write.parent.mkdir(parents=True, exist_ok=True)
    arguments.write.write_text(json.dumps(report, indent=2) + "\n")
    Console().print(f"written to {arguments.write}")


if __name__ == "__main__":
    main()
