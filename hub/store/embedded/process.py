"""One `mongod` as a child process: how it is started, whether it lives, why it ended, how it is stopped.

The arguments keep it small (25 MB on disk at first) and unreachable from other machines, and leave out zlib
compression, whose flaw CVE-2025-14847 is not mended in 6.0.5.
"""

import asyncio
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from hub.errors import SetupError
from hub.store.embedded.binary import Mongod
from hub.store.embedded.directory import DataDirectory, Runtime, disk_full

REPLICA_SET = "tutti"
# Small files, and the next one filled with zeros beforehand: a flush then overwrites, and the file system has nothing
# to note down of a file that grew. 16 MB of disk for a quarter of a flush's time.
JOURNAL = "log=(file_max=8MB,prealloc=true,zero_fill=true)"
STOP_SECONDS = 20.0
LOG_ROOM = 1024 * 1024  # bytes
EXIT_DATA_OF_ANOTHER_VERSION = 62
EXIT_ADDRESS_TAKEN = 48
EXIT_DIRECTORY_IN_USE = 100

PARAMETERS: Mapping[str, str] = {
    "diagnosticDataCollectionEnabled": "false",
    # A one-member set has nobody to hand over to; the default waits 15 s for one.
    "shutdownTimeoutMillisForSignaledShutdown": "100",
    # A transaction that a killed process left open holds what it wrote: the offers' counters, for a minute by default.
    "transactionLifetimeLimitSeconds": "10",
}


class PortTakenError(Exception):
    """Another program listens on the port."""


class ServerProcess:
    """A running (or ended) `mongod`."""

    def __init__(
        self, child: subprocess.Popen[bytes], directory: DataDirectory, port: int, log_from: int
    ) -> None:
        self.port = port
        self._child = child
        self._directory = directory
        self._log_from = log_from  # where in the log this run begins

    @classmethod
    def start(
        cls,
        mongod: Mongod,
        directory: DataDirectory,
        port: int,
        *,
        replica_set: str = REPLICA_SET,
        parameters: Mapping[str, str] | None = None,
    ) -> "ServerProcess":
        """Start a server; call it on the event loop's thread, whose end is the server's end.

        Raises:
            PortTakenError: another program listens on `port`.
        """
        if not port_is_free(port):
            raise PortTakenError
        command = [
            str(mongod.path),
            *("--dbpath", str(directory.database)),
            *("--logpath", str(directory.log_file), "--logappend", "--quiet"),
            *("--bind_ip", "127.0.0.1", "--port", str(port), "--nounixsocket"),
            *("--replSet", replica_set, "--oplogSize", "128"),
            *("--auth", "--keyFile", str(directory.key_file)),
            *("--wiredTigerCacheSizeGB", "0.25"),
            *("--wiredTigerEngineConfigString", JOURNAL),
            *("--networkMessageCompressors", "snappy,zstd"),
        ]
        for name, value in {**PARAMETERS, **(parameters or {})}.items():
            command += ["--setParameter", f"{name}={value}"]
        launcher = [sys.executable, "-I", "-S", str(Path(__file__).with_name("launch.py")), str(os.getpid())]
        log_from = directory.log_file.stat().st_size if directory.log_file.exists() else 0
        child = subprocess.Popen(  # noqa: S603
            launcher + command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C in a terminal reaches the hub alone, which then stops its server
            umask=0o077,
        )
        return cls(child, directory, port, log_from)

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self._child.pid

    @property
    def running(self) -> bool:
        """Whether the child has not ended."""
        return self._child.poll() is None

    async def listening(self, *, within: float) -> None:
        """Wait until the server accepts connections.

        Raises:
            PortTakenError: somebody took the port between our look and its bind.
            SetupError: it ended, and why, or took longer than `within` seconds.
        """
        async with _limit(within, f"the MongoDB server did not start within {within:.0f} s"):
            while True:
                if not self.running:
                    raise self.failure()
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                except OSError:
                    await asyncio.sleep(0.05)
                    continue
                writer.close()
                with suppress(OSError):
                    await writer.wait_closed()
                return

    def failure(self) -> Exception:
        """Say in one sentence why the server ended."""
        status = self._child.poll()
        said = self._errors()
        everything = "\n".join(said)
        where = f"see {self._directory.log_file}"
        if status == EXIT_ADDRESS_TAKEN or "Address already in use" in everything:
            return PortTakenError()
        full = shutil.disk_usage(self._directory.root).free < LOG_ROOM  # then there is no log to tell it
        if full or "No space left on device" in everything or "OutOfDiskSpace" in everything:
            return SetupError(disk_full(self._directory.root))
        if status == EXIT_DIRECTORY_IN_USE and "DBPathInUse" in everything:
            return SetupError(
                f"another program than a hub runs a MongoDB server on {self._directory.database}; stop it, "
                "or set TUTTI_DATA_DIR to a folder of its own"
            )
        if status == EXIT_DATA_OF_ANOTHER_VERSION:
            return SetupError(
                f"the data in {self._directory.database} was written by another version of MongoDB; start the one "
                "that wrote it (TUTTI_MONGOD), or restore a backup into a new data directory"
            )
        how = f"signal {-status}" if status is not None and status < 0 else f"status {status}"
        last = f": {said[-1]}" if said and how != "signal 9" else ""
        return SetupError(f"the MongoDB server ended with {how}{last} ({where})")

    async def ended(self, *, within: float) -> bool:
        """Wait for the end; tell whether it came within so many seconds."""
        try:
            async with asyncio.timeout(within):
                while self.running:  # noqa: ASYNC110  (a child's end sets no event)
                    await asyncio.sleep(0.02)
        except TimeoutError:
            return False
        return True

    async def stop(self) -> None:
        """End the server cleanly; by force when it takes longer than 20 s."""
        with suppress(ProcessLookupError):
            self._child.terminate()
        if not await self.ended(within=STOP_SECONDS):
            self._child.kill()
            self._child.wait()

    def _errors(self) -> list[str]:
        """Return the messages of warnings and worse of this run, with what the server adds to them."""
        try:
            with self._directory.log_file.open("rb") as log:
                log.seek(self._log_from)
                lines = log.read().decode(errors="replace").splitlines()
        except OSError:
            return []
        found = []
        for line in lines:
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if isinstance(entry, dict) and entry.get("s") in {"W", "E", "F"}:
                details = json.dumps(entry.get("attr", {}))
                found.append(f"{entry.get('msg')} {details}")
        return found[-40:]


class _limit:  # noqa: N801  (reads as a phrase: async with _limit(5, "..."))
    """Like `asyncio.timeout`, with a sentence for whoever waits."""

    def __init__(self, seconds: float, sentence: str) -> None:
        self._timeout = asyncio.timeout(seconds)
        self._sentence = sentence

    async def __aenter__(self) -> None:
        await self._timeout.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: object
    ) -> None:
        try:
            await self._timeout.__aexit__(kind, error, trace)  # type: ignore[arg-type]
        except TimeoutError:
            raise SetupError(self._sentence) from None


def port_is_free(port: int) -> bool:
    """Tell whether a server could listen on a loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def pick_port() -> int:
    """Return a free port below the range from which systems take the ports of outgoing connections.

    Raises:
        SetupError: none of a thousand tries was free.
    """
    for _ in range(1000):
        port = 20_000 + secrets.randbelow(12_000)
        if port_is_free(port):
            return port
    raise SetupError("no free port between 20000 and 32000 was found for the MongoDB server; free one")


def serves(pid: int, directory: DataDirectory) -> bool:
    """Tell whether a process is a server on a directory: process ids are used again."""
    process = Path(f"/proc/{pid}")
    if process.parent.is_dir() and Path("/proc/self").exists():
        try:
            command = (process / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            return False
    else:
        answer = subprocess.run(  # noqa: S603
            ["/bin/ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
        )
        command = answer.stdout
    return str(directory.database) in command


async def end_orphan(left: Runtime, directory: DataDirectory) -> None:
    """End the server that a killed hub left behind, and wait until it let go of its port and files."""
    waited = 0.0
    while left.pid and serves(left.pid, directory):
        with suppress(ProcessLookupError, PermissionError):
            if waited == 0.0:
                os.kill(left.pid, signal.SIGTERM)
            elif waited > STOP_SECONDS:
                os.kill(left.pid, signal.SIGKILL)
        await asyncio.sleep(0.05)
        waited += 0.05
    # A process that ends loses its command line first, its files and sockets a moment later.
    while 0.0 < waited < STOP_SECONDS and not port_is_free(left.port):
        await asyncio.sleep(0.05)
        waited += 0.05
