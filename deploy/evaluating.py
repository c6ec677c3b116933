"""Fills the tables of docs/evaluating.md with what `tutti evaluate` measured.

    for at in 2011-11-09 2011-10-10; do tutti evaluate LOG --mapping MAPPING --at $at --out evaluation; done
    python deploy/evaluating.py evaluation/*.json

Between the markers `<!-- table: NAME -->` and `<!-- end -->` stands a table; it is written anew out of the files, one of
which is one window. A figure that was typed by hand would be wrong after the next change.
"""

import json
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

DOCUMENT = Path(__file__).parent.parent / "docs" / "evaluating.md"
BLOCK = re.compile(r"(<!-- table: ([\w ]+) -->\n).*?(<!-- end -->)", re.DOTALL)
Report = dict[str, Any]


def fill(text: str, reports: Sequence[Report]) -> str:
    """Return the document with every table made of some reports, the latest window first."""
    latest = sorted(reports, key=lambda report: str(report["at"]), reverse=True)

    def anew(found: re.Match[str]) -> str:
        return f"{found[1]}{TABLES[found[2]](latest)}\n{found[3]}"

    return BLOCK.sub(anew, text)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    rule = ["---", *("---:" for _ in header[1:])]
    return "\n".join(f"| {' | '.join(row)} |" for row in (header, rule, *rows))


def _told(found: Report | None) -> str:
    return "" if found is None else f"{found['mean']:+.4f} [{found['low']:+.4f}, {found['high']:+.4f}]"


def _day(report: Report) -> str:
    return str(report["at"])[:10]


def _task(report: Report, name: str) -> Report:
    found: Report = next(task for task in report["tasks"] if task["task"] == name)
    return found


def _peers(reports: Sequence[Report]) -> str:
    """Return every peer of the latest window beside the hub."""
    tasks = [_task(reports[0], name) for name in ("ALL", "NEW")]
    rows = []
    for lines in zip(*(task["lines"] for task in tasks), strict=True):
        name = lines[0]["name"] if lines[0]["name"] != "hub" else "**hub**"
        rows.append(
            [name, *(cell for line in lines for cell in (f"{line['ndcg']:.4f}", _told(line["ahead"])))]
        )
    return _table(("", "ALL", "hub ahead by", "NEW", "hub ahead by"), rows)


def _layers(name: str) -> Callable[[Sequence[Report]], str]:
    def table(reports: Sequence[Report]) -> str:
        task = _task(reports[0], name)
        rows = [
            (
                worth["name"],
                f"{worth['weight']:g}",
                f"{worth['solo']:.4f}",
                f"{worth['without']:.4f}",
                _told(worth["costs"]),
                "" if worth["share"] is None else f"{worth['share']:+.4f}",
            )
            for worth in task["layers"]
        ]
        rows.append(("all", "", "", "", "", f"{task['together']:+.4f}"))
        return _table(("layer", "weight", "solo", "without", "muting costs, 95%", "Shapley share"), rows)

    return table


def _windows(reports: Sequence[Report]) -> str:
    """Return the hub and its best peer of every window."""
    rows = []
    for report in reports:
        for name in ("ALL", "NEW"):
            hub, *others = _task(report, name)["lines"]
            best = max(
                (line for line in others if not line["name"].startswith("hub")), key=lambda line: line["ndcg"]
            )
            rows.append(
                (
                    _day(report),
                    name,
                    f"{hub['ndcg']:.4f}",
                    best["name"],
                    f"{best['ndcg']:.4f}",
                    _told(best["ahead"]),
                )
            )
    return _table(("T", "", "hub", "best peer", "", "ahead by"), rows)


def _new_items(reports: Sequence[Report]) -> str:
    rows = []
    for report in reports:
        if (new := report["newcomers"]) is not None:
            shares = (f"{new[name]:.3f}" for name in ("hub", "tf_idf", "chance"))
            rows.append(
                (_day(report), f"{new['items']}", f"{new['customers']}", *shares, _told(new["ahead"]))
            )
    return _table(("T", "items", "customers", "hub", "TF-IDF", "chance", "ahead by"), rows)


def _visitors(reports: Sequence[Report]) -> str:
    rows = []
    for report in reports:
        for group in report["visitors"]:
            popular = group["popularity"]
            gains = (
                f"{after['ndcg'] / popular - 1:+.1%} {_told(after['ahead'])}" for after in group["after"]
            )
            best = f"{popular:.4f} ({group['popularity_days']} days)"
            rows.append((_day(report), group["group"], f"{group['visitors']:,}", best, *gains))
    return _table(("T", "", "visitors", "popularity", "0 looks", "1 look", "3 looks"), rows)


def _feedback(reports: Sequence[Report]) -> str:
    rows = []
    for report in reports:
        if (found := report["replay"]) is not None:
            counts = (f"{found[name]:,}" for name in ("customers", "repeats", "skips"))
            means = (f"{found[name]:.4f}" for name in ("without", "with_feedback"))
            gain = f"{found['with_feedback'] / found['without'] - 1:+.1%}, {_told(found['gain'])}"
            rows.append((_day(report), *counts, *means, gain))
    return _table(("T", "customers", "repeats", "skips", "without", "with", "gain"), rows)


TABLES: dict[str, Callable[[Sequence[Report]], str]] = {
    "peers": _peers,
    "layers ALL": _layers("ALL"),
    "layers NEW": _layers("NEW"),
    "windows": _windows,
    "new items": _new_items,
    "visitors": _visitors,
    "feedback": _feedback,
}


if __name__ == "__main__":
    DOCUMENT.write_text(
        fill(DOCUMENT.read_text("utf-8"), [json.loads(Path(name).read_bytes()) for name in sys.argv[1:]]),
        "utf-8",
    )
