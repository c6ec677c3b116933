"""Laws 4, 5 and 6 of the design in random lives; `make prove` runs a thousand of them."""

import asyncio
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from hub.kit.ids import new_id
from hub.store.database import Store, connect, database_of
from hub.store.migrate import migrate
from tests.profiles.machine import Life, World

MODEST = settings(
    max_examples=20,
    stateful_step_count=12,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    database=None,
    print_blob=True,
)
THOUSAND = settings(MODEST, max_examples=1_000)


@pytest.fixture
def world(mongodb_uri: str) -> Iterator[World]:
    """A loop and a client of their own: hypothesis calls its rules without any."""
    with asyncio.Runner() as runner:
        client = connect(mongodb_uri)
        name = new_id("t")
        store = Store(client, database_of(client, name))
        runner.run(migrate(store.db))
        yield World(runner.get_loop(), store)
        runner.run(client.drop_database(name))
        runner.run(client.close())


def live(world: World, how: settings) -> int:
    """Live lives; return how many."""

    class Lived(Life):
        pass

    Lived.world = world
    run_state_machine_as_test(Lived, settings=how)
    return world.lives


def test_laws_hold_in_some_random_lives(world: World) -> None:
    assert live(world, MODEST) >= MODEST.max_examples


@pytest.mark.prove
def test_laws_hold_in_a_thousand_random_lives(world: World) -> None:
    assert live(world, THOUSAND) >= THOUSAND.max_examples
