"""Plans change the time an answer takes and nothing else."""

import inspect
import math
from enum import Enum
from types import SimpleNamespace

import hypothesis_graphql
import pytest
from graphql import Undefined, build_schema, execute, parse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.serving import plans as module
from hub.serving.plans import Attribute, Derived, PlannedExecutor

SDL = """
type Query { things: [Thing!] thing: Thing named: Named }
interface Named { name: String! }
scalar Any
enum Colour { RED GREEN }
type Thing implements Named {
  id: ID! name: String! title: String count: Int size: Float! ready: Boolean colour: Colour
  tags: [String!]! marks: [Int]! nested: [[String!]!] inner: Thing inners: [Thing!]! loose: [Thing] twice: String
  any: Any many: [Int] long(more: Int): String repeated(times: Int! = 1, sign: String): String slow(more: Int): String
}
"""


class Colours(Enum):
    RED = "red"
    GREEN = "green"


class Failing:
    """A value whose every attribute is a fault."""

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        raise RuntimeError(f"cannot read {name}")


def make_schema(value):
    schema = build_schema(SDL)
    thing = schema.type_map["Thing"]
    thing.is_type_of = lambda obj, _info: not getattr(obj, "alien", False)
    thing.fields["twice"].resolve = lambda obj, _info: f"{obj.title}{obj.title}"
    thing.fields["slow"].resolve = lambda obj, _info, more=0: f"{obj.long}{more}"
    thing.fields["long"].resolve = lambda obj, _info, more=0: lengthened(obj, more)
    thing.fields["repeated"].resolve = lambda obj, info, times, sign=None: repeated(
        obj, info.context, times, sign
    )
    for field in schema.query_type.fields.values():
        field.resolve = lambda _root, info: value[info.field_name]
    for name, colour in Colours.__members__.items():
        schema.type_map["Colour"].values[name].value = colour
    schema.type_map["Colour"].__dict__.pop("_value_lookup", None)
    return schema


def lengthened(obj, more):
    if more is not None and more > 2:
        raise ValueError("that is too long")
    return f"{obj.long}{more}"


def repeated(obj, context, times_, sign_):
    return f"{obj.name}{sign_}{context}" * times_


DERIVED = {
    "twice": Derived(lambda obj: f"{obj.title}{obj.title}"),
    "long": Derived(lambda obj, more=0: lengthened(obj, more), takes={"more": "more"}),
    "repeated": Derived(
        lambda obj, context, times_, sign_=None: repeated(obj, context, times_, sign_),
        asks=True,
        takes={"times": "times_", "sign": "sign_"},
    ),
}


def reader(definition, name):
    if name in DERIVED:
        return DERIVED[name]
    return None if definition.resolve is not None else Attribute(name)


def run(schema, query, *, planned, plans=None, variables=None):
    how = (
        {"executor_class": PlannedExecutor, "plans": {} if plans is None else plans, "reader": reader}
        if planned
        else {}
    )
    result = execute(schema, parse(query), variable_values=variables, **how)
    assert not inspect.isawaitable(result)
    errors = sorted((error.message, tuple(error.path or ())) for error in result.errors or ())
    return result.data, errors


def same(left, right):
    """Equal, not-a-number included, key order included."""
    if isinstance(left, dict):
        return list(left) == list(right) and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    return left == right and type(left) is type(right)


TEXT = st.one_of(
    st.text(max_size=3), st.none(), st.just(5), st.just(True), st.builds(RuntimeError, st.just("value"))
)
NUMBER = st.one_of(
    st.integers(-5, 5),
    st.floats(),
    st.none(),
    st.just(2**31),
    st.just("7"),
    st.just(True),
    st.just(Undefined),
)


def things(inner):
    fields = {
        "id": st.one_of(st.text(max_size=3), st.integers(0, 9)),
        "name": TEXT,
        "title": TEXT,
        "count": NUMBER,
        "size": st.one_of(st.floats(-5, 5), NUMBER),
        "ready": st.one_of(st.booleans(), st.none(), st.just(1), st.just("yes")),
        "colour": st.one_of(st.sampled_from(Colours), st.none(), st.just("RED"), st.just([])),
        "tags": st.one_of(st.lists(TEXT, max_size=2), st.tuples(TEXT), st.none(), st.just("ab"), st.just(7)),
        "marks": st.one_of(st.lists(NUMBER, max_size=2), st.just({1})),
        "nested": st.one_of(st.none(), st.lists(st.lists(TEXT, max_size=2), max_size=2)),
        "inner": st.one_of(st.none(), inner),
        "inners": st.one_of(st.lists(inner, max_size=2), st.none()),
        "loose": st.lists(st.one_of(st.none(), inner), max_size=2),
        "long": st.just("long"),
        "any": st.one_of(
            st.none(), st.integers(), st.builds(ValueError, st.just("any")), st.just({"a": [1]})
        ),
        "many": st.lists(NUMBER, max_size=2),
        "alien": st.sampled_from([False, False, False, True]),
    }
    whole = st.fixed_dictionaries(fields).map(lambda given: SimpleNamespace(**given))
    partly = st.fixed_dictionaries({}, optional=fields).map(lambda given: SimpleNamespace(**given))
    return st.one_of(whole, whole, partly)


FAULTY = st.one_of(st.just(Failing()), st.just(5), st.builds(RuntimeError, st.just("object")))
THING = st.recursive(FAULTY, lambda inner: st.one_of(things(inner), FAULTY), max_leaves=3)
QUERY = hypothesis_graphql.queries(SDL, fields=["things", "thing"])


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(QUERY, st.one_of(st.none(), st.lists(THING, max_size=3)), st.one_of(st.none(), THING))
def test_the_same_data_messages_and_paths_as_without(query, several, one):
    schema = make_schema({"things": several, "thing": one, "named": one})
    data, errors = run(schema, query, planned=False)
    planned_data, planned_errors = run(schema, query, planned=True)
    assert planned_errors == errors
    assert same(planned_data, data)


GOOD = {
    "id": "1",
    "name": "one",
    "title": "One",
    "count": 3,
    "size": 1.5,
    "ready": True,
    "colour": Colours.GREEN,
    "tags": ("a", "b"),
    "marks": [1, None],
    "nested": [["x"], []],
    "inner": None,
    "inners": [],
    "loose": [None],
    "any": {"a": [1]},
    "many": [1],
    "long": "long",
}
EVERYTHING = "id name title count size ready colour tags marks nested inner { id } inners { id } loose { id } any many __typename"


def good(**given):
    return SimpleNamespace(**{**GOOD, **given})


@pytest.fixture
def handed_back(monkeypatch):
    """Names of the types whose objects were handed back to graphql-core."""
    names = []
    original = module.IncrementalExecutor.complete_object_value

    def seen(self, return_type, *rest):
        names.append(return_type.name)
        return original(self, return_type, *rest)

    monkeypatch.setattr(module.IncrementalExecutor, "complete_object_value", seen)
    return names


class TestWhatIsPlanned:
    @pytest.mark.parametrize(
        "selection",
        [
            EVERYTHING,
            "a: name b: name twice",
            "inners { inners { id inner { name } } }",
            "...F",
            "... on Named { name }",
            "... { name }",
            "name name inner { id } inner { name }",
            "long long1: long(more: 1) none: long(more: null)",
            'repeated inner { repeated(times: 2, sign: "+") }',
        ],
    )
    def test_what_only_reads_never_reaches_graphql_core(self, handed_back, selection):
        schema = make_schema({"things": [good(inners=[good(inner=good())])] * 2, "thing": good(inner=good())})
        query = f"{{ things {{ {selection} }} thing {{ {selection} }} }}"
        query += (
            " fragment F on Thing { name ...G } fragment G on Named { t: name }"
            if "...F" in selection
            else ""
        )
        data, errors = run(schema, query, planned=True)
        assert errors == []
        assert handed_back == []
        assert same(data, run(schema, query, planned=False)[0])

    @pytest.mark.parametrize(
        "selection",
        ["name @include(if: true)", "... @skip(if: false) { name }", "slow", "slow(more: 1)", "__typename"],
    )
    def test_what_does_more_is_left_to_graphql_core(self, handed_back, selection):
        schema = make_schema({"things": [good(long="long")]})
        data, errors = run(schema, f"{{ things {{ {selection} }} }}", planned=True)
        assert errors == []
        assert handed_back == ["Thing"]
        assert same(data, run(schema, f"{{ things {{ {selection} }} }}", planned=False)[0])

    def test_arguments_come_from_variables_and_are_worked_out_once_a_request(self, handed_back, monkeypatch):
        worked_out = []
        original = module.get_argument_values
        monkeypatch.setattr(
            module, "get_argument_values", lambda *given: worked_out.append(given) or original(*given)
        )
        schema = make_schema({"things": [good(long="long")] * 3})
        query, plans = "query($n: Int = 2, $m: Int) { things { long(more: $n) other: long(more: $m) } }", {}
        for variables, expected in (({"n": 1}, "long1"), ({}, "long2"), ({"n": None}, "longNone")):
            data, errors = run(schema, query, planned=True, plans=plans, variables=variables)
            assert errors == []
            assert data == {"things": [{"long": expected, "other": "long0"}] * 3}
        assert handed_back == []
        assert len(worked_out) == 6

    def test_an_argument_that_is_refused_is_told_by_graphql_core(self, handed_back):
        schema = make_schema({"things": [good(long="long")]})
        query = "query($n: Int) { things { name long(more: $n) } }"
        data, errors = run(schema, query, planned=True, variables={"n": 3})
        assert data == {"things": [{"name": "one", "long": None}]}
        assert errors == [("that is too long", ("things", 0, "long"))]
        assert handed_back == ["Thing"]

    def test_one_bad_object_of_a_list_is_told_by_graphql_core(self, handed_back):
        schema = make_schema({"things": [good(), good(count="three"), good()]})
        data, errors = run(schema, "{ things { name count } }", planned=True)
        assert data == {
            "things": [
                {"name": "one", "count": 3},
                {"name": "one", "count": None},
                {"name": "one", "count": 3},
            ]
        }
        assert errors == [("Int cannot represent non-integer value: 'three'", ("things", 1, "count"))]
        assert handed_back == ["Thing"]

    def test_infinity_and_no_number_are_no_floats(self):
        for value in (math.inf, math.nan):
            schema = make_schema({"thing": good(size=value)})
            assert run(schema, "{ thing { size } }", planned=True) == run(
                schema, "{ thing { size } }", planned=False
            )

    def test_what_can_be_read_once_only_is_not_read_by_a_plan(self):
        schema = make_schema({"thing": None, "things": None})
        schema.query_type.fields["things"].resolve = lambda _root, _info: [
            good(many=iter([1, 2]), count="three")
        ]
        data, errors = run(schema, "{ things { many count } }", planned=True)
        assert data == {"things": [{"many": [1, 2], "count": None}]}
        assert len(errors) == 1

    def test_a_fault_given_as_a_value_is_a_fault(self):
        schema = make_schema({"things": [good(any=ValueError("as a value"))]})
        data, errors = run(schema, "{ things { any } }", planned=True)
        assert data == {"things": [{"any": None}]}
        assert errors == [("as a value", ("things", 0, "any"))]

    def test_a_plan_is_compiled_once_for_a_document(self, monkeypatch):
        compiled = []
        original = module.compile_plan
        monkeypatch.setattr(module, "compile_plan", lambda *given: compiled.append(given) or original(*given))
        schema = make_schema({"things": [good()] * 5, "thing": good()})
        document, plans = parse("{ things { name } thing { name } }"), {}
        for _ in range(3):
            execute(schema, document, executor_class=PlannedExecutor, plans=plans, reader=reader)
        assert len(compiled) == len(plans) == 2
