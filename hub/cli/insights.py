"""`tutti insights`: what merchandisers ask of the house."""

import asyncio
import os
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.cli import insight_tables as tables
from hub.errors import InvalidInput

if TYPE_CHECKING:
    from hub.config import Settings
    from hub.insights.demand import DemandOutlook, Tally
    from hub.insights.gaps import ContentGaps
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
    units = tables.stock_of(stock)
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
    tables.write(tables.of_outlook(outlook, by), out)
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
    tables.write([asdict(line) for line in getattr(found, what)], out)
    typer.echo(f"{found.asked:,} of {found.customers:,} customers were looked at", err=True)


@insights_app.command("gaps")
def gaps(
    what: Annotated[str, typer.Argument(help="unanswered, doubtful or again.")] = "unanswered",
    days: Annotated[int, typer.Option(min=1, help="How far to look back.")] = 28,
    out: Annotated[Path | None, typer.Option(help="CSV file; default: standard output.")] = None,
) -> None:
    """Tell what is asked and no approved answer meets, or only doubtfully; or after which answers customers ask again.

    Only of many: each line is of at least five customers. An answer approved since closes its gap.
    """
    if what not in {"unanswered", "doubtful", "again"}:
        raise InvalidInput("ask for unanswered, doubtful or again", path=("what",))

    async def work() -> "ContentGaps":
        from hub.app import open_services
        from hub.config import load_settings
        from hub.logs import configure

        settings = load_settings()
        configure(settings.log_format, settings.log_level)
        async with open_services(settings) as (services, *_):
            return await services.gaps.gaps(days=days)

    found = asyncio.run(work())
    tables.write(tables.of_gaps(found, what), out)
    typer.echo(
        f"{found.questions:,} questions since {found.since:%Y-%m-%d}, {found.unanswered:,} without an answer",
        err=True,
    )
