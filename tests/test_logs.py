"""Log lines: one JSON object each, of the level that was asked for, and never in the way of an answer."""

import io
import json
import logging
import sys

import pytest
import structlog

from hub.logs import configure


@pytest.fixture(autouse=True)
def as_before():
    """Leave logging as it was."""
    config, root = structlog.get_config(), logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.configure(**config)
    root.handlers[:], root.level = handlers, level


def lines(text: str):
    return [json.loads(line) for line in text.splitlines()]


def test_a_line_is_one_json_object_with_its_level_and_time(capsys):
    configure("json", "info")
    structlog.get_logger("tutti").info("request", route="graphql", ms=1.5)
    [line] = lines(capsys.readouterr().err)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "request", "level": "info", "route": "graphql", "ms": 1.5}


def test_what_is_below_the_level_is_not_written(capsys):
    configure("json", "warning")
    log = structlog.get_logger("tutti")
    log.info("request")
    log.warning("late")
    assert [line["event"] for line in lines(capsys.readouterr().err)] == ["late"]


def test_lines_of_others_come_in_the_same_form(capsys):
    configure("json", "info")
    logging.getLogger("somebody").warning("%s of %s", 1, 2)
    logging.getLogger("pymongo").info("a document")
    [line] = lines(capsys.readouterr().err)
    assert (line["event"], line["level"]) == ("1 of 2", "warning")


def test_a_fault_is_told_with_its_place_and_without_the_values_there(capsys):
    configure("json", "info")
    secret = "rosa@example.com"
    try:
        _ = {}[len(secret)]
    except KeyError:
        structlog.get_logger("tutti").exception("broke")
    written = capsys.readouterr().err
    [line] = lines(written)
    assert "KeyError" in line["exception"]
    assert "test_logs.py" in line["exception"]
    assert secret not in written


@pytest.mark.parametrize("form", ["json", "pretty"])
def test_standard_error_is_that_of_the_moment_and_one_that_is_closed_raises_nothing(form, monkeypatch):
    configure(form, "info")
    log = structlog.get_logger("tutti")
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stderr", closed)
    log.info("lost")
    later = io.StringIO()
    monkeypatch.setattr(sys, "stderr", later)
    log.info("told")
    assert "told" in later.getvalue()
    assert "lost" not in later.getvalue()
