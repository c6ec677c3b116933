"""The six visions, run as executable specifications against the demo hub by the command line."""

import os
import subprocess
import sys

import pytest

from hub.layers.registry import load_layers


@pytest.mark.mongod
def test_the_visions_hold(hub):
    environment = {**os.environ, "TUTTI_DATA_DIR": str(hub.data_dir), "TUTTI_LOG_LEVEL": "error"}
    done = subprocess.run(
        [sys.executable, "-m", "hub", "scenarios", "check"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith(("holds", "FAILS"))]
    failed = [line for line in lines if line.startswith("FAILS")]
    without = [] if "neighbours" in load_layers() else ["FAILS  people_like_me: The taste of others is heard"]
    assert failed == without, done.stdout + done.stderr
    assert len(lines) == 9
    assert done.returncode == (1 if without else 0)
