"""`tutti templates`: email templates, as a marketer changes them."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from hub.errors import InvalidInput

if TYPE_CHECKING:
    from hub.channels.model import EmailExperience
    from hub.channels.template_service import SavedTemplate
    from resolvers.context import Services

T = TypeVar("T")
BY = "command line"

templates_app = typer.Typer(
    help="Email templates in MJML and Liquid: check, draft, preview, publish, roll back.",
    no_args_is_help=True,
)
Key = Annotated[
    str, typer.Argument(help="A scenario's key, such as newsletter; or default, for all of them.")
]
Version = Annotated[int, typer.Argument(help="The version, as `draft` printed it; 0 is the shipped one.")]
Mjml = Annotated[Path, typer.Argument(help="The MJML file.", exists=True, dir_okay=False)]
Text = Annotated[
    Path | None,
    typer.Option("--text", help="A file for the plain text; default: the shipped one.", exists=True),
]


def _run(work: Callable[["Services"], Awaitable[T]]) -> T:
    from hub.app import open_services
    from hub.config import load_settings

    async def run() -> T:
        async with open_services(load_settings()) as (services, *_):
            return await work(services)

    return asyncio.run(run())


@templates_app.command("start")
def start(
    out: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("email.mjml.liquid"),
) -> None:
    """Write the shipped template into a file, to begin from."""
    from hub.channels.template_check import shipped_sources

    if out.exists():
        raise InvalidInput(f"{out} is there already; name another file", path=("out",))
    out.write_text(shipped_sources()[0], encoding="utf-8")
    typer.echo(f"{out} is the template as shipped")


@templates_app.command("check")
def check(mjml: Mjml, text: Text = None) -> None:
    """Check a template without a store; the first fault is told with its line."""
    from hub.catalogue.brand import NO_FACTS
    from hub.channels.template_check import check as check_template

    check_template(mjml.read_text(encoding="utf-8"), _read(text), NO_FACTS)
    typer.echo(f"{mjml} makes a message")


@templates_app.command("show")
def show(key: Key = "default") -> None:
    """Print the versions of a template, newest first."""

    async def work(services: "Services") -> tuple["SavedTemplate", ...]:
        return await services.templates.versions(key)

    for saved in _run(work):
        typer.echo(_line(saved))


@templates_app.command("draft")
def draft(
    key: Key, mjml: Mjml, text: Text = None, note: Annotated[str, typer.Option(help="What has changed.")] = ""
) -> None:
    """Save a new version; no message changes."""
    source, plain = mjml.read_text(encoding="utf-8"), _read(text)

    async def work(services: "Services") -> "SavedTemplate":
        return await services.templates.draft(key, source, plain, by=BY, note=note)

    saved = _run(work)
    typer.echo(f"{_line(saved)}\nlook at it: tutti templates preview {key} {saved.version} --for USER_ID")


@templates_app.command("preview")
def preview(
    key: Key,
    version: Version,
    user: Annotated[str, typer.Option("--for", help="User id of the customer whose message it is.")],
    scenario: Annotated[
        str, typer.Option(help="Key of the scenario; default: the template's own, else newsletter.")
    ] = "",
    out: Annotated[Path, typer.Option(help="Where to write the HTML.")] = Path("preview.html"),
) -> None:
    """Write the message that a version would make for one customer; nothing is kept and nothing counts."""
    played = scenario or ("newsletter" if key == "default" else key)

    async def work(services: "Services") -> "EmailExperience":
        from hub.channels.model import EmailExperience
        from hub.decisions.model import Channel
        from hub.profiles.identity import parse_ref

        template = await services.templates.template(key, version)
        made = await services.experiences.assemble(
            parse_ref("user_id", user),
            channel=Channel.EMAIL,
            scenario=played,
            preview=True,
            template=template,
        )
        assert isinstance(made, EmailExperience)
        return made

    message = _run(work)
    if message.withheld is not None or message.html is None:
        why = message.withheld
        raise InvalidInput(why.message if why else "there is no message", path=("for",))
    out.write_text(message.html, encoding="utf-8")
    typer.echo(f"{out}: {message.subject}")


@templates_app.command("publish")
def publish(key: Key, version: Version) -> None:
    """Put a version in force, in every process within two seconds."""

    async def work(services: "Services") -> "SavedTemplate":
        return await services.templates.publish(key, version)

    typer.echo(_line(_run(work)))


@templates_app.command("rollback")
def rollback(key: Key) -> None:
    """Put in force what the version in force replaced."""

    async def work(services: "Services") -> "SavedTemplate":
        return await services.templates.roll_back(key)

    typer.echo(_line(_run(work)))


def _read(text: Path | None) -> str | None:
    return None if text is None else text.read_text(encoding="utf-8")


def _line(saved: "SavedTemplate") -> str:
    when = f"{saved.created_at:%Y-%m-%d %H:%M}" if saved.created_at is not None else ""
    return f"{saved.key}:{saved.version:<4} {saved.state.value.lower():10} {when:16}  {saved.note}".rstrip()
