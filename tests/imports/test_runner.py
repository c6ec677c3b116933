"""The runner's laws: every line is accounted for once, and a killed import ends as one that was not."""

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.errors import InvalidInput, SetupError
from hub.imports import runner
from hub.imports.mapping import parse_mapping
from hub.imports.readers import Line, open_reader
from hub.imports.rejects import RejectsFile
from hub.imports.runner import Job, restart_scattered, run
from hub.imports.service import _shapers
from hub.imports.state import ImportState, SectionState, state_from_document, state_to_document

MAPPING = parse_mapping(
    {
        "reject": [{"when": {"code": {"equals": "POST"}}, "reason": "postage"}],
        "contents": {
            "group": "{code}",
            "order": "{at}",
            "fields": {
                "key": "{code}",
                "title": {"value": "{name}", "pick": "most_frequent"},
                "price": {"value": "{price|number}", "pick": "latest"},
            },
        },
        "events": [
            {
                "name": "orders",
                "group": "{invoice}",
                "window": 4,
                "merge": {"same": ["id"], "add": ["n"]},
                "message": {"messageId": "o-{invoice}"},
                "item": {"id": "{code}", "n": "{n|int}"},
            }
        ],
    }
)


class Killed(BaseException):
    """The process is gone."""


class Quiet:
    def begin(self, section):
        pass

    def advance(self, share, lines):
        pass

    def fold(self, facets):
        pass


class Remembering:
    """A store: messages count once by their id; entries are what was put last."""

    def __init__(self, memory: dict, wrong: str = "") -> None:
        self.memory, self.wrong, self.tally = memory, wrong, Counter()

    async def take(self, units):
        refused = {}
        for at, unit in enumerate(units):
            if self.wrong and self.wrong in json.dumps(unit.value):
                refused[at] = "refused by the store"
                continue
            key = unit.value.get("messageId") or unit.value["key"]
            if key in self.memory and self.memory[key][1] != unit.lines[0].number:
                refused[at] = "torn"
            else:
                self.memory.setdefault(key, (unit.value, unit.lines[0].number))
        return refused


async def import_all(
    path: Path, memory: dict, kept: dict, *, killed_at: int = -1, wrong: str = ""
) -> ImportState:
    shapers = _shapers(MAPPING, MAPPING.sections)
    state = (
        state_from_document(kept["state"])
        if kept
        else ImportState(path.name, {name: SectionState() for name in shapers})
    )
    saves = 0

    async def save(state):
        nonlocal saves
        saves += 1
        if saves == killed_at:
            raise Killed
        kept["state"] = state_to_document(state)

    with RejectsFile(path.with_suffix(".rejects"), source=path) as rejects:
        assert rejects.resume(state.rejects_size, state.rejects_sha256)
        restart_scattered(state, {"contents": True})
        jobs = [Job(name, shaper, Remembering(memory, wrong)) for name, shaper in shapers.items()]
        await run(open_reader(path), jobs, state, rejects, save=save, progress=Quiet())
    return state


def rejected(path: Path) -> list[dict]:
    file = path.with_suffix(".rejects")
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


LINES = st.lists(
    st.fixed_dictionaries(
        {
            "invoice": st.sampled_from("ABC"),
            "code": st.sampled_from(["1", "2", "POST"]),
            "n": st.sampled_from([1, 2, "many"]),
            "name": st.sampled_from(["red", "blue"]),
            "price": st.integers(1, 9),
            "at": st.integers(0, 5),
        }
    ),
    max_size=25,
)


@pytest.fixture
def small_batches(monkeypatch):
    monkeypatch.setattr(runner, "MOST_UNITS", 2)
    monkeypatch.setattr(runner, "MOST_LINES", 3)


PROPERTY = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@PROPERTY
@given(lines=LINES, wrong=st.sampled_from(["", '"1"']))
async def test_every_line_is_accounted_for_once_in_every_section(tmp_path, small_batches, lines, wrong):
    path = tmp_path / "lines.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    memory: dict = {}
    state = await import_all(path, memory, {}, wrong=wrong)
    found = rejected(path)
    for name, section in state.sections.items():
        counts = section.counts
        assert counts.imported + counts.merged + counts.rejected == len(lines)
        of_section = [record["line"] for record in found if record["section"] == name]
        assert len(of_section) == len(set(of_section)) == counts.rejected
        assert sum(counts.reasons.values()) == counts.rejected
    assert state.sections["events"].position == len(lines)
    assert not state.sections["events"].ahead
    quantities = sum(
        item["n"]
        for value, _ in memory.values()
        if "properties" in value
        for item in value["properties"]["products"]
    )
    gone = {record["line"] for record in found if record["section"] == "events"}
    assert quantities == sum(line["n"] for at, line in enumerate(lines, 1) if at not in gone)


@PROPERTY
@given(lines=LINES, kills=st.lists(st.integers(1, 6), max_size=4), wrong=st.sampled_from(["", '"1"']))
async def test_an_import_killed_anywhere_ends_as_one_that_was_not(
    tmp_path, small_batches, lines, kills, wrong
):
    path = tmp_path / "lines.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    whole: dict = {}
    expected = state_to_document(await import_all(path, whole, {}, wrong=wrong))
    expected_rejects = rejected(path)
    path.with_suffix(".rejects").unlink(missing_ok=True)

    memory: dict = {}
    kept: dict = {}
    for kill in kills:
        try:
            await import_all(path, memory, kept, killed_at=kill, wrong=wrong)
        except Killed:
            continue
    ended = state_to_document(await import_all(path, memory, kept, wrong=wrong))
    assert memory == whole
    assert {k: v for k, v in ended.items() if k != "rejects"} == {
        k: v for k, v in expected.items() if k != "rejects"
    }
    in_order = lambda records: sorted(records, key=lambda record: (record["section"], record["line"]))  # noqa: E731
    assert in_order(rejected(path)) == in_order(expected_rejects)


async def test_entries_of_scattered_lines_take_what_each_field_asks_for(tmp_path):
    path = tmp_path / "lines.jsonl"
    rows = [("red", 1, 1), ("blue", 5, 3), ("red", 9, 2)]
    path.write_text(
        "".join(
            json.dumps({"invoice": "A", "code": "7", "n": 1, "name": name, "price": price, "at": at}) + "\n"
            for name, price, at in rows
        )
    )
    memory: dict = {}
    state = await import_all(path, memory, {})
    assert memory["7"][0] == {"key": "7", "title": "red", "price": 5}
    assert memory["o-A"][0]["properties"]["products"] == [{"id": "7", "n": 3}]
    counts = state.sections["contents"].counts
    assert (counts.imported, counts.merged, counts.rejected) == (1, 2, 0)


class TestRejectsFile:
    def test_an_empty_one_is_not_left_behind(self, tmp_path):
        with RejectsFile(tmp_path / "r.jsonl", source=tmp_path / "a.csv"):
            pass
        assert not (tmp_path / "r.jsonl").exists()

    def test_a_second_import_does_not_write_into_it(self, tmp_path):
        path = tmp_path / "r.jsonl"
        with RejectsFile(path, source=tmp_path / "a.csv"), pytest.raises(SetupError, match="another import"):
            RejectsFile(path, source=tmp_path / "a.csv")

    def test_it_is_never_the_file_that_is_imported(self, tmp_path):
        path = tmp_path / "a.jsonl"
        path.write_text('{"key": "a"}\n')
        with pytest.raises(InvalidInput, match="is the file that is imported"):
            RejectsFile(path, source=path)
        assert path.read_text() == '{"key": "a"}\n'

    def test_a_folder_that_is_not_there_is_one_clear_sentence(self, tmp_path):
        with pytest.raises(SetupError, match="cannot be written"):
            RejectsFile(tmp_path / "none" / "r.jsonl", source=tmp_path / "a.csv")

    def test_a_file_of_something_else_is_left_alone(self, tmp_path):
        path = tmp_path / "r.jsonl"
        path.write_text("something else\n")
        with pytest.raises(SetupError, match="is no rejects file"):
            RejectsFile(path, source=tmp_path / "a.csv")
        assert path.read_text() == "something else\n"

    def test_it_is_cut_back_to_a_checkpoint_and_to_no_other(self, tmp_path):
        path = tmp_path / "r.jsonl"
        line = Line(0, 1, {"a": 1})
        with RejectsFile(path, source=tmp_path / "a.csv") as rejects:
            rejects.write("events", line, "one")
            size, sha256 = rejects.checkpoint()
            rejects.write("events", line, "two")
        with RejectsFile(path, source=tmp_path / "a.csv") as rejects:
            assert not rejects.resume(size, "0" * 64)
            assert not rejects.resume(10_000, sha256)
            assert rejects.resume(size, sha256)
            rejects.write("events", line, "three")
            assert rejects.checkpoint()[0] > size
        assert [json.loads(text)["reason"] for text in path.read_text().splitlines()] == ["one", "three"]
