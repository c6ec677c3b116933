"""The package: its four import names are ours alone, and it ships what it needs."""

import json
import os
import subprocess
import sys
import zipfile
from importlib.metadata import requires
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = ("hub", "schema", "resolvers", "embeddings")
ASK = "import json; from importlib.metadata import packages_distributions as p; print(json.dumps(p()))"


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """The wheel, as a user would install it, beside every package of this environment."""
    folder = tmp_path_factory.mktemp("wheel")
    build = f"from hatchling.build import build_wheel; build_wheel({str(folder)!r})"
    subprocess.run([sys.executable, "-c", build], cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("tutti_hub-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_the_import_names_belong_to_tutti_alone(installed):
    answer = subprocess.run(
        [sys.executable, "-c", ASK],
        env=os.environ | {"PYTHONPATH": str(installed)},
        cwd=installed,
        check=True,
        capture_output=True,
    )
    owners = json.loads(answer.stdout)
    assert [set(owners[name]) for name in OURS] == [{"tutti-hub"}] * len(OURS)


def test_the_wheel_carries_types_schema_templates_and_the_demo(installed):
    assert [name for name in OURS if not (installed / name / "py.typed").exists()] == []
    assert (installed / "schema" / "schema.graphql").exists()
    assert list((installed / "hub" / "demo" / "brand").glob("*.jsonl"))
    assert list((installed / "hub" / "decisions" / "shipped").glob("*.toml"))


def test_every_dependency_is_bounded_above():
    versions = [line.split(";")[0] for line in requires("tutti-hub") or []]
    assert [version for version in versions if "<" not in version and "==" not in version] == []
