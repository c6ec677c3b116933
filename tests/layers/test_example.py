"""`examples/a_layer` is installed as its readers would, and plays."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "a_layer"
PROGRAM = """
import json, numpy as np
from datetime import timedelta
from hub.decisions.decide import decide
from hub.decisions.shelf import arrange
from hub.layers.mix import Mix
from hub.layers.registry import load_layers
from tests.builders import NOW, make_content, make_scenario, make_snapshot, make_stranger
layers = load_layers()
shop = make_snapshot([make_content("old"), make_content("new", published_at=NOW - timedelta(days=1))])
found = decide(make_stranger(), arrange(shop), make_scenario(), Mix({"early_bird": 1.0}), layers)
first = found.ranking.item(0)
print(json.dumps([list(layers)[-1], first.content.key, first.why.sentence, found.degraded is None]))
"""


def test_the_example_is_thirty_lines():
    assert len((EXAMPLE / "early_bird.py").read_text().splitlines()) <= 30


def test_it_plays_once_it_is_installed(tmp_path):
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation",
         "--no-index", "--disable-pip-version-check", "--target", str(tmp_path), str(EXAMPLE)],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    paths = os.pathsep.join([str(tmp_path), str(ROOT)])
    environment = os.environ | {"PYTHONPATH": paths}
    told = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM],
        env=environment, check=True, capture_output=True, text=True, timeout=60, cwd=tmp_path,
    )  # fmt: skip
    assert json.loads(told.stdout) == ["early_bird", "new", "Fresh this morning", True]
