"""The embedded server as a hub sees it: somebody runs it, and if nobody does, this hub will.

    lock free  ──> owner:    starts the server, starts it again when it dies, stops it at the end
    lock held  ──> follower: uses the server of the hub that holds the lock
    owner dies ──> its server dies with it; the lock is free; one follower becomes owner, same port

Clients are made once and reconnect by themselves: to them an owner's death or a server's death is a
pause of one to four seconds.
"""

import asyncio
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import structlog
from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError

from hub.errors import SetupError
from hub.store.embedded import binary, process, replica
from hub.store.embedded.directory import LEAST_FREE, DataDirectory, Runtime
from hub.store.embedded.process import PortTakenError, ServerProcess

START_SECONDS = 100.0
WATCH_SECONDS = 0.2
LONGEST_PAUSE = 10.0

log = structlog.get_logger(__name__)


def _silent(_message: str) -> None:
    """Tell nobody."""


class EmbeddedServer:
    """A MongoDB server for the hubs of one machine that share a data directory.

    An async context manager; inside it `uri` is the address to connect to. Everything happens on the
    event loop's own thread, since the server lives no longer than the thread that forked it.
    """

    def __init__(
        self,
        directory: Path,
        *,
        mongod: Path | None = None,
        parameters: Mapping[str, str] | None = None,
        least_free: int = LEAST_FREE,
        on_progress: Callable[[str], None] | None = None,
    ) -> None:
        self._directory = DataDirectory(directory, least_free=least_free)
        self._chosen = mongod
        self._parameters = parameters
        self._progress = on_progress or _silent
        self._lock: int | None = None
        self._process: ServerProcess | None = None
        self._watch: asyncio.Task[None] | None = None
        self._port = 0

    @property
    def uri(self) -> str:
        """The address, with the password: never log it."""
        return replica.uri(self._port, self._directory.password())

    @property
    def port(self) -> int:
        """The loopback port."""
        return self._port

    @property
    def pid(self) -> int | None:
        """The process id of the server that this hub owns; None while another hub owns it."""
        return self._process.pid if self._process is not None else None

    async def __aenter__(self) -> Self:
        try:
            await self._open()
        except BaseException:
            await self.stop()
            raise
        self._watch = asyncio.create_task(self._keep_alive(), name="embedded MongoDB")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Stop watching; stop the server if this hub owns it."""
        if self._watch is not None:
            self._watch.cancel()
            with suppress(asyncio.CancelledError):
                await self._watch
            self._watch = None
        if self._process is not None:
            await self._process.stop()
            self._process = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    async def _open(self) -> None:
        """Become owner or follower.

        Raises:
            SetupError: one sentence on what stands in the way.
        """
        self._directory.create()
        waited = 0.0
        while True:
            self._lock = self._directory.lock()
            if self._lock is not None:
                await self._start(may_move=True)
                return
            if await self._answers():
                self._progress(f"using the MongoDB server of another hub on port {self._port}")
                return
            if waited > START_SECONDS:
                raise SetupError(
                    f"another hub holds {self._directory.root} but its MongoDB server does not answer; "
                    "stop that hub and start again"
                )
            await asyncio.sleep(WATCH_SECONDS)
            waited += WATCH_SECONDS

    async def _answers(self) -> bool:
        """Tell whether the server that the runtime file names takes our password."""
        runtime = self._directory.runtime()
        if runtime is None or not self._directory.password_file.exists():
            return False
        client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
            replica.uri(runtime.port, self._directory.password()), serverSelectionTimeoutMS=1000
        )
        try:
            await client.admin.command("ping")
        except PyMongoError:
            return False
        finally:
            await client.close()
        self._port = runtime.port
        return True

    async def _start(self, *, may_move: bool) -> None:
        """Start the server of this directory; on another port only if no client relies on the old one."""
        mongod = binary.find(self._chosen)
        runtime = self._directory.runtime()
        if runtime is not None:
            await process.end_orphan(runtime, self._directory)
        self._directory.prepare()
        port = self._port or (runtime.port if runtime else process.pick_port())
        version = ".".join(str(part) for part in mongod.version)
        self._progress(f"starting MongoDB {version} in {self._directory.root}")
        while True:
            try:
                await self._launch(mongod, port)
            except PortTakenError:
                if not may_move:
                    raise
                self._progress(f"port {port} is taken by another program; moving to a free one (up to 30 s)")
                port = process.pick_port()
            else:
                break
        self._port = port
        self._progress(f"MongoDB answers on port {port}")

    async def _launch(self, mongod: binary.Mongod, port: int) -> None:
        self._process = ServerProcess.start(mongod, self._directory, port, parameters=self._parameters)
        self._directory.record(Runtime(port, self._process.pid))
        await self._process.listening(within=START_SECONDS)
        await replica.make_ready(self._process, self._directory.password())

    async def _keep_alive(self) -> None:
        """Start the server again when it dies; take over when the hub that owned it is gone."""
        pause = WATCH_SECONDS
        while True:
            await asyncio.sleep(pause)
            if self._serves() or not self._owns():
                pause = WATCH_SECONDS
                continue
            try:
                await self._start(may_move=False)
            except (SetupError, PortTakenError, PyMongoError, OSError) as error:
                if self._process is not None:
                    await self._process.stop()
                    self._process = None
                pause = min(LONGEST_PAUSE, pause * 2)
                reason = str(error) or f"port {self._port} is taken by another program"
                log.warning("mongodb_not_started", reason=reason, again_in_seconds=pause)
            else:
                log.info("mongodb_started", port=self._port)

    def _serves(self) -> bool:
        """Tell whether this hub's own server runs; say once why it does not any more."""
        if self._process is None:
            return False
        if not self._process.running:
            log.error("mongodb_ended", reason=str(self._process.failure()))
            self._process = None
        return self._process is not None

    def _owns(self) -> bool:
        """Tell whether this hub is the owner, or becomes it now that the one before is gone."""
        if self._lock is None:
            self._lock = self._directory.lock()
            if self._lock is not None:
                log.warning("mongodb_taken_over", directory=str(self._directory.root))
        return self._lock is not None
