"""The files of one data directory.

    mongodb/            0700
      db/               what mongod keeps
      key               0600  the replica set's key file: turns on authorization
      password          0600  of the one user, generated
      runtime.json      0600  the port of this directory and the process that serves it
      hub.lock          held (flock) by the hub that owns the server, for as long as it lives
      mongod.log        what the server says

The port belongs to the directory, since the replica set's configuration stores it. The lock, not the
runtime file, says who owns the server: the kernel lets go of it when its holder dies, however it dies.
"""

import errno
import fcntl
import json
import os
import secrets
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from hub.errors import SetupError

LEAST_FREE = (
    128 * 1024 * 1024
)  # bytes, for a fresh server: it takes 25 MB, a longer journal and first data the rest
LARGEST_LOG = 16 * 1024 * 1024  # bytes, after which it is put aside at the next start


@dataclass(frozen=True, slots=True)
class Runtime:
    """Where the server of a directory listens, and as which process (0: none was started yet)."""

    port: int
    pid: int = 0


class DataDirectory:
    """One data directory of the embedded engine."""

    def __init__(self, root: Path, *, least_free: int = LEAST_FREE) -> None:
        self.root = root.expanduser().absolute()
        self.database = self.root / "db"
        self.key_file = self.root / "key"
        self.password_file = self.root / "password"
        self.runtime_file = self.root / "runtime.json"
        self.lock_file = self.root / "hub.lock"
        self.log_file = self.root / "mongod.log"
        self._least_free = least_free

    def create(self) -> None:
        """Make the directory itself, so that there is something to lock.

        Raises:
            SetupError: it cannot be made or written, and why.
        """
        with _explained(self.root):
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.root.chmod(0o700)

    def lock(self) -> int | None:
        """Return a descriptor that holds the lock, or None while another hub holds it."""
        with _explained(self.root):
            descriptor = os.open(self.lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor

    def prepare(self) -> None:
        """Make what a server needs before it starts. Only the holder of the lock may.

        Raises:
            SetupError: the disk is full or cannot be written.
        """
        with _explained(self.root):
            fresh = not self.database.exists()
            if fresh and shutil.disk_usage(self.root).free < self._least_free:
                raise SetupError(disk_full(self.root, needed=self._least_free))
            self.database.mkdir(mode=0o700, exist_ok=True)
            if not self.key_file.exists():
                _write(self.key_file, secrets.token_urlsafe(512).replace("-", "+").replace("_", "/"))
            if not self.password_file.exists():
                _write(self.password_file, secrets.token_urlsafe(32))
            if self.log_file.exists() and self.log_file.stat().st_size > LARGEST_LOG:
                self.log_file.replace(self.log_file.with_suffix(".log.1"))

    def password(self) -> str:
        """Return the generated password.

        Raises:
            FileNotFoundError: no server was prepared here yet.
        """
        return self.password_file.read_text().strip()

    def runtime(self) -> Runtime | None:
        """Return what the runtime file says; None when there is none, or it is damaged."""
        try:
            return Runtime(**json.loads(self.runtime_file.read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def record(self, runtime: Runtime) -> None:
        """Write the runtime file."""
        with _explained(self.root):
            _write(self.runtime_file, json.dumps(asdict(runtime)))


class _explained:  # noqa: N801  (reads as a phrase: with _explained(path))
    """Turn what the operating system says about a directory into one sentence."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: object, _trace: object) -> None:
        if not isinstance(error, OSError):
            return
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise SetupError(disk_full(self.path)) from error
        reason = os.strerror(error.errno or 0).lower()
        raise SetupError(
            f"the data directory {self.path} cannot be used ({reason}); "
            "make it writable or set TUTTI_DATA_DIR to another one"
        ) from error


def disk_full(path: Path, *, needed: int = LEAST_FREE) -> str:
    """Return the sentence about a disk without `needed` free bytes."""
    return (
        f"the disk that holds {path} is full; make room (a start needs {needed / 2**20:,.0f} MB) "
        "or set TUTTI_DATA_DIR to a folder on another disk"
    )


def _write(path: Path, text: str) -> None:
    """Write a private file, whole or not at all."""
    draft = path.with_name(f".{path.name}.draft")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, text.encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
