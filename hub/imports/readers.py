"""Readers of JSON Lines, CSV and Parquet: one record at a time, whatever the file's size.

A reader never fails on a bad line: it yields the line with what is wrong about it, so that the import
can reject it with its reason and go on. It fails, with one clear sentence, on a file that cannot be
read at all.
"""

import csv
import hashlib
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from hub.errors import InvalidInput

LONGEST_LINE = 4_000_000  # bytes; a longer line is no record but a broken file
BATCH_ROWS = 4_096
_HASH_CHUNK = 1 << 20

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """One record of a file.

    `position` counts records from 0; `number` is what an editor shows (for Parquet the row, from 1).
    `fault` says what is wrong with a line that is no record; `row` is then what could be read of it.
    """

    position: int
    number: int
    row: Record
    fault: str | None = None


class Reader(Protocol):
    """A file of records."""

    @property
    def columns(self) -> tuple[str, ...] | None:
        """The names of the columns where the file declares them, else None."""
        ...

    @property
    def total(self) -> int | None:
        """How many records there are, where the file says so."""
        ...

    def lines(self, skip: int = 0) -> Iterator[Line]:
        """Yield the records behind the first `skip`."""
        ...

    def share(self) -> float:
        """Return how much of the file has been read, 0 to 1."""
        ...


class JsonLinesReader:
    """One JSON object a line; empty lines are none."""

    columns: tuple[str, ...] | None = None
    total: int | None = None

    def __init__(self, path: Path) -> None:
        self._path = path
        self._size = max(1, path.stat().st_size)
        self._read = 0

    def share(self) -> float:
        return min(1.0, self._read / self._size)

    def lines(self, skip: int = 0) -> Iterator[Line]:
        position = 0
        self._read = 0
        with self._path.open("rb") as file:
            for number, raw in _raw_lines(file.readline):
                self._read += len(raw)
                text = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
                if not text.strip():
                    continue
                if position >= skip:
                    yield _json_line(position, number, text)
                position += 1


def _raw_lines(readline: Callable[[int], bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield numbered lines, a too long one cut (its rest skipped), so that memory stays bounded."""
    number = 0
    while raw := readline(LONGEST_LINE + 1):
        number += 1
        rest = raw
        while len(rest) > LONGEST_LINE and not rest.endswith(b"\n"):
            rest = readline(LONGEST_LINE + 1)
        yield number, raw


def _json_line(position: int, number: int, text: bytes) -> Line:
    shown = {"text": text[:500].decode("utf-8", "replace").strip()}
    if len(text) > LONGEST_LINE:
        return Line(position, number, shown, f"the line is longer than {LONGEST_LINE} bytes")
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return Line(position, number, shown, f"not JSON: {error.msg} (column {error.colno})")
    if not isinstance(value, dict):
        return Line(position, number, shown, "not a JSON object")
    return Line(position, number, value)


class CsvReader:
    """Comma (or otherwise) separated values under a header; empty fields are absent."""

    total: int | None = None

    def __init__(self, path: Path, *, delimiter: str = ",", encoding: str = "utf-8-sig") -> None:
        self._path = path
        self._delimiter = delimiter
        self._encoding = encoding
        self._size = max(1, path.stat().st_size)
        self._read = 0
        header = next(self._records(), None)
        if header is None:
            raise InvalidInput(f"{path.name} is empty: a CSV file begins with a line of column names")
        _, names, fault = header
        self._header = tuple(name.strip() for name in names)
        double = sorted({name for name in self._header if self._header.count(name) > 1})
        if fault is not None or double:
            raise InvalidInput(
                f"the header of {path.name} cannot be used: "
                + (fault or f"the column {', '.join(map(repr, double))} is there twice")
            )

    @property
    def columns(self) -> tuple[str, ...]:
        return self._header

    def share(self) -> float:
        return min(1.0, self._read / self._size)

    def lines(self, skip: int = 0) -> Iterator[Line]:
        records = self._records()
        next(records, None)
        position = -1
        for number, fields, broken in records:
            if not fields and broken is None:
                continue
            position += 1
            if position < skip:
                continue
            fault = broken
            if fault is None and len(fields) != len(self._header):
                fault = f"{len(fields)} fields where the header has {len(self._header)}"
            if fault is None and any("\udc80" <= char <= "\udcff" for field in fields for char in field):
                fault = f"not readable as {self._encoding.removesuffix('-sig')}"
            if fault is not None:
                shown = [field.encode("utf-8", "replace").decode() for field in fields]
                yield Line(position, number, {"fields": shown}, fault)
                continue
            row = {name: text for name, text in zip(self._header, fields, strict=True) if text != ""}
            yield Line(position, number, row)

    def _records(self) -> Iterator[tuple[int, list[str], str | None]]:
        # What cannot be decoded is kept as surrogates, found above, and rejected with its line.
        with self._path.open(encoding=self._encoding, errors="surrogateescape", newline="") as file:
            self._read = 0
            reader = csv.reader(self._counted(file), delimiter=self._delimiter, strict=True)
            before = 0
            while True:
                try:
                    fields = next(reader)
                except StopIteration:
                    return
                except csv.Error as error:
                    yield before + 1, [], f"not CSV: {error}"
                else:
                    yield before + 1, fields, None
                before = reader.line_num

    def _counted(self, lines: Iterator[str]) -> Iterator[str]:
        for line in lines:
            self._read += len(line)
            yield line


class ParquetReader:
    """Parquet, read in batches of rows; nulls and NaN are absent."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            with pq.ParquetFile(path) as file:
                self._columns = tuple(file.schema_arrow.names)
                self._total = file.metadata.num_rows
        except (pa.ArrowInvalid, OSError) as error:
            raise InvalidInput(f"{path.name} is no Parquet file: {str(error).splitlines()[0]}") from None
        self._read = 0

    @property
    def columns(self) -> tuple[str, ...]:
        return self._columns

    @property
    def total(self) -> int:
        return self._total

    def share(self) -> float:
        return self._read / max(1, self._total)

    def lines(self, skip: int = 0) -> Iterator[Line]:
        position = 0
        with pq.ParquetFile(self._path, memory_map=True) as file:
            for batch in file.iter_batches(batch_size=BATCH_ROWS):
                self._read = position + batch.num_rows
                if self._read <= skip:
                    position += batch.num_rows
                    continue
                columns = [column.to_pylist() for column in batch.columns]
                for values in zip(*columns, strict=True):
                    if position >= skip:
                        row = {
                            name: value
                            for name, value in zip(self._columns, values, strict=True)
                            if value is not None and not (isinstance(value, float) and math.isnan(value))
                        }
                        yield Line(position, position + 1, row)
                    position += 1


FORMATS: Mapping[str, tuple[str, ...]] = {
    "jsonl": (".jsonl", ".ndjson", ".json"),
    "csv": (".csv", ".tsv", ".txt"),
    "parquet": (".parquet", ".pq"),
}


def open_reader(
    path: Path, *, form: str | None = None, delimiter: str | None = None, encoding: str | None = None
) -> Reader:
    """Open a file by its format, told or read off its name.

    Raises:
        InvalidInput: the file is not there, cannot be read, or its format is not one of ours.
    """
    if not path.is_file():
        raise InvalidInput(f"there is no file {path}", path=("file",))
    if form is None:
        form = next((name for name, ends in FORMATS.items() if path.suffix.lower() in ends), None)
    if form is None:
        raise InvalidInput(
            f"the format of {path.name} cannot be read off its name; "
            'say it in the mapping: [read] format = "jsonl", "csv" or "parquet"',
            path=("file",),
        )
    try:
        if form == "parquet":
            return ParquetReader(path)
        if form == "csv":
            separator = delimiter or ("\t" if path.suffix.lower() == ".tsv" else ",")
            return CsvReader(path, delimiter=separator, encoding=encoding or "utf-8-sig")
        return JsonLinesReader(path)
    except OSError as error:
        raise InvalidInput(f"{path.name} cannot be read: {error.strerror}", path=("file",)) from None


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hex: the same content is the same import."""
    hashing = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_HASH_CHUNK):
            hashing.update(chunk)
    return hashing.hexdigest()
