"""Documents and dataclasses: the one converter, and vectors as BSON binary vectors.

    Decimal       <-> Decimal128           exact
    StrEnum       <-> its value
    tuple         <-> array                frozenset too, sorted
    datetime      <-> date                 aware, UTC, milliseconds
    NDArray       <-> binary, subtype 9    float32: 1,551 bytes for 384 numbers; an array of doubles takes 4,895
    Any           <-> itself, with the rules above for what lies in it

Field names are document keys; mappings with keys from outside (which may hold dots and dollars) are the
affair of the room that owns them.
"""

from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, TypeVar, get_origin

import cattrs
import numpy as np
from bson import Binary, Decimal128
from bson.binary import VECTOR_SUBTYPE
from numpy.typing import NDArray

from hub.kit.clock import to_milliseconds

T = TypeVar("T")

FLOAT32_HEADER = b"\x27\x00"  # element type float32, no padding (BSON binary vector, subtype 9)


def vector_to_bson(vector: NDArray[np.floating[Any]]) -> Binary:
    """Return a (d,) vector as a BSON binary vector of float32.

    Raises:
        ValueError: if it has not exactly one dimension.
    """
    if vector.ndim != 1:
        raise ValueError(f"a vector has one dimension, not {vector.ndim}")
    return Binary(FLOAT32_HEADER + vector.astype("<f4", copy=False).tobytes(), VECTOR_SUBTYPE)


def vector_from_bson(binary: bytes) -> NDArray[np.float32]:
    """Return the (d,) float32 vector, read-only, of a BSON binary vector.

    Raises:
        ValueError: if it is no binary vector of float32.
    """
    if getattr(binary, "subtype", None) != VECTOR_SUBTYPE or binary[:2] != FLOAT32_HEADER:
        raise ValueError("not a BSON binary vector of float32")
    return np.frombuffer(binary, "<f4", offset=2).astype(np.float32, copy=False)


def to_document(value: Any, **extra: Any) -> dict[str, Any]:
    """Return a dataclass as a document, with `extra` fields (such as `_id`) beside its own."""
    document: dict[str, Any] = converter.unstructure(value)
    return {**extra, **document}


def from_document(cls: type[T], document: Any) -> T:
    """Return the dataclass that a document holds; fields it does not know are left alone."""
    return converter.structure(document, cls)


def _datetime(value: Any, _type: Any) -> datetime:
    if not isinstance(value, datetime):
        raise TypeError(f"{type(value).__name__} is not a date")
    return to_milliseconds(value if value.tzinfo else value.replace(tzinfo=UTC))


def _decimal(value: Any, _type: Any) -> Decimal:
    return value.to_decimal() if isinstance(value, Decimal128) else Decimal(str(value))


def _anything(value: Any, _type: Any = Any) -> Any:
    if isinstance(value, Decimal128):
        return value.to_decimal()
    if isinstance(value, dict):
        return {k: _anything(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_anything(v) for v in value]
    return value


def _enum(value: Enum) -> Any:
    return value.value


def _is_array(cls: Any) -> bool:
    return (get_origin(cls) or cls) is np.ndarray


def _make_converter() -> cattrs.Converter:
    made = cattrs.Converter(
        detailed_validation=False, unstruct_collection_overrides={tuple: list, frozenset: sorted, set: sorted}
    )
    made.register_unstructure_hook(Decimal, Decimal128)
    made.register_unstructure_hook(datetime, to_milliseconds)
    made.register_unstructure_hook(np.generic, lambda number: number.item())
    made.register_unstructure_hook(bytes, lambda data: data)
    made.register_unstructure_hook_func(_is_array, vector_to_bson)
    made.register_structure_hook(Decimal, _decimal)
    made.register_structure_hook(datetime, _datetime)
    made.register_structure_hook(bytes, lambda data, _type: bytes(data))
    made.register_structure_hook_func(_is_array, lambda data, _type: vector_from_bson(data))
    made.register_structure_hook_func(lambda cls: cls is Any, _anything)
    return made


converter = _make_converter()
