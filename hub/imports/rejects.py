"""The rejects file: JSON Lines of what was not imported, each with its line and its reason.

It is written along with the import and is as resumable: a checkpoint says how long the file was and
what it hashed to, and a resumed import cuts off what came after. One import at a time writes it.
"""

import fcntl
import hashlib
import os
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from hub.errors import InvalidInput, SetupError
from hub.imports.readers import Line
from hub.imports.values import as_json

_CHUNK = 1 << 20
BEGINS = b'{"line":'  # how every rejects file begins, so that no other file is written over


class RejectsFile:
    """An open rejects file. Use as a context manager."""

    def __init__(self, path: Path, *, source: Path) -> None:
        if path.exists() and source.exists() and path.samefile(source):
            raise InvalidInput("the rejects file is the file that is imported", path=("rejects",))
        self.path = path
        self._hashing = hashlib.sha256()
        try:
            self._file = path.open("a+b")
        except OSError as error:
            raise SetupError(
                f"the rejects file {path} cannot be written ({error.strerror}); name another with --rejects"
            ) from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise SetupError(
                f"another import is writing {path}; wait for it or name another file with --rejects"
            ) from None

        self._file.seek(0)
        begins = self._file.read(len(BEGINS))
        if begins and begins != BEGINS:
            self._file.close()
            raise SetupError(f"{path} is no rejects file and is left alone; name another with --rejects")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.flush()
        empty = self._file.tell() == 0
        if empty and kind is None:
            self.path.unlink(missing_ok=True)
        self._file.close()

    def resume(self, size: int, sha256: str) -> bool:
        """Cut the file to what it was at a checkpoint; return False where it is not that file any more."""
        self._file.flush()
        hashing = hashlib.sha256()
        self._file.seek(0)
        left = size
        while left and (chunk := self._file.read(min(left, _CHUNK))):
            hashing.update(chunk)
            left -= len(chunk)
        if left or (size and hashing.hexdigest() != sha256):
            return False
        self._file.truncate(size)
        self._file.seek(size)
        self._hashing = hashing
        return True

    def write(self, section: str, line: Line, reason: str) -> None:
        """Add one line that is not imported."""
        record: dict[str, Any] = {
            "line": line.number,
            "section": section,
            "reason": reason,
            "row": as_json(dict(line.row)),
        }
        spelled = orjson.dumps(record, default=str) + b"\n"
        self._file.write(spelled)
        self._hashing.update(spelled)

    def checkpoint(self) -> tuple[int, str]:
        """Put what was written onto the disk; return the file's size and SHA-256."""
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._file.tell(), self._hashing.hexdigest()
