"""The demo hub that the end-to-end stories share."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.hub_process import HubProcess, free_port


@pytest.fixture(scope="session")
def shared_memory() -> Iterator[Path]:
    """A folder that is fast to write to."""
    base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=base, prefix="tutti-e2e-") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def hub(shared_memory: Path) -> Iterator[HubProcess]:
    """The demo hub that the stories share; each story works with a persona or visitor of its own."""
    process = HubProcess(shared_memory / "data", free_port()).start().wait_ready()
    yield process
    if process.process is not None and process.process.poll() is None:
        assert process.stop() == 0
