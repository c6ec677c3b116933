"""`tutti offers`: what the offers of the house come to, and whether the books agree."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from hub.offers.service import OfferService

offers_app = typer.Typer(help="Account for the offers that were issued.", no_args_is_help=True)


@asynccontextmanager
async def _offers() -> AsyncIterator["OfferService"]:
    from hub.config import load_settings
    from hub.kit.clock import SystemClock
    from hub.offers.service import OfferService
    from hub.store.database import open_store

    async with open_store(load_settings()) as store:
        yield OfferService(store, SystemClock())


@offers_app.command("report")
def report(
    csv: Annotated[bool, typer.Option("--csv", help="As comma-separated values, for a spreadsheet.")] = False,
) -> None:
    """Print the balance of every account of every offer: exactly the sums of the entries.

    Entries, grants and the counters that bound the budgets are compared with each other; where they do
    not agree it is said and the exit code is 1.
    """

    async def work() -> tuple[list[tuple[str, ...]], bool, tuple[str, ...]]:
        async with _offers() as offers:
            told = await offers.report()
            rows: list[tuple[str, ...]] = [
                (b.offer_key, b.account.value, str(b.units), str(b.amount), b.currency) for b in told.balances
            ]
            return rows, told.balanced, await offers.audit()

    rows, balanced, faults = asyncio.run(work())
    head = ("offer", "account", "grants", "amount", "currency")
    if csv:
        import csv as writing
        import sys

        writing.writer(sys.stdout).writerows([head, *rows])
    else:
        widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
        for row in (head, *rows):
            cells = (
                cell.rjust(width) if column in {2, 3} else cell.ljust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            typer.echo("  ".join(cells).rstrip())
    for fault in faults:
        typer.secho(f"does not agree: {fault}", fg=typer.colors.RED, err=True)
    if faults or not balanced:
        raise typer.Exit(1)
    typer.echo("The books balance: entries, grants and counters agree.", err=True)


@offers_app.command("expire")
def expire() -> None:
    """Post every grant whose time is over as expired. A running hub does so by itself every half minute."""

    async def work() -> int:
        async with _offers() as offers:
            return await offers.expire()

    count = asyncio.run(work())
    typer.echo(f"expired {count} grant{'' if count == 1 else 's'}")
