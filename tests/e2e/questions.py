"""Every question that a schema allows: each field of each type, below each field of `Query`, asked at least once.

For a field of `Query` the types that can be reached from it are walked breadth first; each gets one
document: the shortest path to it and all its leaves. So a field that joins the schema is asked without
anybody's remembering it, and one that takes an argument nobody gave a value for fails here, by name.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)

Values = Mapping[str, Sequence[Any]]
DEEPEST = 10  # the hub's own limit on nested fields
PAGES = (20, 5, 2)  # how many of a list are asked for, by how many lists stand above it


@dataclass(frozen=True, slots=True)
class Question:
    """A document and what it is about."""

    root: str
    reaches: str
    document: str
    variables: Mapping[str, Any]

    @property
    def name(self) -> str:
        return f"{self.root} -> {self.reaches} {dict(self.variables)}"


def every_question(schema: GraphQLSchema, values: Values) -> Iterator[Question]:
    """Yield the questions.

    Args:
        schema: whose questions.
        values: what to give for an argument, by "Query.field.argument", else "argument"; all of them
            are tried, and all combinations.

    Raises:
        LookupError: an argument must be given and `values` has nothing for it.
    """
    assert schema.query_type is not None
    for name, field in schema.query_type.fields.items():
        given = {
            argument: found
            for argument, definition in field.args.items()
            if (found := _values(f"Query.{name}.{argument}", argument, definition, values)) is not None
        }
        declared = ", ".join(f"${argument}: {field.args[argument].type}" for argument in given)
        passed = ", ".join(f"{argument}: ${argument}" for argument in given)
        for reaches, selection in _selections(schema, field):
            document = f"query{_bracketed(declared)} {{ {name}{_bracketed(passed)} {selection} }}"
            for chosen in product(*given.values()):
                yield Question(name, reaches, document, dict(zip(given, chosen, strict=True)))


def _values(place: str, name: str, argument: GraphQLArgument, values: Values) -> Sequence[Any] | None:
    found = values.get(place, values.get(name))
    if found is None and is_required_argument(argument):
        raise LookupError(f"say what to ask of {place}: {argument.type}")
    return found


def _selections(schema: GraphQLSchema, root: GraphQLField) -> Iterator[tuple[str, str]]:
    """Yield each type that can be reached, with the selection that leads to it and takes all its leaves."""
    first = get_named_type(root.type)
    if is_leaf_type(first):
        yield str(first), ""
        return
    seen = set()
    waiting = deque([(first, ("{ ", " }"), 1 if "first" in root.args else 0, 2)])
    while waiting:
        found, (before, after), lists, depth = waiting.popleft()
        if found.name in seen or depth > DEEPEST:
            continue
        seen.add(found.name)
        if isinstance(found, GraphQLInterfaceType | GraphQLUnionType):
            for one in schema.get_possible_types(found):
                waiting.append((one, (f"{before}... on {one.name} {{ ", f" }}{after}"), lists, depth))
            continue
        assert isinstance(found, GraphQLObjectType)
        leaves = ["__typename"]
        for name, field in found.fields.items():
            if any(is_required_argument(argument) for argument in field.args.values()):
                raise LookupError(
                    f"{found.name}.{name} takes an argument that this does not know how to give"
                )
            kind = get_named_type(field.type)
            pages = "first" in field.args
            call = f"{name}(first: {PAGES[min(lists, len(PAGES) - 1)]})" if pages else name
            if is_leaf_type(kind):
                leaves.append(call)
            else:
                waiting.append((kind, (f"{before}{call} {{ ", f" }}{after}"), lists + pages, depth + 1))
        yield found.name, f"{before}{' '.join(leaves)}{after}"


def _bracketed(text: str) -> str:
    return f"({text})" if text else ""
