"""`tutti migrate`: bring the store's collections, validators and indexes up to date."""

import asyncio
import sys
from typing import TYPE_CHECKING

from hub.config import load_settings

if TYPE_CHECKING:  # the driver is loaded when the verb runs, not for `tutti --help`
    from hub.store.migrate import MigrationReport


def migrate_command() -> None:
    """Bring the store's collections, validators and indexes up to date; a second run changes nothing."""
    for line in told(asyncio.run(_migrate())):
        print(line)


def told(report: "MigrationReport") -> list[str]:
    """Return a report as lines to read."""
    parts = {
        "collections made": report.created,
        "validators changed": report.validators,
        "indexes built": report.indexes,
        "indexes that the hub does not know, left alone": report.undeclared,
    }
    lines = [f"{title}: {', '.join(names)}" for title, names in parts.items() if names]
    return lines if report.changed else ["the store is up to date", *lines]


async def _migrate() -> "MigrationReport":
    from hub.store.database import reach_store
    from hub.store.migrate import migrate

    async with reach_store(load_settings(), on_progress=_tell) as store:
        return await migrate(store.db)


def _tell(message: str) -> None:
    print(message, file=sys.stderr)
