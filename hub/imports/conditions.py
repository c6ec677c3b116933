r"""Conditions on a line's columns: when a section takes it, when a rule rejects it.

    { "Customer ID" = { empty = false }, Invoice = { matches = 'C\d+' } }

All must hold. A bare value means `equals`. Texts are compared whole, regular expressions match whole.
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator

from hub.imports.templates import Row, Unfit, number_of, text_of

Scalar = str | int | float | bool
Check = Callable[[Row], bool]


def _regular_expression(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return pattern


Pattern = Annotated[str, AfterValidator(_regular_expression)]


class Test(BaseModel):
    """Tests of one column; all that are given must hold. An absent column fails all but `empty`."""

    __test__ = False  # no test case of pytest's
    model_config = ConfigDict(extra="forbid", frozen=True)

    empty: bool | None = None
    equals: Scalar | None = None
    differs: Scalar | None = None
    one_of: tuple[Scalar, ...] | None = None
    none_of: tuple[Scalar, ...] | None = None
    matches: Pattern | None = None
    not_matches: Pattern | None = None
    above: float | None = None
    at_least: float | None = None
    below: float | None = None
    at_most: float | None = None

    @model_validator(mode="before")
    @classmethod
    def _bare_value(cls, given: Any) -> Any:
        return given if isinstance(given, dict) else {"equals": given}

    @model_validator(mode="after")
    def _something(self) -> "Test":
        if not self.model_fields_set:
            raise ValueError("an empty test says nothing; give one of " + ", ".join(type(self).model_fields))
        return self

    def check(self, value: Any) -> bool:
        """Tell whether a column's value passes.

        Raises:
            Unfit: a number was to be compared and there is none.
        """
        absent = value is None or value == ""
        if self.empty is not None and absent is not self.empty:
            return False
        if absent:
            return self.empty is True and len(self.model_fields_set) == 1
        return self._check_text(text_of(value)) and self._check_number(value)

    def _check_text(self, text: str) -> bool:
        return (
            (self.equals is None or text == text_of(self.equals))
            and (self.differs is None or text != text_of(self.differs))
            and (self.one_of is None or text in map(text_of, self.one_of))
            and (self.none_of is None or text not in map(text_of, self.none_of))
            and (self.matches is None or re.fullmatch(self.matches, text) is not None)
            and (self.not_matches is None or re.fullmatch(self.not_matches, text) is None)
        )

    def _check_number(self, value: Any) -> bool:
        bounds = (self.above, self.at_least, self.below, self.at_most)
        if all(bound is None for bound in bounds):
            return True
        number = value if isinstance(value, (int, float)) else number_of(value)
        if isinstance(number, Decimal):
            number = float(number)
        return (
            (self.above is None or number > self.above)
            and (self.at_least is None or number >= self.at_least)
            and (self.below is None or number < self.below)
            and (self.at_most is None or number <= self.at_most)
        )


Conditions = dict[str, Test]


def compile_conditions(conditions: Mapping[str, Test]) -> Check:
    """Return a function that tells whether all conditions hold for a row."""
    tests = tuple(conditions.items())

    def check(row: Row) -> bool:
        for column, test in tests:
            try:
                if not test.check(row.get(column)):
                    return False
            except Unfit as reason:
                raise Unfit(f"{column}: {reason}") from None
        return True

    return check
