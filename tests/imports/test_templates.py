"""Templates, conditions and picks: what a line's columns become."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import InvalidInput
from hub.imports.conditions import Test, compile_conditions
from hub.imports.templates import Dialect, Unfit, compile_template
from hub.imports.values import compile_value

LONDON = Dialect(ZoneInfo("Europe/London"))


def render(template: str, **row: object) -> object:
    return compile_template(template, LONDON)(row)


class TestTemplates:
    def test_one_column_keeps_its_type(self):
        assert render("{a}", a=2.5) == 2.5

    def test_text_around_a_column_makes_text(self):
        assert render("visit-{a}", a=17850.0) == "visit-17850"

    def test_a_constant_is_itself(self):
        assert render("GBP") == "GBP"

    def test_doubled_braces_are_braces(self):
        assert render("{{{a}}}", a=1) == "{1}"

    @pytest.mark.parametrize("row", [{}, {"a": None}, {"a": ""}])
    def test_an_absent_column_makes_the_whole_absent(self, row):
        assert compile_template("x-{a}", LONDON)(row) is None

    def test_a_default_stands_for_an_absent_column(self):
        assert render("x-{a|default:none}") == "x-none"

    @pytest.mark.parametrize(
        ("template", "value", "made"),
        [
            ("{a|int}", 17850.0, 17850),
            ("{a|int}", "12", 12),
            ("{a|number}", " 2.55 ", 2.55),
            ("{a|abs}", -3, 3),
            ("{a|strip}", "  a   b ", "a b"),
            ("{a|sentence}", "WHITE HANGING  HEART", "White hanging heart"),
            ("{a|upper}", "85123a", "85123A"),
            ("{a|slug}", "United Kingdom!", "united-kingdom"),
            ("{a|split:;}", "red; ;blue", ["red", "blue"]),
            ("{a|strip|lower}", " A  B ", "a b"),
        ],
    )
    def test_pipes(self, template, value, made):
        assert render(template, a=value) == made

    def test_a_time_without_zone_is_the_mappings_own(self):
        assert render("{a|time}", a="2011-06-01 08:26:00") == datetime(2011, 6, 1, 7, 26, tzinfo=UTC)
        assert render("{a|time}", a="2010-12-01 08:26:00") == datetime(2010, 12, 1, 8, 26, tzinfo=UTC)

    def test_a_time_with_zone_keeps_its_instant(self):
        assert render("{a|time}", a="2011-06-01T08:26:00Z") == datetime(2011, 6, 1, 8, 26, tzinfo=UTC)

    def test_a_time_of_another_form(self):
        assert render("{a|time:%d/%m/%Y %H:%M}", a="01/12/2010 08:26") == datetime(
            2010, 12, 1, 8, 26, tzinfo=UTC
        )

    @pytest.mark.parametrize(
        ("template", "value", "reason"),
        [
            ("{a|int}", "twelve", "a: 'twelve' is not a number"),
            ("{a|int}", 1.5, "a: 1.5 is not a whole number"),
            ("{a|number}", "nan", "a: 'nan' is not a number"),
            ("{a|time}", "yesterday", "a: 'yesterday' is not a time"),
        ],
    )
    def test_a_value_that_a_pipe_cannot_take_rejects_the_line_with_the_column(self, template, value, reason):
        with pytest.raises(Unfit) as caught:
            render(template, a=value)
        assert str(caught.value) == reason

    @pytest.mark.parametrize("template", ["{a", "a}", "{}", "{ }", "{a|shout}", "{a|int:3}"])
    def test_a_template_that_cannot_be_understood_is_refused_with_its_path(self, template):
        with pytest.raises(InvalidInput) as caught:
            compile_template(template, LONDON, ("contents", "fields", "title"))
        assert caught.value.path == ("contents", "fields", "title")

    @given(st.text())
    def test_any_text_can_be_meant_literally(self, text):
        assert compile_template(text.replace("{", "{{").replace("}", "}}"), LONDON)({}) == text


class TestValues:
    def test_fields_that_are_absent_are_left_out_and_an_empty_table_is_absent(self):
        make = compile_value({"a": "{x}", "b": {"c": "{y}"}, "d": [1, "{y}"]}, LONDON, ())
        assert make({"x": 1}) == {"a": 1, "d": [1]}

    def test_a_value_may_be_there_only_under_conditions(self):
        make = compile_value({"a": {"value": "v-{x}", "when": {"y": {"empty": True}}}}, LONDON, ())
        assert make({"x": 1}) == {"a": "v-1"}
        assert make({"x": 1, "y": 2}) is None

    def test_a_table_that_merely_has_a_field_called_value_is_an_ordinary_one(self):
        make = compile_value({"trait": {"value": "{x}", "unit": "kg"}}, LONDON, ())
        assert make({"x": 1}) == {"trait": {"value": 1, "unit": "kg"}}


class TestConditions:
    @pytest.mark.parametrize(
        ("test", "value", "passes"),
        [
            ("GBP", "GBP", True),
            (12, 12.0, True),
            ({"differs": "x"}, "y", True),
            ({"differs": "x"}, None, False),
            ({"one_of": ["a", "b"]}, "b", True),
            ({"none_of": ["a", "b"]}, "b", False),
            ({"matches": "C.*"}, "C12", True),
            ({"matches": "C"}, "C12", False),
            ({"not_matches": r"\d{5}[A-Z]?"}, "85123A", False),
            ({"above": 0}, 0, False),
            ({"at_least": 0}, "0", True),
            ({"below": 0}, -1.5, True),
            ({"at_most": 0}, 0.01, False),
            ({"empty": True}, None, True),
            ({"empty": True}, "", True),
            ({"empty": True}, 0, False),
            ({"empty": False}, 0, True),
            ({"empty": False}, None, False),
            ({"at_least": 1, "below": 3}, 2, True),
            ({"at_least": 1, "below": 3}, 3, False),
        ],
    )
    def test_one_column(self, test, value, passes):
        holds = compile_conditions({"a": Test.model_validate(test)})
        assert holds({} if value is None else {"a": value}) is passes

    def test_all_must_hold(self):
        holds = compile_conditions({"a": Test(above=0), "b": Test(empty=True)})
        assert holds({"a": 1})
        assert not holds({"a": 1, "b": 1})

    def test_comparing_what_is_no_number_rejects_the_line_with_the_column(self):
        with pytest.raises(Unfit, match="a: 'x' is not a number"):
            compile_conditions({"a": Test(above=0)})({"a": "x"})

    def test_an_empty_test_is_refused(self):
        with pytest.raises(ValueError, match="says nothing"):
            Test.model_validate({})
