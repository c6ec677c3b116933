"""`tutti model`: what is chosen, whether it is ready, and making it."""

import importlib

import pytest
import typer
from typer.testing import CliRunner

from embeddings import models
from hub.errors import SetupError


@pytest.fixture
def run(monkeypatch, tmp_path):
    """The command on its own, with a child process that takes no time."""
    command = importlib.import_module("hub.cli.model").model_command

    def quantise(source, target, tell):
        for step in range(models.STEPS - 1):
            tell(f"step {step}")
        (target / "model.onnx").write_bytes(b"quantised")

    monkeypatch.setattr(models, "_run", quantise)
    monkeypatch.setenv("TUTTI_MODEL_DIR", str(tmp_path))
    app = typer.Typer()
    app.command()(command)
    return lambda *arguments: CliRunner().invoke(app, arguments)


def test_shows_what_is_chosen_and_that_it_is_not_ready(run):
    shown = run()
    assert shown.exit_code == 0
    assert shown.stdout.splitlines() == [
        "encoder  minilm-int8",
        "id       minilm-int8@53aa5117.1",
        "folder   -",
        "state    not prepared yet",
    ]


def test_prepares_with_every_step_told_and_then_it_is_ready(run, tmp_path):
    done = run("prepare")
    assert done.exit_code == 0
    assert f"folder   {tmp_path / 'minilm-int8@53aa5117.1'}" in done.stdout
    assert "state    prepared and whole" in done.stdout
    assert "step 4" in done.stderr
    assert "6/6" in done.stderr


def test_a_second_time_says_the_same(run):
    first, second = run("prepare"), run("prepare")
    assert second.stdout == first.stdout
    assert "step 4" not in second.stderr


def test_an_unknown_name_is_refused(run):
    refused = run("prepare", "--name", "bert")
    assert isinstance(refused.exception, SetupError)
    assert "choose minilm-int8" in refused.exception.message
