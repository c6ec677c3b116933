"""The mapping language: what it understands, and that a fault names the field that holds it."""

import copy
from pathlib import Path
from typing import Any

import pytest

from hub.errors import InvalidInput
from hub.imports.columns import check_columns
from hub.imports.mapping import load_mapping, parse_mapping

ORDERS: dict[str, Any] = {
    "events": [
        {
            "name": "orders",
            "group": "{Invoice}",
            "message": {"type": "track", "event": "Order Completed", "messageId": "o-{Invoice}"},
            "item": {"product_id": "{Code}"},
        }
    ]
}


def changed(path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    given = copy.deepcopy(ORDERS)
    at: Any = given
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    return given


def refusal(given: dict[str, Any]) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        parse_mapping(given)
    return caught.value


class TestFaults:
    def test_a_misspelt_field_is_named_with_those_that_there_are(self):
        error = refusal(changed(("events", 0, "mesage"), {}))
        assert error.path == ("events", 0, "mesage")
        assert "events[0].mesage: there is no such field" in error.message
        assert "message" in error.message

    def test_a_misspelt_test_is_named_with_those_that_there_are(self):
        error = refusal(changed(("events", 0, "where"), {"Invoice": {"match": "C.*"}}))
        assert error.path == ("events", 0, "where", "Invoice", "match")
        assert "not_matches" in error.message

    def test_a_broken_regular_expression_is_refused_where_it_stands(self):
        error = refusal(changed(("events", 0, "where"), {"Invoice": {"matches": "C("}}))
        assert error.path == ("events", 0, "where", "Invoice", "matches")
        assert "not a regular expression" in error.message

    def test_an_unknown_time_zone_is_refused(self):
        error = refusal({**ORDERS, "read": {"timezone": "Europe/Londinium"}})
        assert error.path == ("read", "timezone")

    def test_a_group_without_message_id_would_count_twice_and_is_refused(self):
        error = refusal(changed(("events", 0, "message"), {"type": "track"}))
        assert error.path == ("events", 0, "message")
        assert "messageId" in error.message

    def test_items_without_a_group_are_refused(self):
        given = copy.deepcopy(ORDERS)
        del given["events"][0]["group"]
        assert refusal(given).path == ("events", 0, "item")

    def test_two_sections_of_one_name_are_refused(self):
        given = copy.deepcopy(ORDERS)
        given["once"] = [{"name": "orders", "by": "{Invoice}", "message": {"messageId": "x-{Invoice}"}}]
        assert refusal(given).path == ("events", 0, "name")

    def test_an_entry_without_key_is_refused(self):
        assert refusal({"contents": {"fields": {"title": "{Name}"}}}).path == ("contents", "fields")

    def test_a_mapping_that_makes_nothing_is_refused(self):
        assert "makes nothing" in refusal({"title": "empty"}).message

    def test_toml_that_is_none_is_refused_with_its_line(self, tmp_path: Path):
        path = tmp_path / "mapping.toml"
        path.write_text("[contents\n")
        with pytest.raises(InvalidInput, match="line 1"):
            load_mapping(path)

    def test_a_mapping_that_is_not_there_is_refused(self, tmp_path: Path):
        with pytest.raises(InvalidInput, match="No such file"):
            load_mapping(tmp_path / "none.toml")


class TestColumns:
    def test_a_column_that_the_file_does_not_have_is_named_where_it_is_used(self):
        with pytest.raises(InvalidInput) as caught:
            check_columns(parse_mapping(ORDERS), ["Invoice", "StockCode"])
        assert caught.value.path == ("events", 0, "item", "product_id")
        assert "no column 'Code'; it has: Invoice, StockCode" in caught.value.message

    @pytest.mark.parametrize(
        ("path", "value"),
        [
            (("events", 0, "where"), {"Gone": {"empty": True}}),
            (("events", 0, "reject"), [{"when": {"Gone": 1}, "reason": "no"}]),
            (("events", 0, "group"), "{Gone|int}"),
            (("events", 0, "item"), {"a": {"b": ["{Gone}"]}}),
            (("events", 0, "item"), {"a": {"value": "x", "when": {"Gone": {"empty": True}}}}),
            (("reject",), [{"when": {"Gone": 1}, "reason": "no"}]),
            (("once",), [{"name": "x", "by": "{Gone}", "message": {"messageId": "m"}}]),
        ],
    )
    def test_columns_are_found_wherever_a_mapping_names_them(self, path, value):
        with pytest.raises(InvalidInput, match="no column 'Gone'"):
            check_columns(parse_mapping(changed(path, value)), ["Invoice", "Code"])

    def test_a_mapping_that_fits_passes(self):
        check_columns(parse_mapping(ORDERS), ["Invoice", "Code", "Unused"])


class TestDigest:
    def test_the_same_meaning_has_the_same_digest_whatever_its_order(self):
        backwards = {"events": [dict(reversed(ORDERS["events"][0].items()))]}
        assert parse_mapping(ORDERS).digest == parse_mapping(backwards).digest

    def test_another_meaning_has_another_digest(self):
        assert parse_mapping(ORDERS).digest != parse_mapping(changed(("events", 0, "window"), 7)).digest


def test_sections_come_in_the_order_in_which_they_can_refer_to_each_other():
    mapping = parse_mapping(
        {
            **ORDERS,
            "answers": {"fields": {"key": "{k}"}},
            "contents": {"fields": {"key": "{k}"}},
            "brand_facts": {"fields": {"key": "{k}"}},
        }
    )
    assert mapping.sections == ("brand_facts", "contents", "answers", "events")
