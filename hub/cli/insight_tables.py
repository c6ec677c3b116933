"""The tables that `tutti insights` reads and writes, as CSV."""

import csv
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from hub.errors import InvalidInput

if TYPE_CHECKING:
    from hub.insights.demand import DemandOutlook
    from hub.insights.gaps import ContentGaps


def stock_of(file: Path | None) -> Mapping[str, float]:
    """Return the units told by a file, by key; none without a file.

    Raises:
        InvalidInput: with the line that cannot be understood.
    """
    if file is None:
        return {}
    units: dict[str, float] = {}
    with file.open(encoding="utf-8", newline="") as lines:
        reader = csv.DictReader(lines)
        if not {"key", "units"} <= set(reader.fieldnames or ()):
            raise InvalidInput("the stock file needs the columns key and units", path=(file.name,))
        for number, row in enumerate(reader, start=2):
            try:
                amount = float(row["units"])
            except (TypeError, ValueError):
                amount = -1.0
            if not 0 <= amount < float("inf"):
                raise InvalidInput("units are a number from 0 up", path=(file.name, number, "units"))
            units[row["key"]] = amount
    return units


def of_outlook(outlook: "DemandOutlook", by: str) -> Iterable[Mapping[str, Any]]:
    """Yield an outlook's lines by item, category or segment."""
    if by == "item":
        for item in outlook.items:
            yield {
                "key": item.content.key,
                "title": item.content.title,
                "category": item.content.category,
                "availability": item.content.availability.value,
                "share": f"{item.share:.5f}",
                "impressions": f"{item.impressions:.1f}",
                "error": f"{item.error:.4f}",
                "demand": f"{item.demand:.2f}",
                "stock": "" if item.stock is None else f"{item.stock:g}",
                "covered": "" if item.covered is None else f"{item.covered:.3f}",
                "short": "yes" if item.short else "",
            }
        return
    for group in outlook.categories if by == "category" else outlook.segments:
        row = {by: group.name, "impressions": f"{group.impressions:.1f}", "demand": f"{group.demand:.2f}"}
        yield row if group.customers is None else {**row, "customers": f"{group.customers:.1f}"}


def of_gaps(found: "ContentGaps", what: str) -> Iterable[Mapping[str, Any]]:
    """Yield the lines of what is unanswered, doubtful or asked again."""
    if what == "again":
        for each in found.asked_again:
            yield {
                "answer": each.answer.key,
                "title": each.answer.title,
                "customers": each.customers,
                "again": each.again,
                "share": f"{each.share:.3f}",
            }
        return
    for gap in found.gaps if what == "unanswered" else found.doubtful:
        nearest = gap.nearest[0] if gap.nearest else None
        yield {
            "wording": gap.wording,
            "customers": gap.customers,
            "times": gap.times,
            "wordings": gap.wordings,
            "last_asked_at": f"{gap.last_asked_at:%Y-%m-%dT%H:%M:%SZ}",
            "nearest": "" if nearest is None else nearest.key,
            "title": "" if nearest is None else nearest.title,
            "confidence": "" if nearest is None else f"{nearest.confidence:.3f}",
        }


def write(rows: Iterable[Mapping[str, Any]], out: Path | None) -> None:
    """Write lines to a file, or to standard output."""
    found = list(rows)
    if not found:
        typer.echo("there is nothing to tell", err=True)
        return
    target = sys.stdout if out is None else out.open("w", encoding="utf-8", newline="")
    try:
        writer = csv.DictWriter(target, list(found[0]))
        writer.writeheader()
        writer.writerows(found)
    finally:
        if out is not None:
            target.close()
