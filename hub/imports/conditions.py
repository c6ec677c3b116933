r"""Conditions on a line's columns: when a section takes it, when a rule rejects it.

    { "Customer ID" = { empty = false }, Invoice = { matches = 'C\d+' } }

All must hold. A bare value means `equals`. Texts are compared whole, regular expressions match whole.
"""

import operator
import re
from collections.abc import Callable, Mapping
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

    def compiled(self) -> Callable[[Any], bool]:
        """Return a function that tells whether a column's value passes.

        It is asked for every line of a file, so what is not tested costs nothing. It raises `Unfit` where
        a number was to be compared and there is none.
        """
        if self.empty is True:
            alone = len(self.model_fields_set) == 1
            return lambda value: alone and (value is None or value == "")
        texts, numbers = self._text_tests(), self._number_tests()
        if not texts and not numbers:
            return lambda value: value is not None and value != ""

        def check(value: Any) -> bool:
            if value is None or value == "":
                return False
            if texts:
                text = value if isinstance(value, str) else text_of(value)
                if not all(passes(text) for passes in texts):
                    return False
            if not numbers:
                return True
            number = value if type(value) in {int, float} else float(number_of(value))
            return all(fits(number) for fits in numbers)

        return check

    def _text_tests(self) -> tuple[Callable[[str], bool], ...]:
        tests: list[Callable[[str], bool]] = []
        if self.equals is not None:
            tests.append(text_of(self.equals).__eq__)
        if self.differs is not None:
            tests.append(text_of(self.differs).__ne__)
        if self.one_of is not None:
            tests.append(frozenset(map(text_of, self.one_of)).__contains__)
        if self.none_of is not None:
            some = frozenset(map(text_of, self.none_of))
            tests.append(lambda text: text not in some)
        if self.matches is not None:
            wanted = re.compile(self.matches).fullmatch
            tests.append(lambda text: wanted(text) is not None)
        if self.not_matches is not None:
            unwanted = re.compile(self.not_matches).fullmatch
            tests.append(lambda text: unwanted(text) is None)
        return tuple(tests)

    def _number_tests(self) -> tuple[Callable[[float], bool], ...]:
        bounds: tuple[tuple[float | None, Callable[[float, float], bool]], ...] = (
            (self.above, operator.gt),
            (self.at_least, operator.ge),
            (self.below, operator.lt),
            (self.at_most, operator.le),
        )
        return tuple(
            (lambda number, bound=bound, holds=holds: holds(number, bound))
            for bound, holds in bounds
            if bound is not None
        )


Conditions = dict[str, Test]


def compile_conditions(conditions: Mapping[str, Test]) -> Check:
    """Return a function that tells whether all conditions hold for a row."""
    tests = tuple((column, test.compiled()) for column, test in conditions.items())

    def check(row: Row) -> bool:
        for column, passes in tests:
            try:
                if not passes(row.get(column)):
                    return False
            except Unfit as reason:
                raise Unfit(f"{column}: {reason}") from None
        return True

    return check
