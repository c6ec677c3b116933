"""`tutti segments`: define groups of customers by rules, count them, and see who is in one."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import orjson
import typer

from hub.errors import InvalidInput

if TYPE_CHECKING:
    from hub.catalogue.model import Segment
    from hub.profiles.segment_service import SegmentService

T = TypeVar("T")

segments_app = typer.Typer(
    help="Define groups of customers by rules over traits, events and interests; count them; see who is in one.",
    no_args_is_help=True,
)
Key = Annotated[str, typer.Argument(help="Key of the segment, such as gold.")]
File = Annotated[Path, typer.Argument(help="A TOML file with one [[segments]] for each: docs/deciding.md.")]


@asynccontextmanager
async def _segments() -> AsyncIterator["SegmentService"]:
    from embeddings.cache import CachedEncoder
    from embeddings.models import load
    from hub.catalogue.service import CatalogueService
    from hub.config import load_settings
    from hub.consent.regions import Rules
    from hub.kit.clock import SystemClock
    from hub.logs import configure
    from hub.profiles.segment_service import SegmentService
    from hub.profiles.service import ProfileService
    from hub.store.database import open_store
    from hub.store.embedding_cache import MongoVectorCache

    settings, clock = load_settings(), SystemClock()
    configure(settings.log_format, "warning")
    async with open_store(settings) as store:
        model = await asyncio.to_thread(load, settings.encoder, settings.model_dir)
        encoder = CachedEncoder(model, MongoVectorCache(store.db))
        catalogue = CatalogueService(store, encoder, clock)
        await catalogue.refresh()
        profiles = ProfileService(store, lambda: catalogue.snapshot, encoder)
        rules = Rules.parse(settings.default_region, settings.personalization_opt_in)
        yield SegmentService(store, catalogue, profiles, clock, rules)


def _run(work: Callable[["SegmentService"], Awaitable[T]]) -> T:
    async def run() -> T:
        async with _segments() as segments:
            return await work(segments)

    return asyncio.run(run())


@segments_app.command("list")
def list_() -> None:
    """Print every segment with its rule and how many customers it holds now."""
    typer.echo(_run(_listed))


async def _listed(segments: "SegmentService") -> str:
    lines = [_line(each, await segments.count(each.rule)) for each in segments.list()]
    return "\n".join(lines) or "no segment is defined; define some with: tutti segments put FILE"


@segments_app.command("put")
def put(file: File) -> None:
    """Define segments, or define them anew; every process knows them within a second."""
    wanted = _read(file)

    async def work(segments: "SegmentService") -> str:
        return "\n".join(
            [_line(each, await segments.count(each.rule)) for each in await segments.put(wanted)]
        )

    typer.echo(_run(work))


@segments_app.command("delete")
def delete(key: Key) -> None:
    """Take a segment away, in every process within a second; prints the rule that it had."""
    gone = _run(lambda segments: segments.delete(key))
    typer.echo(f"deleted {gone.key} {gone.version}: {gone.title}\n    {orjson.dumps(gone.rule).decode()}")


@segments_app.command("check")
def check(file: File) -> None:
    """Say whether the rules can be understood, and how many customers they would hold; nothing is saved."""
    wanted = _read(file)

    async def work(segments: "SegmentService") -> str:
        return "\n".join([_line(each, await segments.count(each.rule)) for each in wanted])

    typer.echo(_run(work))


@segments_app.command("count")
def count(key: Key) -> None:
    """Print how many customers are in a segment now."""
    typer.echo(str(_run(lambda segments: segments.count(segments.get(key).rule))))


@segments_app.command("who")
def who(
    key: Key,
    most: Annotated[int, typer.Option(min=1, help="How many customers at most.")] = 20,
) -> None:
    """Print who is in a segment now: id and name; who refused to be profiled is not listed."""

    async def work(segments: "SegmentService") -> list[str]:
        lines: list[str] = []
        after: str | None = None
        while len(lines) < most:
            page = await segments.members(key, first=min(most - len(lines), 100), after=after)
            lines += [
                f"{each.id}  {each.identity('user_id') or '-'}  {each.display_name}" for each in page.nodes
            ]
            after = page.page_info.end_cursor
            if not page.page_info.has_next_page:
                break
        return lines

    typer.echo("\n".join(_run(work)) or "nobody")


def _read(file: Path) -> tuple["Segment", ...]:
    from hub.profiles.segment_files import parse_segments

    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file} cannot be read: {error}", path=("file",)) from None
    return parse_segments(text, name=file.name)


def _line(segment: "Segment", members: int) -> str:
    rule = orjson.dumps(segment.rule).decode()
    favours = f"  favours {', '.join(segment.favours)}" if segment.favours else ""
    return f"{segment.key} {segment.version}: {members} in it  {segment.title}{favours}\n    {rule}"
