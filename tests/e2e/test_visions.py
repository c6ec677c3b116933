"""The six visions, run as executable specifications against the demo hub by the command line."""

import os
import subprocess
import sys

import pytest

# Neighbours are learned k-anonymously, and the demo's twelve customers are too few to be anonymous among.
TOO_FEW_CUSTOMERS = ["FAILS  people_like_me: The taste of others is heard"]


@pytest.mark.mongod
def test_the_visions_hold_but_the_one_that_needs_more_customers_than_the_demo_has(hub):
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
    assert failed == TOO_FEW_CUSTOMERS, done.stdout + done.stderr
    assert len(lines) == 9
    assert done.returncode == 1
