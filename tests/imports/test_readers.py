"""Readers: every record with its line, bad ones with what is wrong, and any suffix of a file on its own."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.errors import InvalidInput
from hub.imports import readers
from hub.imports.readers import CsvReader, JsonLinesReader, ParquetReader, open_reader


def written(path: Path, content: bytes | str) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


class TestJsonLines:
    def test_records_keep_their_line_and_empty_lines_are_none(self, tmp_path):
        path = written(tmp_path / "a.jsonl", '{"a": 1}\n\n  \n{"a": 2}')
        assert [(line.position, line.number, line.row) for line in JsonLinesReader(path).lines()] == [
            (0, 1, {"a": 1}),
            (1, 4, {"a": 2}),
        ]

    def test_a_byte_order_mark_is_no_fault(self, tmp_path):
        path = written(tmp_path / "a.jsonl", b'\xef\xbb\xbf{"a": 1}\n')
        assert [line.row for line in JsonLinesReader(path).lines()] == [{"a": 1}]

    @pytest.mark.parametrize(
        ("text", "fault"),
        [
            ("{broken", "not JSON"),
            ("[1]", "not a JSON object"),
            ("\xff\xfe", "not JSON"),
            ("{} {}", "not JSON"),
        ],
    )
    def test_a_bad_line_is_told_and_the_next_is_read(self, tmp_path, text, fault):
        path = written(tmp_path / "a.jsonl", text.encode("latin-1") + b'\n{"a": 2}\n')
        first, second = JsonLinesReader(path).lines()
        assert first.fault is not None
        assert fault in first.fault
        assert second.row == {"a": 2}

    def test_a_line_without_end_is_cut_and_told(self, tmp_path, monkeypatch):
        monkeypatch.setattr(readers, "LONGEST_LINE", 100)
        path = written(tmp_path / "a.jsonl", b'{"a": "' + b"x" * 1_000 + b'"}\n{"a": 2}\n')
        first, second = JsonLinesReader(path).lines()
        assert first.fault == "the line is longer than 100 bytes"
        assert (second.number, second.row) == (2, {"a": 2})


class TestCsv:
    def test_records_keep_the_line_they_begin_in(self, tmp_path):
        path = written(tmp_path / "a.csv", 'a,b\n1,"two\nlines"\n3,\n')
        assert [(line.number, line.row) for line in CsvReader(path).lines()] == [
            (2, {"a": "1", "b": "two\nlines"}),
            (4, {"a": "3"}),
        ]

    def test_too_few_and_too_many_fields_are_told(self, tmp_path):
        path = written(tmp_path / "a.csv", "a,b\n1\n1,2,3\n1,2\n")
        assert [line.fault for line in CsvReader(path).lines()] == [
            "1 fields where the header has 2",
            "3 fields where the header has 2",
            None,
        ]

    def test_what_cannot_be_decoded_is_told_and_the_next_is_read(self, tmp_path):
        path = written(tmp_path / "a.csv", b"a\ncaf\xe9\ncafe\n")
        assert [(line.number, line.fault) for line in CsvReader(path).lines()] == [
            (2, "not readable as utf-8"),
            (3, None),
        ]

    def test_another_encoding_and_delimiter(self, tmp_path):
        path = written(tmp_path / "a.csv", b"a;b\ncaf\xe9;1\n")
        reader = open_reader(path, delimiter=";", encoding="latin-1")
        assert [line.row for line in reader.lines()] == [{"a": "café", "b": "1"}]

    @pytest.mark.parametrize(("text", "reason"), [("", "is empty"), ("a,b,a\n", "'a' is there twice")])
    def test_a_header_that_cannot_be_used_is_refused(self, tmp_path, text, reason):
        with pytest.raises(InvalidInput, match=reason):
            CsvReader(written(tmp_path / "a.csv", text))


class TestParquet:
    def test_nulls_and_nan_are_absent(self, tmp_path):
        table = pa.table({"a": [1.0, None, float("nan")], "b": ["x", "y", None]})
        pq.write_table(table, tmp_path / "a.parquet")
        reader = ParquetReader(tmp_path / "a.parquet")
        assert (reader.columns, reader.total) == (("a", "b"), 3)
        assert [(line.number, line.row) for line in reader.lines()] == [
            (1, {"a": 1.0, "b": "x"}),
            (2, {"b": "y"}),
            (3, {}),
        ]

    def test_what_is_no_parquet_is_refused(self, tmp_path):
        with pytest.raises(InvalidInput, match="is no Parquet file"):
            ParquetReader(written(tmp_path / "a.parquet", "a,b\n"))


class TestOpening:
    def test_a_file_that_is_not_there_is_refused(self, tmp_path):
        with pytest.raises(InvalidInput, match="there is no file"):
            open_reader(tmp_path / "none.csv")

    def test_a_format_that_cannot_be_told_is_asked_for(self, tmp_path):
        with pytest.raises(InvalidInput, match=r"\[read\] format"):
            open_reader(written(tmp_path / "a.dat", "a\n1\n"))
        reader = open_reader(tmp_path / "a.dat", form="csv")
        assert [line.row for line in reader.lines()] == [{"a": "1"}]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(values=st.lists(st.text(alphabet="ab,\"\n '", min_size=1), max_size=12), skip=st.integers(0, 14))
def test_reading_from_anywhere_gives_the_rest_of_what_reading_from_the_start_gives(tmp_path, values, skip):
    import csv
    import json

    with (tmp_path / "a.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["a"], *([value] for value in values)])
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"a": value}) + "\n" for value in values))
    pq.write_table(pa.table({"a": pa.array(values, pa.string())}), tmp_path / "a.parquet")
    for name in ("a.csv", "a.jsonl", "a.parquet"):
        reader = open_reader(tmp_path / name)
        everything = list(reader.lines())
        assert [line.row for line in everything] == [{"a": value} for value in values]
        assert list(reader.lines(skip)) == everything[skip:]
