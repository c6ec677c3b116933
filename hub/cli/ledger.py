"""`tutti ledger`: verify that nothing that was served has been changed since."""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hub.errors import InvalidInput

if TYPE_CHECKING:
    from hub.ledger.chain import ChainReport

ledger_app = typer.Typer(help="What was served: verify its chains.", no_args_is_help=True)
MOST_TOLD = 50


@ledger_app.command("verify")
def verify(
    ends: Annotated[
        Path | None,
        typer.Option(
            help="A file of the ends of chains: compared if it is there, then written. Keep it elsewhere; "
            "without it, newest rows that were taken away cannot be missed."
        ),
    ] = None,
) -> None:
    """Recompute every chain; exit code 1 if a row was changed, put in or taken out before its time."""
    from hub.config import load_settings
    from hub.kit.clock import SystemClock
    from hub.ledger.service import LedgerService
    from hub.store.database import open_store

    known = _read(ends) if ends is not None and ends.exists() else None

    async def work() -> "ChainReport":
        async with open_store(load_settings()) as store:
            return await LedgerService(store, SystemClock()).verify(known=known)

    report = asyncio.run(work())
    for fault in report.faults[:MOST_TOLD]:
        typer.echo(f"{fault.profile_id} {fault.seq} {fault.served_id}: {fault.message}")
    if len(report.faults) > MOST_TOLD:
        typer.echo(f"... and {len(report.faults) - MOST_TOLD} more")
    typer.echo(f"{report.rows:,} rows in {report.chains:,} chains, {len(report.faults)} faults")
    if report.faults:
        raise typer.Exit(1)
    if ends is not None:
        ends.write_text(json.dumps(report.ends), encoding="utf-8")


def _read(file: Path) -> dict[str, tuple[int, str]]:
    try:
        found = json.loads(file.read_text("utf-8"))
        return {str(key): (int(seq), str(hash_)) for key, (seq, hash_) in found.items()}
    except (ValueError, TypeError, AttributeError):
        raise InvalidInput(f"{file} is no file of ends of chains") from None
