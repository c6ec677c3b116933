"""Checks that come from npm: installed by `make test` into tests/node, run by whatever Node there is."""

import shutil
from pathlib import Path

import pytest

FOLDER = Path(__file__).with_name("node")


def node() -> str:
    """Return Node's path: of the PATH, else the one that Playwright brings along."""
    found = shutil.which("node")
    if found is not None:
        return found
    from playwright._impl._driver import compute_driver_executable

    return compute_driver_executable()[0]


def installed(package: str) -> Path:
    """Return where a package lies; the test fails, saying what to do, if it is not there."""
    folder = FOLDER / "node_modules" / package
    if not folder.is_dir():
        pytest.fail(f"{package} is not installed: `make test` does it, or `npm ci` in tests/node")
    return folder
