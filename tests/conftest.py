"""What all tests share: one MongoDB server a run, a database a test, a clock that stands still."""

import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import hypothesis
import pytest
from pydantic import SecretStr

from embeddings.encoder import Encoder
from embeddings.models import load
from hub.config import Settings
from hub.kit.clock import FixedClock
from hub.store.database import Client, Store, connect, database_of
from hub.store.embedded import EmbeddedServer
from hub.store.embedded.directory import DataDirectory
from hub.store.migrate import migrate
from tests.databases import Databases

# The same examples in every run, so that a run says something of the change it is run for. `make prove`
# looks for new ones.
hypothesis.settings.register_profile("same", derandomize=True, database=None)
hypothesis.settings.register_profile("explore", print_blob=True)
hypothesis.settings.load_profile(os.environ.get("TUTTI_HYPOTHESIS", "same"))

PREFIX = "tutti-test-"
ROOM = 1024**3  # bytes
STARTED_BY_NOW = 300  # seconds after which a run that lives holds its lock


def shared_memory() -> Path:
    """Where a server's data costs no disk: shared memory where there is enough (containers often have 64 MB)."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > ROOM
    return memory if roomy else Path(tempfile.gettempdir())


def sweep() -> None:
    """Remove what test runs that were killed left in shared memory; a run that lives holds its lock."""
    for folder in shared_memory().glob(f"{PREFIX}*"):
        old = time.time() - folder.stat().st_mtime > STARTED_BY_NOW and (folder / "mongodb").is_dir()
        lock = DataDirectory(folder / "mongodb").lock() if old else None
        if lock is not None:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)


@pytest.fixture(scope="session")
def memory_folder() -> Iterator[Path]:
    """A folder in shared memory that goes with the run."""
    sweep()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=shared_memory()))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
async def mongodb_uri(memory_folder: Path) -> AsyncIterator[str]:
    """The MongoDB that TUTTI_TEST_MONGODB_URI names, else an embedded server for this run."""
    given = os.environ.get("TUTTI_TEST_MONGODB_URI")
    if given:
        yield given
        return
    async with EmbeddedServer(memory_folder / "mongodb", parameters={"ttlMonitorSleepSecs": "1"}) as server:
        started = server.pid
        yield server.uri
        assert server.pid == started, "the run's MongoDB server ended in between and was started again"


@pytest.fixture(scope="session")
async def mongodb_client(mongodb_uri: str) -> AsyncIterator[Client]:
    async with connect(mongodb_uri) as client:
        yield client


@pytest.fixture(scope="session")
def databases(mongodb_client: Client) -> Databases:
    """The databases that tests of this run take in turn."""
    return Databases(mongodb_client)


@pytest.fixture
async def database(databases: Databases) -> AsyncIterator[str]:
    """The name of a database of this test alone; empty, or not there yet."""
    name = databases.take()
    yield name
    await databases.give_back(name)


@pytest.fixture
def settings(mongodb_uri: str, database: str, tmp_path: Path) -> Settings:
    """Settings for the run's server and a database of this test alone."""
    return Settings(
        mongodb_uri=SecretStr(mongodb_uri),
        database=database,
        data_dir=tmp_path,
        port=0,
        store_deadline=5,  # tests run side by side; who tests a slow store says how slow it may be
    )


@pytest.fixture
async def store(mongodb_client: Client, settings: Settings) -> Store:
    """An empty, migrated database."""
    made = Store(mongodb_client, database_of(mongodb_client, settings.database))
    await migrate(made.db)
    return made


@pytest.fixture
def clock() -> FixedClock:
    """A clock that stands at a Monday morning."""
    return FixedClock(datetime(2026, 3, 2, 10, tzinfo=UTC))


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    """The real model, int8; prepared on the machine's first run (some 15 s), loaded once a run."""
    chosen = Settings()
    return load("minilm-int8", chosen.model_dir)
