"""`tutti merge`, `split` and `reviews`, as typed."""

import asyncio
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner, Result

from hub.app import open_services
from hub.cli import app
from hub.config import Settings
from hub.errors import InvalidInput
from hub.store.database import connect

MESSAGES = [
    {"type": "identify", "userId": user, "messageId": f"m-{user}", "traits": {"email": "family@example.com"}}
    for user in ("mia", "ben")
]


@pytest.fixture
def cli(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[CliRunner]:
    """A command line over a database in which Mia and Ben share an address."""
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
def test_merge_split_and_review_from_the_command_line(cli: CliRunner) -> None:
    def run(*words: str) -> Result:
        return cli.invoke(app, list(words))

    listed = run("reviews", "list")
    assert "OPEN SHARED_ADDRESS" in listed.output
    review = listed.output.split()[0]
    merged = run("merge", "user_id:mia", "user_id:ben", "--reason", "one household, one person")
    assert merged.exit_code == 0
    assert {"user_id:mia", "user_id:ben"} <= set(merged.output.split())
    apart = run("split", "user_id:mia", "user_id:ben")
    assert [len(line.split()) for line in apart.output.splitlines()] == [5, 5]
    assert "refused" in run("reviews", "refuse", review, "--reason", "a family").output
    assert "no review waits" in run("reviews", "list").output
    for words, code in (
        (("merge", "user_id:mia", "user_id:mia"), "SAME_CUSTOMER"),
        (("split", "user_id:mia", "user_id:mia"), "NEVER_MERGED"),
        (("merge", "user_id:mia", "phone:12"), "BAD_PHONE"),
        (("merge", "mia", "ben"), "INVALID_INPUT"),
    ):
        refused = run(*words)
        assert refused.exit_code != 0
        assert isinstance(refused.exception, InvalidInput)
        assert refused.exception.kind == code
