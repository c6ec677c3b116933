"""The encoders that can be chosen by name, prepared once and loaded from a folder.

    minilm-int8   all-MiniLM-L6-v2 as int8 ONNX: 23 MB, no torch at run time; the default
    minilm        the same weights in full precision, through sentence-transformers
    FOLDER        any SentenceTransformer folder, in full precision

A prepared model is a folder `minilm-int8@HASH.RECIPE` of `model.onnx`, `tokenizer.json` and
`manifest.json`. It is made beside its place and renamed into it, so it is whole or not there; two
hubs that prepare at once do the work twice and agree. Copying the folder is a way to install it.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from embeddings.encoder import Encoder
from embeddings.onnx_encoder import OnnxEncoder
from embeddings.preparing import RECIPE
from embeddings.sentence_encoder import SentenceEncoder
from embeddings.weights import INSTALL, MINILM, find, sha256_of, verify
from hub.errors import SetupError

QUANTISED = "minilm-int8"
FULL = "minilm"
NAMES = (QUANTISED, FULL)
STEPS = 6  # how many steps `prepare` announces for the quantised model when there is work to do
_STALE = 3_600  # seconds after which a half-made folder was left behind by somebody who died
_FILES = ("model.onnx", "tokenizer.json")

Announce = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is known of a model without loading it."""

    name: str
    id: str
    folder: Path | None  # where it is kept; None while it is not prepared
    note: str


def _quiet(_step: str) -> None:
    return None


def identify(name: str) -> str:
    """Return the encoder id that `name` will have: model, hash of its weights, what was done to them.

    Raises:
        SetupError: if there is no such encoder.
    """
    if name == QUANTISED:
        return f"{QUANTISED}@{MINILM.fingerprint}.{RECIPE}"
    if name == FULL:
        return f"{FULL}@{MINILM.fingerprint}"
    folder = _own_folder(name)
    weights = next(iter(sorted(folder.rglob("*.safetensors"))), None)
    if weights is None:
        raise SetupError(f"the encoder folder {name} holds no weights (*.safetensors)")
    return f"{folder.name}@{sha256_of(weights)[:8]}"


def describe(name: str, directory: Path) -> Prepared:
    """Tell what `name` is and whether it is prepared under `directory`.

    Raises:
        SetupError: if there is no such encoder.
    """
    encoder_id = identify(name)
    if name != QUANTISED:
        folder = find(MINILM) if name == FULL else _own_folder(name)
        return Prepared(name, encoder_id, folder, "full precision, needs torch when it runs")
    folder = directory.expanduser() / encoder_id
    fault = _fault(folder)
    if fault is None:
        return Prepared(name, encoder_id, folder, "prepared and whole")
    return Prepared(name, encoder_id, None, fault)


def prepare(name: str, directory: Path, *, progress: Announce | None = None) -> None:
    """Make what `name` needs under `directory`, unless it is there and whole.

    Args:
        name: one of `NAMES`, or a SentenceTransformer folder.
        directory: where prepared models are kept; made if it is missing.
        progress: is told each step in words, before it is done.

    Raises:
        SetupError: the weights are missing or not the published ones, the `model` extra is missing,
            the folder cannot be written, or the quantised model strays from full precision.
    """
    tell = progress or _quiet
    if name == QUANTISED:
        folder = directory.expanduser() / identify(name)
        if _fault(folder) is not None:
            _make(folder, tell)
    elif name == FULL:
        tell("comparing the weights with their published hash")
        verify(find(MINILM), MINILM)
    else:
        _own_folder(name)


def load(name: str, directory: Path, *, threads: int = 2, progress: Announce | None = None) -> Encoder:
    """Return the encoder `name`, preparing it first if need be.

    Args:
        name: one of `NAMES`, or a SentenceTransformer folder.
        directory: where prepared models are kept.
        threads: how many texts the quantised model encodes side by side.
        progress: as for `prepare`.

    Raises:
        SetupError: as `prepare`.
    """
    prepare(name, directory, progress=progress)
    encoder_id = identify(name)
    if name == QUANTISED:
        return OnnxEncoder(
            directory.expanduser() / encoder_id,
            encoder_id=encoder_id,
            dimensions=MINILM.dimensions,
            most_tokens=MINILM.most_tokens,
            threads=threads,
        )
    folder = find(MINILM) if name == FULL else _own_folder(name)
    return SentenceEncoder(folder, encoder_id=encoder_id)


def _own_folder(name: str) -> Path:
    folder = Path(name).expanduser()
    if not (folder / "modules.json").is_file():
        raise SetupError(
            f"there is no encoder {name!r}: choose {', '.join(NAMES)}, or the folder of a SentenceTransformer"
        )
    return folder.resolve()


def _fault(folder: Path) -> str | None:
    """Return what is wrong with a prepared folder, None if it is whole."""
    try:
        manifest = json.loads((folder / "manifest.json").read_bytes())
        for name in _FILES:
            if sha256_of(folder / name) != manifest["files"][name]:
                return f"{name} was changed after it was prepared"
    except FileNotFoundError:
        return "not prepared yet"
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"cannot be read ({type(error).__name__})"
    return None


def _make(folder: Path, tell: Announce) -> None:
    tell("comparing the weights with their published hash")
    source = find(MINILM)
    verify(source, MINILM)
    missing = [name for name in ("sentence_transformers", "torch", "onnx") if find_spec(name) is None]
    if missing:
        raise SetupError(f"preparing the model once needs {', '.join(missing)}: {INSTALL}")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _sweep(folder.parent)
        with tempfile.TemporaryDirectory(prefix=".preparing-", dir=folder.parent) as work:
            made = Path(work) / "made"
            made.mkdir()
            shutil.copyfile(source / "tokenizer.json", made / "tokenizer.json")
            _run(source, made, tell)
            _write_manifest(made)
            if folder.exists():  # damaged, else we would not be here; or another hub was faster
                folder.rename(Path(work) / "replaced")
            made.rename(folder)
    except OSError as error:
        if _fault(folder) is not None:
            raise SetupError(
                f"the prepared model cannot be written to {folder.parent}: {error.strerror or error}; "
                "set TUTTI_MODEL_DIR to a folder with 250 MB free"
            ) from error


def _run(source: Path, target: Path, tell: Announce) -> None:
    """Run `embeddings.preparing` in a process of its own and pass its steps on."""
    lines: list[str] = []
    with subprocess.Popen(  # noqa: S603 - our own program, with two paths of ours
        [sys.executable, "-m", "embeddings.preparing", str(source), str(target)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={**os.environ, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"},
    ) as child:
        assert child.stdout is not None
        for line in child.stdout:
            if line.startswith("step: "):
                tell(line.removeprefix("step: ").strip())
            elif line.strip():
                lines.append(line.strip())
    if child.returncode:
        reason = lines[-1] if lines else f"it ended with status {child.returncode}"
        raise SetupError(f"the embedding model could not be prepared: {reason}")


def _write_manifest(folder: Path) -> None:
    made_with = {}
    for package in ("torch", "transformers", "sentence-transformers", "onnx", "onnxruntime"):
        try:
            made_with[package] = version(package)
        except PackageNotFoundError:
            made_with[package] = "unknown"
    manifest = {
        "id": identify(QUANTISED),
        "model": MINILM.title,
        "weights_sha256": dict(MINILM.hashes)["model.safetensors"],
        "recipe": RECIPE,
        "files": {name: sha256_of(folder / name) for name in _FILES},
        "made_with": made_with,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")


def _sweep(directory: Path) -> None:
    """Remove what a killed preparation left behind long ago."""
    for leftover in directory.glob(".preparing-*"):
        if time.time() - leftover.stat().st_mtime > _STALE:
            shutil.rmtree(leftover, ignore_errors=True)
