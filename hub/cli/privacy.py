"""`tutti export` and `tutti erase`: a customer's rights from the command line."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from hub.privacy.model import Erasure
    from hub.profiles.model import CustomerRef

VALUE = Annotated[str, typer.Argument(help="The identity's value, such as the user id or the address.")]
TYPE = Annotated[
    str,
    typer.Option("--by", help="The identity's type: user_id, email, phone, anonymous_id, id or any other."),
]


def export_command(
    value: VALUE,
    by: TYPE = "user_id",
    out: Annotated[Path | None, typer.Option(help="The file to write; default: standard output.")] = None,
    page: Annotated[
        bool, typer.Option("--html", help="A page for people instead of JSON for programs.")
    ] = False,
) -> None:
    """Write everything that the hub holds of a customer."""
    ref = _ref(by, value)
    if out is None:
        asyncio.run(_export(ref, lambda part: typer.echo(part, nl=False), page=page))
        typer.echo()
        return
    parts = _Parts(out)
    try:
        asyncio.run(_export(ref, parts.write, page=page))
    finally:
        parts.close()
    typer.echo(f"{out}: {out.stat().st_size:,} bytes", err=True)


def erase_command(
    value: VALUE,
    by: TYPE = "user_id",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase a customer, for good: everything in every collection. What they did before does not come back."""
    ref = _ref(by, value)
    if not yes:
        typer.confirm("This cannot be undone. Erase this customer?", abort=True)
    erasure = asyncio.run(_erase(ref))
    for one in erasure.collections:
        typer.echo(f"{one.removed:>9,}  {one.name}")
    typer.echo(f"{erasure.id} is done")


class _Parts:
    """A file that begins with its first part: of nobody, nothing is written, nor anything written over."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None

    def write(self, part: bytes) -> None:
        if self._file is None:
            self._file = self._path.open("wb")
            self._path.chmod(0o600)
        self._file.write(part)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


def _ref(by: str, value: str) -> "CustomerRef":
    from hub.config import load_settings
    from hub.logs import configure
    from hub.profiles.identity import parse_ref

    # To standard error and only what matters: standard output is the customer's data.
    configure(load_settings().log_format, "warning")
    return parse_ref(by, value)


async def _export(ref: "CustomerRef", write: "Callable[[bytes], object]", *, page: bool) -> None:
    from hub.app import open_services
    from hub.config import load_settings
    from hub.privacy.page import page as page_of

    async with open_services(load_settings()) as (services, _auth, _signer, _store):
        exports = services.privacy.exports
        profile = await exports.subject(ref)
        parts: AsyncIterator[bytes] = (
            page_of(exports, profile, services.clock.now()) if page else exports.document(profile)
        )
        async for part in parts:
            write(part)


async def _erase(ref: "CustomerRef") -> "Erasure":
    from hub.app import open_services
    from hub.config import load_settings

    async with open_services(load_settings()) as (services, _auth, _signer, _store):
        return await services.privacy.erasures.erase(ref, requested_by="tutti erase")
