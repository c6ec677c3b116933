"""Turn published weights into an int8 ONNX model: `python -m embeddings.preparing SOURCE TARGET`.

It runs as a child process of `embeddings.models.prepare`, so that torch (half a gigabyte once it is
imported) never lives in a hub. Each step is announced as one line, `step: ...`, on standard output.

The recipe (about 10 s): trace with a padded mask, so that masking stays in the graph; fuse with
onnxruntime's transformer optimiser; quantise weights to signed 8 bits, one scale a channel, in a
reduced range (7 bits) that cannot saturate on processors without VNNI. The result is then compared
with full precision, and refused if it strays.
"""

import logging
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

RECIPE = 1  # part of the encoder's id: raise it whenever the recipe gives other vectors
LEAST_COSINE = 0.97  # to full precision; measured .985 to .996 on these probes
PROBES = (
    "lunch bag",
    "a birthday present for someone who likes to bake bread at the weekend",
    "How do I send back a parcel that came broken?",
    "Pruning roses in late winter: where to cut, which tools to use, and what to leave alone.",
)


def announce(step: str) -> None:
    """Tell the parent process what is being done."""
    print(f"step: {step}", flush=True)  # noqa: T201 - standard output is this program's interface


def prepare_int8(source: Path, target: Path) -> None:
    """Write `model.onnx` (int8) of the SentenceTransformer folder `source` into the folder `target`.

    Raises:
        RuntimeError: if the quantised model strays from full precision.
    """
    announce("loading torch and the published weights")
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(
        str(source), device="cpu", local_files_only=True, model_kwargs={"attn_implementation": "eager"}
    )
    announce("tracing the model")
    traced, fused = target / "traced.onnx", target / "fused.onnx"
    _trace(model[0].auto_model.eval(), traced)
    announce("fusing its operators")
    from onnxruntime.transformers import optimizer

    config = model[0].auto_model.config
    optimizer.optimize_model(
        str(traced),
        model_type="bert",
        num_heads=config.num_attention_heads,
        hidden_size=config.hidden_size,
    ).save_model_to_file(str(fused))
    announce("quantising its weights to 8 bits")
    from onnx import TensorProto
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(
        fused,
        target / "model.onnx",
        weight_type=QuantType.QInt8,
        per_channel=True,
        reduce_range=True,
        # fused operators are not of the standard domain: shape inference cannot tell what they give
        extra_options={"DefaultTensorType": TensorProto.FLOAT},
    )
    traced.unlink()
    fused.unlink()
    announce("comparing with full precision")
    _compare(model, target)


def _trace(bert: Any, path: Path) -> None:
    import torch

    class Tokens(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.bert = bert

        def forward(self, input_ids: Any, attention_mask: Any, token_type_ids: Any) -> Any:
            return self.bert(
                input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
            ).last_hidden_state

    # Two texts, the first padded: with a mask of ones alone, tracing would drop the masking.
    tokens = torch.tensor([[101, 7592, 2088, 102, 0, 0], [101, 7592, 2088, 2003, 2204, 102]])
    mask = (tokens != 0).long()
    inputs = ["input_ids", "attention_mask", "token_type_ids"]
    torch.onnx.export(
        Tokens(),
        (tokens, mask, torch.zeros_like(tokens)),
        str(path),
        dynamo=False,
        opset_version=17,
        input_names=inputs,
        output_names=["states"],
        dynamic_axes={name: {0: "texts", 1: "tokens"} for name in [*inputs, "states"]},
    )


def _compare(model: Any, target: Path) -> None:
    from embeddings.onnx_encoder import OnnxEncoder

    quantised = OnnxEncoder(
        target,
        encoder_id="under test",
        dimensions=model[0].auto_model.config.hidden_size,
        most_tokens=model.max_seq_length,
        threads=1,
    )
    full = model.encode(list(PROBES), normalize_embeddings=True, show_progress_bar=False)
    cosines = np.einsum("ij,ij->i", full, quantised.encode(PROBES))
    if cosines.min() < LEAST_COSINE:
        raise RuntimeError(
            f"the quantised model strays from full precision (cosine {cosines.min():.3f}, "
            f"at least {LEAST_COSINE} expected)"
        )


def main() -> None:
    """Run as a program: two arguments, the folder of the weights and the folder to write to."""
    source, target = map(Path, sys.argv[1:3])
    if not (source / "modules.json").is_file():  # told before torch takes its seconds to load
        sys.exit(f"there is no SentenceTransformer in {source}")
    logging.basicConfig(level=logging.ERROR)
    warnings.simplefilter("ignore")  # the legacy exporter warns of itself; the comparison is our check
    prepare_int8(source, target)


if __name__ == "__main__":
    main()
