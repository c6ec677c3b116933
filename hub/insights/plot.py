"""The demand outlook as a picture: expected orders by item, with the interval, beside what is in stock."""

from pathlib import Path

from hub.errors import SetupError
from hub.insights.demand import DemandOutlook

ENOUGH, SHORT = "#4b7f6b", "#b5482f"
LONGEST = 42  # characters of a title


def draw(outlook: DemandOutlook, file: Path, *, most: int) -> None:
    """Draw the items with the most demand into a PNG or SVG file.

    Raises:
        SetupError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise SetupError(
            "a plot needs matplotlib: pip install 'tutti-hub[evaluate]', or leave --plot out"
        ) from None
    items = sorted((i for i in outlook.items if i.demand), key=lambda item: -item.demand)[:most][::-1]
    figure = Figure(figsize=(9, 1.4 + 0.28 * len(items)), layout="constrained")
    axes = figure.subplots()
    places = range(len(items))
    axes.barh(
        places,
        [item.demand for item in items],
        xerr=[item.demand * item.error for item in items],
        color=[SHORT if item.short else ENOUGH for item in items],
        ecolor="#333333",
        capsize=2,
    )
    stocked = [
        (place, item.stock) for place, item in zip(places, items, strict=True) if item.stock is not None
    ]
    if stocked:
        axes.scatter(
            [units for _, units in stocked], [place for place, _ in stocked], marker="|", s=160, color="#111111",
            label="in stock", zorder=3,
        )  # fmt: skip
        axes.legend(loc="lower right", frameon=False)
    axes.set_yticks(list(places), [item.content.title[:LONGEST] for item in items], fontsize=8)
    axes.set_xlabel(f"orders expected, with 95% interval ({outlook.asked:,} of {outlook.customers:,} asked)")
    axes.set_title(
        f"{outlook.scenario}, {outlook.channel}: what may run short is red", fontsize=11, loc="left"
    )
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(y=0.01)
    figure.savefig(file, dpi=120)
