"""How large a question may be, and that measuring it costs what its text costs."""

import time

import pytest
from graphql import FieldNode, FragmentSpreadNode, OperationDefinitionNode, get_introspection_query, parse
from hypothesis import given
from hypothesis import strategies as st

from hub.serving.limits import Limits, _fragments, _Shaper, check_shape, page_variables, price
from tests.serving.conftest import small_schema

SCHEMA = small_schema()


def chain(length, of=2, body="tree { name }"):
    """Fragments that each spread the next several times: the text is short, what it means is not."""
    parts = [f"fragment F{n} on Query {{ {' '.join([f'...F{n + 1}'] * of)} }}" for n in range(length)]
    return "{ ...F0 } " + " ".join(parts) + f" fragment F{length} on Query {{ {body} }}"


def cost(query, **variables):
    document = parse(query)
    (operation,) = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    return price(SCHEMA, document, operation, variables)


class TestCost:
    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("{ hello }", 1),
            ("{ tree { name } }", 2),
            ("{ items { name } }", 21),
            ("{ items(first: 3) { name } }", 4),
            ("{ items(first: 3) { items(first: 4) { name } } }", 1 + 3 * (1 + 4)),
            ("{ items(first: 3) { plain { name } } }", 1 + 3 * 2),
            ("{ items(first: 0) { name } }", 2),
            ("{ items(first: -5) { name } }", 2),
            ("{ ...F ...F } fragment F on Query { hello }", 2),
            ("{ ... on Query { hello } ... { hello } }", 2),
            ("{ __typename }", 1),
        ],
    )
    def test_every_field_times_first_of_the_lists_above_it(self, query, expected):
        assert cost(query) == expected

    def test_a_variable_s_value_counts_and_else_its_default(self):
        query = "query($n: Int! = 7) { items(first: $n) { name } }"
        assert cost(query) == 8
        assert cost(query, n=50) == 51
        assert page_variables(parse(query)) == {"n"}

    def test_a_variable_without_value_counts_as_the_field_s_default(self):
        assert cost("query($n: Int) { items(first: $n) { name } }") == 21

    async def test_too_much_is_refused_by_the_variables_of_each_request(self, door):
        query = "query($n: Int!) { items(first: $n) { items(first: 40) { name } } }"
        assert (await door.post(query, json={"variables": {"n": 2}})).status_code == 200
        refused = await door.post(query, json={"variables": {"n": 200}})
        assert refused.status_code == 400
        assert refused.json()["errors"][0]["extensions"]["code"] == "COST_LIMIT"
        assert "8201" in refused.json()["errors"][0]["message"]
        assert (await door.post(query, json={"variables": {"n": 2}})).status_code == 200


class TestShape:
    async def test_depth(self, door):
        def nested(depth):
            return "{" + "tree {" * (depth - 1) + "name" + "}" * depth

        assert (await door.post(nested(10))).status_code == 200
        assert await door.code(nested(11)) == "DEPTH_LIMIT"

    async def test_depth_through_fragments(self, door):
        query = (
            "{ "
            + "tree { " * 6
            + "...F"
            + " }" * 7
            + " fragment F on Tree { "
            + "tree { " * 5
            + "name"
            + " }" * 6
        )
        assert await door.code(query) == "DEPTH_LIMIT"

    @pytest.mark.parametrize("what", ["a{n}: hello", "hello"])
    async def test_aliases_and_repetitions(self, door, what):
        def many(count):
            return "{" + " ".join(what.format(n=n) for n in range(count)) + "}"

        assert (await door.post(many(30))).status_code == 200
        assert await door.code(many(32)) == "ALIASES_LIMIT"

    async def test_repetitions_in_inline_fragments(self, door):
        assert await door.code("{" + "... { hello } " * 40 + "}") == "ALIASES_LIMIT"

    async def test_aliases_in_a_fragment_count_wherever_it_is_spread(self, door):
        fragment = " fragment F on Tree { " + " ".join(f"a{n}: name" for n in range(9)) + " }"
        assert (
            await door.code("{ tree { ...F tree { ...F tree { ...F tree { ...F } } } } }" + fragment)
            == "ALIASES_LIMIT"
        )

    async def test_aliases_in_a_fragment_that_nobody_spreads(self, door):
        fragment = " fragment F on Query { " + " ".join(f"a{n}: hello" for n in range(40)) + " }"
        assert await door.code("{ hello }" + fragment) == "ALIASES_LIMIT"

    async def test_fragments(self, door):
        query = "{" + " ".join(f"...F{n}" for n in range(41)) + "}"
        query += " ".join(f"fragment F{n} on Query {{ hello }}" for n in range(41))
        assert await door.code(query) == "FRAGMENTS_LIMIT"

    async def test_tokens(self, door):
        assert await door.code("{" + "hello " * 2_000 + "}") == "GRAPHQL_PARSE_FAILED"

    async def test_fragments_that_spread_themselves(self, door):
        query = "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A hello }"
        assert await door.code(query) == "GRAPHQL_VALIDATION_FAILED"

    async def test_introspection_is_allowed_and_its_depth_limited(self, door):
        assert (await door.post(get_introspection_query())).status_code == 200
        deep = "{ __schema { types { " + "fields { type { " * 5 + "name" + " } }" * 5 + " } } }"
        assert await door.code(deep) == "GRAPHQL_VALIDATION_FAILED"

    @pytest.mark.parametrize("text", ["{ a " * 900, "{ a(b: " + "[" * 1_800, "{ a(b: " + "{a:" * 600])
    async def test_text_that_nests_deeper_than_a_parser_can(self, door, text):
        response = await door.post(text)
        assert response.status_code == 400


class TestBombs:
    @pytest.mark.parametrize("of", [2, 3])
    def test_a_spread_bomb_is_measured_once_a_fragment(self, of):
        begun = time.process_time()
        assert check_shape(parse(chain(35, of)), Limits()) == []
        assert cost(chain(35, of)) == 2 * of**35
        assert time.process_time() - begun < 1

    async def test_a_spread_bomb_is_refused_at_once(self, door):
        begun = time.process_time()
        assert await door.code(chain(35)) == "COST_LIMIT"
        assert time.process_time() - begun < 2


NAMES = ["tree", "items", "plain"]
SELECTION = st.recursive(
    st.sampled_from(["name", "a: name", "...F0", "...F1"]),
    lambda inner: st.builds(
        lambda name, parts: f"{name} {{ {' '.join(parts)} }}",
        st.sampled_from([*NAMES, "items(first: 3)", "b: tree", "... on Tree"]),
        st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=8,
)


@given(
    st.lists(SELECTION, min_size=1, max_size=3), SELECTION, st.sampled_from(["name", "c: name tree { name }"])
)
def test_measuring_once_gives_what_writing_everything_out_gives(parts, first, second):
    first = first.replace("...F0", "...F1")  # no fragment spreads itself
    query = f"{{ tree {{ {' '.join(parts)} }} }} fragment F0 on Tree {{ {first} }} fragment F1 on Tree {{ {second} }}"
    fragments = _fragments(parse(query))
    written_out = query.partition(" fragment ")[0]
    for _ in range(3):
        written_out = written_out.replace("...F0", f"... on Tree {{ {first} }}")
        written_out = written_out.replace("...F1", f"... on Tree {{ {second} }}")
    assert cost(query) == cost(written_out)
    operation = parse(query).definitions[0]
    assert _Shaper(fragments).measure(operation.selection_set).depth == _depth(
        parse(written_out).definitions[0]
    )


def _depth(node):
    below = [_depth(each) for each in node.selection_set.selections] if node.selection_set else []
    assert not isinstance(node, FragmentSpreadNode)
    return max(below, default=0) + isinstance(node, FieldNode)
