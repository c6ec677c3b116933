"""What `tutti evaluate` and `tutti tune` measure: the options, and what is in force in the store."""

import asyncio
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from hub.cli import app
from hub.cli.evaluate import scenario_of, weights_of
from hub.config import Settings
from hub.errors import InvalidInput, NotFound
from hub.store.database import connect

KNOWN = ("base", "habit")


@pytest.fixture
def cli(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[CliRunner]:
    assert settings.mongodb_uri is not None
    uri = settings.mongodb_uri.get_secret_value()
    monkeypatch.setenv("TUTTI_MONGODB_URI", uri)
    monkeypatch.setenv("TUTTI_DATABASE", settings.database)

    async def clean() -> None:
        async with connect(uri) as client:
            await client.drop_database(settings.database)

    yield CliRunner()
    asyncio.run(clean())


def test_the_store_says_what_is_in_force(cli: CliRunner) -> None:
    shipped, _ = scenario_of("home", stored=False)
    assert scenario_of("home", stored=True) == (shipped, frozenset())
    for words in (
        "draft home base=0.5 habit=2 --stretch 0.2",
        "publish home 1",
        "mute habit",
    ):
        assert cli.invoke(app, ["mix", *words.split()]).exit_code == 0
    found, muted = scenario_of("home", stored=True)
    assert dict(found.mix.weights) == {"base": 0.5, "habit": 2.0}
    assert found.mix.stretch == 0.2
    assert muted == {"habit"}
    assert scenario_of("home", stored=False) == (shipped, frozenset())


def test_a_draft_can_keep_all_else_that_is_in_force(cli: CliRunner) -> None:
    own, _ = scenario_of("home", stored=False)
    first = cli.invoke(app, ["mix", "draft", "home", "moment=0.7", "--keep", "--stretch", "0.3"])
    assert first.exit_code == 0, first.output
    assert cli.invoke(app, ["mix", "publish", "home", "1"]).exit_code == 0
    assert dict(scenario_of("home", stored=True)[0].mix.weights) == {**own.mix.weights, "moment": 0.7}
    second = cli.invoke(app, ["mix", "draft", "home", "base=0.1", "--keep"])
    assert "moment=0.7" in second.output
    assert "base=0.1" in second.output
    assert "stretch=0.3" in second.output
    third = cli.invoke(app, ["mix", "draft", "home", "base=0.1"])
    assert "moment" not in third.output


def test_an_unknown_scenario_is_told_with_those_there_are() -> None:
    with pytest.raises(NotFound, match="weekly_discovery"):
        scenario_of("nowhere", stored=False)


def test_weights_are_those_that_a_mix_may_have() -> None:
    assert weights_of(["base=0.5", "habit=2"], KNOWN) == {"base": 0.5, "habit": 2.0}


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        (["base"], "is not LAYER=WEIGHT"),
        (["base=loud"], "is not LAYER=WEIGHT"),
        (["base=nan"], "must be a number from 0 to 10"),
        (["base=-1"], "must be a number from 0 to 10"),
        (["base=11"], "must be a number from 0 to 10"),
        (["base=0"], "nothing to hear"),
        (["base=1", "base=2"], "given two weights"),
        (["drums=1"], "no layer 'drums'"),
    ],
)
def test_other_weights_are_refused(given: list[str], fault: str) -> None:
    with pytest.raises(InvalidInput, match=fault):
        weights_of(given, KNOWN)
