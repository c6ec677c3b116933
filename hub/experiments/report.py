"""What a run measured, as JSON, as tables in Markdown, and as a picture."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from hub.experiments.bootstrap import Interval
from hub.experiments.model import Line, ReplayReport, Report, TaskReport, VisitorsReport


def as_json(report: Report) -> bytes:
    """Return everything in the report as JSON."""
    return orjson.dumps(asdict(report), option=orjson.OPT_INDENT_2)


def as_markdown(report: Report) -> str:
    """Return the report as tables."""
    mix = ", ".join(f"{name} {weight:g}" for name, weight in report.mix.items())
    parts = [
        (
            f"Scenario `{report.scenario}`, T = {report.at:%Y-%m-%d}, {report.days} days. "
            f"{report.contents:,} contents, {report.history:,} purchases before T. Mix: {mix}."
        )
    ]
    for task in report.tasks:
        parts.append(f"### {task.task}: {task.customers:,} customers\n\n{_lines(task.lines)}")
        parts.append(_layers(task))
    if report.cold:
        parts.append(
            f"### Cold customers: {report.cold_customers:,} with no purchase before T\n\n{_lines(report.cold)}"
        )
    if report.newcomers is not None:
        new = report.newcomers
        solo = "; ".join(f"{name} alone {value:.3f}" for name, value in new.solo.items())
        parts.append(
            f"### New items by text alone: {new.items} items, {new.customers} customers\n\n"
            f"Recall@5: hub {new.hub:.3f}, TF-IDF {new.tf_idf:.3f}, chance {new.chance:.3f}; "
            f"hub less TF-IDF {_told(new.ahead)}. Layers: {solo}."
        )
    if report.visitors:
        parts.append(_visitors(report.visitors))
    if report.replay is not None:
        parts.append(_replay(report.replay))
    if report.unmeasured:
        parts.append(
            "\n".join(("### Not measured, or hardly\n", *(f"- {said}" for said in report.unmeasured)))
        )
    return "\n\n".join(parts) + "\n"


def _visitors(groups: Sequence[VisitorsReport]) -> str:
    header = ["", "visitors", "popularity"]
    header += [f"hub after {after.looks} looks" for after in groups[0].after]
    rows = [
        [
            group.group,
            f"{group.visitors:,}",
            f"{group.popularity:.4f} ({group.popularity_days} days)",
            *(
                f"{after.ndcg:.4f} ({_percent(after.ndcg, group.popularity)}; {_told(after.ahead)})"
                for after in group.after
            ),
        ]
        for group in groups
    ]
    return f"### Unknown visitors: nDCG@10\n\n{_table(header, rows)}"


def _replay(found: ReplayReport) -> str:
    return (
        f"### Replay of feedback: {found.customers:,} customers, {found.repeats:,} repeats, {found.skips:,} skips\n\n"
        f"nDCG@10 without {found.without:.4f}, with {found.with_feedback:.4f}: "
        f"{_percent(found.with_feedback, found.without)}, {_told(found.gain)}."
    )


def _percent(value: float, of: float) -> str:
    return f"{value / of - 1:+.1%}" if of > 0 else "from nothing"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    rule = ["---", *("---:" for _ in header[1:])]
    return "\n".join(f"| {' | '.join(row)} |" for row in (header, rule, *rows))


def _told(found: Interval | None) -> str:
    return "" if found is None else f"{found.mean:+.4f} [{found.low:+.4f}, {found.high:+.4f}]"


def _lines(lines: Sequence[Line]) -> str:
    header = ("", "nDCG@10", "recall@10", "MAP@10", "coverage", "novelty", "repeats", "hub ahead by, 95%")
    return _table(
        header,
        [
            (
                line.name,
                f"{line.ndcg:.4f}",
                f"{line.recall:.4f}",
                f"{line.map:.4f}",
                f"{line.coverage:.3f}",
                f"{line.novelty:.2f}",
                f"{line.repeats:.2f}",
                _told(line.ahead),
            )
            for line in lines
        ],
    )


def _layers(task: TaskReport) -> str:
    rows = [
        (
            worth.name,
            f"{worth.weight:g}",
            f"{worth.solo:.4f}",
            f"{worth.without:.4f}",
            _told(worth.costs),
            "" if worth.share is None else f"{worth.share:+.4f}",
        )
        for worth in task.layers
    ]
    rows.append(("all", "", "", "", "", f"{task.together:+.4f}"))
    return _table(("layer", "weight", "solo", "without", "muting costs, 95%", "Shapley share"), rows)


def draw(report: Report, path: Path) -> None:
    """Draw nDCG@10 of the hub and its peers, and the shares of the layers, into a PNG file.

    Raises:
        ImportError: the extra `evaluate` is not installed.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 3.6 * max(len(report.tasks), 1)), layout="constrained")
    axes: Any = figure.subplots(max(len(report.tasks), 1), 2, squeeze=False)
    for row, task in zip(axes, report.tasks, strict=False):
        lines = sorted(task.lines, key=lambda line: line.ndcg)
        colours = ["#1f3a5f" if line.name.startswith("hub") else "#b9c3cf" for line in lines]
        row[0].barh([line.name for line in lines], [line.ndcg for line in lines], color=colours)
        row[0].set_title(f"{task.task}: nDCG@10, {task.customers:,} customers")
        shares = sorted((worth.share, worth.name) for worth in task.layers if worth.share is not None)
        row[1].barh([name for _, name in shares], [share for share, _ in shares], color="#1f3a5f")
        row[1].set_title(f"{task.task}: Shapley shares of the layers")
    figure.savefig(path, dpi=120)
