"""`tutti keys`: make and revoke API keys, sign customer tokens."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from hub.auth.model import Scope

if TYPE_CHECKING:
    from hub.auth.service import AuthService

keys_app = typer.Typer(help="Make and revoke API keys, and sign customer tokens.", no_args_is_help=True)


@asynccontextmanager
async def _auth() -> AsyncIterator["AuthService"]:
    from hub.app import build_auth
    from hub.config import load_settings
    from hub.kit.clock import SystemClock
    from hub.store.database import open_store

    async with open_store(load_settings()) as store:
        auth, _signer = await build_auth(store, SystemClock())
        yield auth


@keys_app.command("create")
def create(
    scope: Annotated[Scope, typer.Argument(help="What the key is for.")],
    name: Annotated[str, typer.Argument(help="A name to know it by, such as 'storefront'.")],
) -> None:
    """Make a key and print it; it is stored as a hash, so it cannot be shown again."""

    async def work() -> str:
        async with _auth() as auth:
            return await auth.create_key(scope, name)

    typer.echo(asyncio.run(work()))


@keys_app.command("revoke")
def revoke(name: Annotated[str, typer.Argument(help="The name it was made under.")]) -> None:
    """Revoke every key of a name; it stops working within five seconds."""

    async def work() -> int:
        async with _auth() as auth:
            return await auth.revoke(name)

    count = asyncio.run(work())
    typer.echo(f"revoked {count} key{'' if count == 1 else 's'}")
    if not count:
        raise typer.Exit(1)


@keys_app.command("token")
def token(
    user_id: Annotated[str, typer.Argument(help="The customer's user id.")],
    hours: Annotated[float, typer.Option(min=0.01, help="How long it holds.")] = 12.0,
) -> None:
    """Sign a customer token: what a front-end sends as X-Tutti-Customer."""
    from hub.profiles.identity import parse_ref

    async def work() -> str:
        async with _auth() as auth:
            return auth.customer_token(parse_ref("user_id", user_id), lifetime=timedelta(hours=hours))

    typer.echo(asyncio.run(work()))
