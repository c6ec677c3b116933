"""`tutti email`: render a batch of messages."""

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hub.errors import InvalidInput

if TYPE_CHECKING:
    from hub.channels.batch import BatchState

PATIENCE = 60.0  # seconds the store may take for one message

email_app = typer.Typer(help="Email in batches.", no_args_is_help=True)


@email_app.callback()
def email() -> None:
    """Email in batches."""


@email_app.command("batch")
def batch(
    scenario: Annotated[str, typer.Argument(help="Key of the scenario, such as newsletter.")],
    segment: Annotated[
        list[str] | None,
        typer.Option(
            help="For whom: a segment by its key, or a trait as name=value; may be repeated, and all must hold."
        ),
    ] = None,
    everybody: Annotated[bool, typer.Option("--all", help="For every customer.")] = False,
    name: Annotated[
        str, typer.Option(help="Name of the batch; the same name goes on where it stopped.")
    ] = "",
    out: Annotated[Path | None, typer.Option(help="File for the messages; default: NAME.jsonl.")] = None,
    renderers: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=64,
            help="Processes that render beside this one; default: one for each spare processor.",
        ),
    ] = None,
) -> None:
    """Render a scenario's message for every customer of a segment, each with one row in the ledger.

    Killed and run again it goes on where it stopped; nobody gets two rows, nor two lines in the file.
    """
    wanted, members_of = _for_whom(segment or [])
    if bool(segment) == everybody:
        raise InvalidInput("say for whom: --segment KEY or name=value, or --all", path=("segment",))
    called = name or f"{scenario}-{'-'.join([*members_of, *wanted.values()]) or 'all'}"
    began, customers = time.monotonic(), 0

    def tell(state: "BatchState") -> None:
        took = time.monotonic() - began
        seen = sum(state.told.values())
        typer.echo(
            f"{called}: {seen:,} of {customers:,} customers, {state.rendered:,} messages, {took:.0f} s",
            err=True,
        )

    async def work() -> "BatchState":
        from hub.app import open_services
        from hub.channels.batch import EmailBatch
        from hub.channels.renderers import renderers as started
        from hub.channels.renderers import spare_processors
        from hub.config import load_settings

        # Nobody waits for a page here: a message is worth waiting for a busy store.
        settings = load_settings().model_copy(update={"store_deadline": PATIENCE})
        count = spare_processors() if renderers is None else renderers
        async with open_services(settings) as (services, _auth, _signer, store):
            await services.catalogue.refresh()
            await services.scenarios.get(scenario)  # before a file is begun
            with started(count) as others:
                side_by_side = services.experiences.side_by_side(services.profiles, services.offers, others)
                rendering = EmailBatch(
                    store,
                    services.profiles,
                    side_by_side,
                    services.ledger,
                    services.clock,
                    segments=services.segments,
                )
                nonlocal began, customers
                began, customers = time.monotonic(), await services.profiles.repository.count()
                file = out or Path(f"{called}.jsonl")
                return await rendering.run(called, scenario, wanted, file, tell, members_of=members_of)

    state = asyncio.run(work())
    took = time.monotonic() - began
    typer.echo(f"{called}: {state.rendered:,} messages; {took:.1f} s in this run")
    for code, count in sorted(state.told.items()):
        typer.echo(f"  {code:24} {count:>9,}")


def _for_whom(segment: list[str]) -> tuple[dict[str, str], list[str]]:
    """Return the traits that must match, and the keys of segments."""
    traits: dict[str, str] = {}
    keys: list[str] = []
    for at, each in enumerate(segment):
        key, sign, value = each.partition("=")
        if not key:
            raise InvalidInput(f"{each!r} is neither a segment's key nor name=value", path=("segment", at))
        if sign:
            traits[key] = value
        else:
            keys.append(key)
    return traits, keys
