"""The six visions, run as executable specifications against the demo hub by the command line."""

import os
import subprocess
import sys

import pytest


@pytest.mark.mongod
def test_all_visions_hold_in_the_demo_house(hub):
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
    assert [line for line in lines if line.startswith("FAILS")] == [], done.stdout + done.stderr
    assert len(lines) == 10
    assert done.returncode == 0
