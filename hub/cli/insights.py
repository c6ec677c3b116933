"""`tutti insights`: what merchandisers ask of the house."""

import asyncio
import csv
import os
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.errors import InvalidInput

if TYPE_CHECKING:
    from hub.config import Settings
    from hub.insights.demand import DemandOutlook, Tally
    from hub.insights.interests import Trends
    from hub.insights.outlook import DemandService

insights_app = typer.Typer(help="Insights for merchandisers.", no_args_is_help=True)
MOST_PLOTTED = 25


@insights_app.callback()
def insights() -> None:
    """Insights for merchandisers."""


async def open_demand(settings: "Settings", stack: AsyncExitStack) -> "DemandService":
    """Open the services on a stack and return the one that makes outlooks; for worker processes."""
    from hub.app import open_services
    from hub.logs import configure

    configure(settings.log_format, settings.log_level)
    services, *_ = await stack.enter_async_context(open_services(settings))
    return services.demand


@insights_app.command("demand")
def demand(
    scenario: Annotated[str, typer.Argument(help="Key of the scenario, such as home.")] = "home",
    version: Annotated[int | None, typer.Option(help="A draft's version; none: the one in force.")] = None,
    file: Annotated[
        Path | None, typer.Option(help="A scenario's definition, saved nowhere.", exists=True)
    ] = None,
    channel: Annotated[str, typer.Option(help="WEB, EMAIL or SERVICE_DESK.")] = "WEB",
    visits: Annotated[float, typer.Option(help="How often each customer meets the scenario.")] = 1.0,
    error: Annotated[
        float, typer.Option(help="Ask until items above 1% of impressions are known to within this part.")
    ] = 0.07,
    everybody: Annotated[bool, typer.Option("--all", help="Ask every customer, whatever it takes.")] = False,
    sample: Annotated[int | None, typer.Option(help="Ask at most so many.")] = None,
    seconds: Annotated[float | None, typer.Option(help="Ask for at most so long.")] = None,
    stock: Annotated[
        Path | None, typer.Option(help="CSV with the columns key and units.", exists=True)
    ] = None,
    by: Annotated[str, typer.Option(help="item, category or segment.")] = "item",
    out: Annotated[Path | None, typer.Option(help="CSV file; default: standard output.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw demand against stock into this PNG or SVG.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = os.cpu_count() or 1,
) -> None:
    """Estimate what a scenario would show to all customers and what they would order: CSV, and a plot.

    Customers are drawn and asked by the hub's own decisions; nothing is recorded. Each line has its error:
    half of the 95% interval, as a part of its impressions.
    """
    if by not in {"item", "category", "segment"}:
        raise InvalidInput("group by item, category or segment", path=("by",))
    units = _stock(stock)
    began = time.monotonic()

    def tell(tally: "Tally") -> None:
        if sys.stderr.isatty() or tally.asked % 1000 < 100:
            known = f"within {tally.largest_error:.0%}" if tally.asked else ""
            took = time.monotonic() - began
            typer.echo(f"{tally.asked:,} of {tally.customers:,} customers, {known}, {took:.0f} s", err=True)

    async def work() -> "DemandOutlook":
        from contextlib import nullcontext

        from hub.app import open_services
        from hub.config import load_settings
        from hub.decisions.model import Channel
        from hub.decisions.scenario_files import parse_file
        from hub.insights.outlook import Question
        from hub.insights.workers import workers as open_workers
        from hub.logs import configure

        settings = load_settings()
        configure(settings.log_format, settings.log_level)  # standard output is for the CSV alone
        try:
            where = Channel(channel)
        except ValueError:
            raise InvalidInput("a channel is WEB, EMAIL or SERVICE_DESK", path=("channel",)) from None
        async with open_services(settings) as (services, *_):
            if file is not None:
                wanted = parse_file(file.read_text("utf-8"), name=file.name).scenario()
                services.editing.check(wanted)
            elif version is not None:
                wanted = (await services.editing.version(scenario, version)).scenario
            else:
                wanted = await services.scenarios.get(scenario)
            draft = file is not None or version is not None
            question = Question(wanted, draft, where, services.clock.now(), visits=visits)
            pool: Any = open_workers(workers, open_demand, settings) if workers > 1 else nullcontext()
            async with pool as make:
                return await services.demand.outlook(
                    question,
                    most=sample,
                    wanted_error=0.0 if everybody else error,
                    seconds=seconds,
                    stock=units,
                    make=make,
                    side_by_side=2 * workers if workers > 1 else 1,
                    progress=tell,
                )

    outlook = asyncio.run(work())
    _write(_rows(outlook, by), out)
    typer.echo(
        f"{outlook.scenario} version {outlook.version}, {outlook.channel}: {outlook.asked:,} of "
        f"{outlook.customers:,} customers asked in {time.monotonic() - began:.0f} s; items above 1% of "
        f"impressions are known to within {outlook.largest_error:.1%}; an order is {outlook.level:.2f} times "
        "as likely as assumed",
        err=True,
    )
    if plot is not None:
        from hub.insights.plot import draw

        draw(outlook, plot, most=MOST_PLOTTED)
        typer.echo(f"drawn: {plot}", err=True)


@insights_app.command("trends")
def trends(
    what: Annotated[str, typer.Argument(help="rising, scarce or unmet.")] = "rising",
    sample: Annotated[int, typer.Option(min=1, help="Look at most at so many customers.")] = 20_000,
    out: Annotated[Path | None, typer.Option(help="CSV file; default: standard output.")] = None,
) -> None:
    """Tell rising interests, interests for which little is on sale, or what is looked for in vain: CSV.

    Only of many: each line is of at least five customers who were looked at.
    """
    if what not in {"rising", "scarce", "unmet"}:
        raise InvalidInput("ask for rising, scarce or unmet", path=("what",))

    async def work() -> "Trends":
        from hub.app import open_services
        from hub.config import load_settings
        from hub.logs import configure

        settings = load_settings()
        configure(settings.log_format, settings.log_level)
        async with open_services(settings) as (services, *_):
            return await services.trends.trends(most=sample)

    found = asyncio.run(work())
    _write([asdict(line) for line in getattr(found, what)], out)
    typer.echo(f"{found.asked:,} of {found.customers:,} customers were looked at", err=True)


def _stock(file: Path | None) -> Mapping[str, float]:
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


def _rows(outlook: "DemandOutlook", by: str) -> Iterable[Mapping[str, Any]]:
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


def _write(rows: Iterable[Mapping[str, Any]], out: Path | None) -> None:
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
