"""Hubs as real processes, so that they can be killed; folders that go with their servers."""

import asyncio
import json
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import AsyncMongoClient

LONGEST_LINE = 16 * 1024 * 1024  # bytes of what a hub reports: all that was acknowledged on a disk of 60 MB
HUB = Path(__file__).with_name("hub_process.py")


class Hub:
    """A hub's process that holds the embedded server open and counts what was acknowledged to it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def says(self, within: float = 60) -> dict[str, Any]:
        """Return the next thing it reports."""
        assert self.process.stdout is not None
        async with asyncio.timeout(within):
            line = await self.process.stdout.readline()
        assert line, "the hub ended"
        return json.loads(line)

    async def ask(self, word: str, within: float = 60) -> dict[str, Any]:
        """Send it a word, return its report."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{word}\n".encode())
        return await self.says(within)

    async def kill(self) -> None:
        """`kill -9`."""
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()

    async def end(self) -> int:
        """Ask it to stop; return its exit status."""
        if self.process.returncode is None:
            assert self.process.stdin is not None
            self.process.stdin.close()
        async with asyncio.timeout(60):
            return await self.process.wait()


Start = Callable[..., Awaitable[Hub]]


@pytest.fixture
async def start_process() -> AsyncIterator[Start]:
    """Start processes that talk as hubs do; what the test leaves running is ended after it."""
    hubs: list[Hub] = []

    async def start(*command: str) -> Hub:
        pipe = asyncio.subprocess.PIPE
        started = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, limit=LONGEST_LINE)
        hubs.append(Hub(started))
        return hubs[-1]

    yield start
    for hub in hubs:
        await hub.end()


@pytest.fixture
def start_hub(start_process: Start) -> Callable[[Path], Awaitable[Hub]]:
    """Start hubs on a data directory."""
    return lambda folder: start_process(sys.executable, str(HUB), str(folder))


@pytest.fixture
def data_folder(memory_folder: Path) -> Iterator[Path]:
    """A data directory of this test alone, in shared memory."""
    with tempfile.TemporaryDirectory(dir=memory_folder, ignore_cleanup_errors=True) as folder:
        yield Path(folder) / "mongodb"


def alive(pid: int) -> bool:
    """Tell whether a process runs; one that ended and was not waited for does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().rsplit(")", 1)[1].split()[0] != "Z"


async def gone(pid: int, within: float = 20) -> None:
    """Wait until a process ended."""
    async with asyncio.timeout(within):
        while alive(pid):
            await asyncio.sleep(0.02)


async def numbers_in(uri: str) -> set[int]:
    """Return what the hub processes wrote, read with majority."""
    async with AsyncMongoClient[dict[str, Any]](uri, readConcernLevel="majority") as client:
        return {row["_id"] async for row in client["load"]["numbers"].find()}


@pytest.fixture
async def start_hub_on_disk_of(tmp_path: Path, start_process: Start) -> Callable[..., Awaitable[Hub]]:
    """Start hubs on a real file system of so many kilobytes, in a mount namespace of their own.

    Linux lets every user do so unless an administrator forbade it; then the test fails and says so.
    """

    async def start(kilobytes: int, *, least_free: int, filler: int = 0) -> Hub:
        script = (
            f"mount -t tmpfs -o size={kilobytes}k tmpfs {tmp_path} && "
            f"head -c {filler * 1024} /dev/zero > {tmp_path}/filler && "
            f"exec {sys.executable} {HUB} {tmp_path}/mongodb {least_free}"
        )
        return await start_process("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script)

    return start
