"""A hub reduced to its store: opens the embedded server of a folder and does what it is told on stdin.

`write` inserts until `stop`, and reports what was acknowledged; `count` tells how many so far; `make room` removes the file
`filler` beside the folder; end of input ends it.
It prints JSON lines: first {"port", "pid", "uri", "progress"} or {"error"}.
"""

import asyncio
import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog
from pymongo.errors import PyMongoError

from hub.errors import SetupError
from hub.store.database import connect, database_of
from hub.store.embedded import EmbeddedServer
from hub.store.embedded.directory import LEAST_FREE


def report(**told: Any) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


async def write(numbers: Any, start: int, stop: asyncio.Event, acknowledged: list[int]) -> None:
    number = start
    while not stop.is_set():
        with suppress(PyMongoError):
            await numbers.insert_one({"_id": number})
            acknowledged.append(number)
        number += 1


async def main(folder: Path, least_free: int) -> None:
    loop = asyncio.get_running_loop()
    words = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(words), sys.stdin)
    progress: list[str] = []
    async with (
        EmbeddedServer(folder, least_free=least_free, on_progress=progress.append) as server,
        connect(server.uri) as client,
    ):
        report(port=server.port, pid=server.pid, uri=server.uri, progress=progress)
        numbers = database_of(client, "load")["numbers"]
        acknowledged: list[int] = []
        stop = asyncio.Event()
        writing: asyncio.Task[None] | None = None
        while word := (await words.readline()).decode().strip():
            if word.startswith("write"):
                writing = asyncio.create_task(write(numbers, int(word.split()[1]), stop, acknowledged))
                report(writing=True)
            elif word == "stop" and writing is not None:
                stop.set()
                await writing
                report(acknowledged=acknowledged)
            elif word == "make room":
                folder.with_name("filler").unlink()
                report(made=True)
            else:
                report(port=server.port, pid=server.pid, count=len(acknowledged))
        stop.set()
        if writing is not None:
            await writing


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    try:
        asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]) if sys.argv[2:] else LEAST_FREE))
    except SetupError as error:
        report(error=str(error))
        sys.exit(2)
