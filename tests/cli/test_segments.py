"""`tutti segments`, as typed."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from hub.app import open_services
from hub.cli import app
from hub.config import Settings
from hub.errors import InvalidInput
from hub.store.database import connect

GOLD = """
[[segments]]
key = "gold"
title = "gold customers"
rule = { trait = "tier", is = "gold" }
"""
MESSAGES = [
    {"type": "identify", "userId": name.lower(), "messageId": name, "traits": {"name": name, "tier": tier}}
    for name, tier in (("Mia", "gold"), ("Ben", "gold"), ("Cleo", "red"))
]


@pytest.fixture
def cli(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[CliRunner]:
    """A command line over a database with three customers, two of them gold."""
    assert settings.mongodb_uri is not None
    uri = settings.mongodb_uri.get_secret_value()
    monkeypatch.setenv("TUTTI_MONGODB_URI", uri)
    monkeypatch.setenv("TUTTI_DATABASE", settings.database)

    async def tell() -> None:
        async with open_services(settings) as (services, *_):
            await services.ingest.record(MESSAGES, source="test")

    async def clean() -> None:
        async with connect(uri) as client:
            await client.drop_database(settings.database)

    asyncio.run(tell())
    yield CliRunner()
    asyncio.run(clean())


@pytest.mark.model
def test_segments_are_checked_put_listed_counted_and_told(cli: CliRunner, tmp_path: Path) -> None:
    def run(*words: str) -> Result:
        return cli.invoke(app, ["segments", *words])

    file = tmp_path / "segments.toml"
    file.write_text(GOLD)
    assert "no segment is defined" in run("list").output
    assert run("check", str(file)).output.startswith("gold 1: 2 in it")
    assert "no segment is defined" in run("list").output
    assert run("put", str(file)).output.startswith("gold 1: 2 in it  gold customers")
    assert '{"trait":"tier","is":"gold"}' in run("list").output
    assert run("count", "gold").output == "2\n"
    told = run("who", "gold").output
    assert {"Mia", "Ben"} <= set(told.split())
    assert "Cleo" not in told
    assert len(run("who", "gold", "--most", "1").output.splitlines()) == 1
    assert run("delete", "gold").output.startswith("deleted gold 1: gold customers")
    assert "no segment is defined" in run("list").output
    refused = run("delete", "gold")
    assert refused.exit_code != 0
    assert "no segment 'gold'" in str(refused.exception)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("segments = 5", "INVALID_SEGMENT"),
        ("[[segments]", "INVALID_SEGMENT"),
        (GOLD + GOLD, "INVALID_SEGMENT"),
        (GOLD.replace("trait", "colour"), "INVALID_RULE"),
        (GOLD.replace('"gold"\n', '"Gold Ones"\n', 1), "INVALID_SEGMENT"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_before_anything_is_opened(
    tmp_path: Path, text: str, code: str
) -> None:
    file = tmp_path / "segments.toml"
    file.write_text(text)
    done = CliRunner().invoke(app, ["segments", "put", str(file)])
    assert isinstance(done.exception, InvalidInput)
    assert done.exception.kind == code


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["segments", "check", str(tmp_path / "none.toml")])
    assert isinstance(done.exception, InvalidInput)
    assert "cannot be read" in str(done.exception)
