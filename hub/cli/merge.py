"""`tutti merge`, `tutti split`, `tutti reviews` and `tutti dedupe`: customers who are one or several."""

import asyncio
import getpass
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from hub.profiles.merge_model import Review
    from hub.profiles.model import CustomerRef, Profile
    from resolvers.context import Services

T = TypeVar("T")
SILENCE_SECONDS = 5.0  # the longest between two lines of progress
WHO = "type:value, such as user_id:mia, email:mia@example.com or id:prf_..."
Reason = Annotated[str | None, typer.Option(help="Why, for the audit trail.")]

reviews_app = typer.Typer(help="Customers who may be one: list, accept, refuse.", no_args_is_help=True)


def merge_command(
    into: Annotated[str, typer.Argument(help=f"The customer that stays: {WHO}.")],
    others: Annotated[list[str], typer.Argument(help="Those who turn out to be the same.")],
    reason: Reason = None,
    evidence: Annotated[
        list[str] | None,
        typer.Option(help="What speaks for it, for the audit trail; may be given several times."),
    ] = None,
) -> None:
    """Make one customer of several. Doing it again changes nothing; `tutti split` takes it back."""
    from hub.profiles.merge_model import Proof

    async def work(services: "Services") -> None:
        refs = [_ref(other) for other in others]
        at = services.clock.now()
        proofs = [Proof(text, at, _caller()) for text in evidence or ()]
        merged = await services.merges.merge(_ref(into), refs, by=_caller(), reason=reason, evidence=proofs)
        typer.echo(_told(merged))

    _run(work)


def split_command(
    who: Annotated[str, typer.Argument(help=f"Who turns out to be several: {WHO}.")],
    identities: Annotated[list[str], typer.Argument(help="The identities that leave, as type:value.")],
    reason: Reason = None,
) -> None:
    """Take back the merges that brought identities to a customer; every side is again what it was."""

    async def work(services: "Services") -> None:
        named = [_ref(identity) for identity in identities]
        for customer in await services.merges.split(_ref(who), named, by=_caller(), reason=reason):
            typer.echo(_told(customer))

    _run(work)


@reviews_app.command("list")
def list_command(
    every: Annotated[bool, typer.Option("--all", help="Those that were decided too.")] = False,
    first: Annotated[int, typer.Option(min=1, max=200, help="How many at most.")] = 50,
) -> None:
    """List customers who may be one, newest first."""

    async def work(services: "Services") -> None:
        from hub.profiles.merge_model import ReviewState

        page = await services.reviews.page(state=None if every else ReviewState.OPEN, first=first)
        customers = await services.reviews.customers_of(page.nodes)
        for review in page.nodes:
            typer.echo("\n".join(_review(review, customers[review.id])))
        if not page.nodes:
            typer.echo("no review waits" if not every else "there are no reviews")

    _run(work)


@reviews_app.command("accept")
def accept_command(
    review: Annotated[str, typer.Argument(help="The review's id.")], reason: Reason = None
) -> None:
    """Say that the two are one; they are merged."""
    _decide(review, accept=True, reason=reason)


@reviews_app.command("refuse")
def refuse_command(
    review: Annotated[str, typer.Argument(help="The review's id.")], reason: Reason = None
) -> None:
    """Say that the two are two; that is remembered."""
    _decide(review, accept=False, reason=reason)


def dedupe_command(
    least: Annotated[
        float, typer.Option("--least", min=0.0, max=1.0, help="Propose what is at least so likely.")
    ] = 0.9,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show proposals and open no review.")] = False,
) -> None:
    """Find customers who are alike and open a review for each pair; nobody is merged. Needs the extra `dedupe`."""

    async def work(services: "Services") -> None:
        from hub.profiles.dedupe import DedupeService

        await services.ingest.recover()
        report = await DedupeService(services.profiles, services.clock).propose(
            least=least, dry_run=dry_run, progress=_told_at_times()
        )
        for proposal in report.proposals[:20]:
            typer.echo(f"{proposal.score:.4f}  {proposal.text}")
        if len(report.proposals) > 20:
            typer.echo(f"... and {len(report.proposals) - 20} more")
        typer.echo(
            f"{report.customers} customers, {report.compared} pairs compared, {len(report.proposals)} likely the same, "
            f"{'none opened (dry run)' if dry_run else f'{report.opened} new reviews'}"
        )

    _run(work)


def _told_at_times() -> "Callable[[str, int, int], None]":
    """Return what tells of progress on standard error: of each thing its end, and a line now and then before."""
    last = [time.monotonic()]

    def tell(what: str, done: int, of: int) -> None:
        if done == of or time.monotonic() - last[0] >= SILENCE_SECONDS:
            last[0] = time.monotonic()
            typer.echo(f"  {done:,} of {of:,} {what}", err=True)

    return tell


def _decide(review_id: str, *, accept: bool, reason: str | None) -> None:
    async def work(services: "Services") -> None:
        decided = await services.reviews.decide(review_id, accept=accept, by=_caller(), reason=reason)
        typer.echo(f"{decided.review.id} {decided.review.state.value.lower()}")
        if decided.customer is not None:
            typer.echo(_told(decided.customer))

    _run(work)


def _run(work: "Callable[[Services], Awaitable[T]]") -> T:
    async def all_of_it() -> T:
        async with _services() as services:
            return await work(services)

    return asyncio.run(all_of_it())


@asynccontextmanager
async def _services() -> "AsyncIterator[Services]":
    from hub.app import open_services
    from hub.config import load_settings
    from hub.logs import configure

    settings = load_settings()
    configure(settings.log_format, "warning")
    async with open_services(settings) as (services, _auth, _signer, _store):
        yield services


def _ref(text: str) -> "CustomerRef":
    from hub.errors import InvalidInput
    from hub.profiles.identity import parse_ref

    kind, colon, value = text.partition(":")
    if not colon:
        raise InvalidInput(f"{text!r} names nobody; write {WHO}")
    return parse_ref(kind, value)


def _caller() -> str:
    return f"cli:{getpass.getuser()}"


def _told(profile: "Profile") -> str:
    identities = " ".join(identity.key for identity in profile.identities)
    return f"{profile.id} version {profile.version}: {identities}"


def _review(review: "Review", customers: "Sequence[Profile]") -> list[str]:
    score = "" if review.score is None else f" {review.score:.4f}"
    return [
        f"{review.id} {review.state.value} {review.kind.value}{score}",
        *(f"    {proof.text} ({proof.source})" for proof in review.evidence[:3]),
        *(f"  {_told(customer)}" for customer in customers),
    ]
