"""How large a question may be: one gate, in which every fragment is measured once.

    tokens    of the document's text
    aliases   of the operation, and repetitions of one field beside itself (which are aliases by
              another name: they cost validation the square of their number)
    fragments defined in the document (validation compares each with each)
    depth     of nested fields
    cost      every field counts 1, times the `first` of the lists above it

A fragment spread in many places is measured once and counted in each, so that the time it takes
grows with the text and not with what the text would expand to: 800 bytes of fragments that spread
each other twice would else take seconds. `@skip` and `@include` do not lower the measure.
Introspection's fields (`__schema`, `__type`) are measured like any other, but for their depth, which
graphql-core's own rule limits.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLArgument,
    GraphQLError,
    GraphQLField,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_composite_type,
)

PAGE_ARGUMENT = "first"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a question may measure."""

    tokens: int = 2_000
    aliases: int = 30
    fragments: int = 40
    depth: int = 10
    cost: int = 5_000
    errors: int = 5


@dataclass(frozen=True, slots=True)
class Shape:
    """What can be measured without a schema."""

    depth: int = 0
    aliases: int = 0


@dataclass(slots=True)
class _Shaper:
    """Measures depth and aliases; fragments that spread themselves count as empty (validation names them)."""

    fragments: Mapping[str, FragmentDefinitionNode]
    known: dict[str, Shape] = field(default_factory=dict)

    def measure(self, selections: SelectionSetNode | None, beside: set[str] | None = None) -> Shape:
        """Measure a selection; `beside` are the fields that it will be merged with."""
        depth = aliases = 0
        seen = set() if beside is None else beside
        for node in selections.selections if selections is not None else ():
            if isinstance(node, FieldNode):
                inner = self.measure(node.selection_set)
                name = node.name.value
                deep = 0 if name.startswith("__") else 1 + inner.depth
                aliases += node.alias is not None or name in seen
                seen.add(name)
            elif isinstance(node, FragmentSpreadNode):
                inner = self._fragment(node.name.value)
                deep = inner.depth
            else:
                assert isinstance(node, InlineFragmentNode)
                inner = self.measure(node.selection_set, seen)
                deep = inner.depth
            depth = max(depth, deep)
            aliases += inner.aliases
        return Shape(depth, aliases)

    def _fragment(self, name: str) -> Shape:
        if name not in self.known:
            self.known[name] = Shape()  # stands for itself while it is measured
            fragment = self.fragments.get(name)
            if fragment is not None:
                self.known[name] = self.measure(fragment.selection_set)
        return self.known[name]


def check_shape(document: DocumentNode, limits: Limits) -> list[GraphQLError]:
    """Return what is too deep or too often aliased in any operation of a parsed document."""
    shaper = _Shaper(_fragments(document))
    if len(shaper.fragments) > limits.fragments:
        first = next(iter(shaper.fragments.values()))
        return [_refusal(first, "fragments", len(shaper.fragments), limits.fragments)]
    for operation in _operations(document):
        shape = shaper.measure(operation.selection_set)
        if shape.depth > limits.depth:
            return [_refusal(operation, "depth", shape.depth, limits.depth)]
        if shape.aliases > limits.aliases:
            return [_refusal(operation, "aliases", shape.aliases, limits.aliases)]
    # Fragments that no operation spreads are refused by validation, but it compares their fields first.
    for name, fragment in shaper.fragments.items():
        shape = shaper.measure(fragment.selection_set) if name not in shaper.known else shaper.known[name]
        if shape.aliases > limits.aliases:
            return [_refusal(fragment, "aliases", shape.aliases, limits.aliases)]
    return []


@dataclass(slots=True)
class _Pricer:
    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Mapping[str, Any]
    known: dict[str, int] = field(default_factory=dict)

    def price(self, selections: SelectionSetNode | None, parent: GraphQLNamedType | None) -> int:
        return sum(self._price_one(node, parent) for node in (selections.selections if selections else ()))

    def _price_one(self, node: Any, parent: GraphQLNamedType | None) -> int:
        if isinstance(node, FragmentSpreadNode):
            return self._fragment(node.name.value)
        if isinstance(node, InlineFragmentNode):
            condition = node.type_condition
            inner = self.schema.get_type(condition.name.value) if condition else parent
            return self.price(node.selection_set, inner)
        definition = self._definition(node.name.value, parent)
        if definition is None:
            return 1 + self.price(node.selection_set, None)
        below = get_named_type(definition.type)
        inner_price = self.price(node.selection_set, below) if is_composite_type(below) else 0
        return 1 + self._times(node, definition) * inner_price

    def _fragment(self, name: str) -> int:
        if name not in self.known:
            fragment = self.fragments[name]
            condition = self.schema.get_type(fragment.type_condition.name.value)
            self.known[name] = self.price(fragment.selection_set, condition)
        return self.known[name]

    def _definition(self, name: str, parent: GraphQLNamedType | None) -> GraphQLField | None:
        fields = getattr(parent, "fields", None)
        found = None if fields is None else fields.get(name)
        return found if isinstance(found, GraphQLField) else None

    def _times(self, node: FieldNode, definition: GraphQLField) -> int:
        argument = definition.args.get(PAGE_ARGUMENT)
        if argument is None:
            return 1
        given = next((each.value for each in node.arguments or () if each.name.value == PAGE_ARGUMENT), None)
        value: Any = None
        if isinstance(given, IntValueNode):
            value = int(given.value)
        elif isinstance(given, VariableNode):
            value = self.variables.get(given.name.value)
        if not isinstance(value, int):
            value = _default(argument)
        return max(1, value) if isinstance(value, int) else 1


def _default(argument: GraphQLArgument) -> Any:
    """Return an argument's default, be it given as a value (Strawberry) or as a literal (printed schemas)."""
    default = argument.default
    if default is None:
        return argument.default_value
    return int(default.literal.value) if isinstance(default.literal, IntValueNode) else default.value


def price(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Mapping[str, Any],
) -> int:
    """Return the cost of an operation of a validated document, with these values of its variables."""
    values: dict[str, Any] = {}
    for definition in operation.variable_definitions or ():
        name = definition.variable.name.value
        default = definition.default_value
        if name in variables:
            values[name] = variables[name]
        elif isinstance(default, IntValueNode):
            values[name] = int(default.value)
    pricer = _Pricer(schema, _fragments(document), values)
    return pricer.price(operation.selection_set, schema.get_root_type(operation.operation))


def page_variables(document: DocumentNode) -> frozenset[str]:
    """Return the names of the variables that a price depends on."""
    found: set[str] = set()
    waiting: list[Any] = list(document.definitions)
    while waiting:
        node = waiting.pop()
        for argument in getattr(node, "arguments", None) or ():
            if argument.name.value == PAGE_ARGUMENT and isinstance(argument.value, VariableNode):
                found.add(argument.value.name.value)
        selections = getattr(node, "selection_set", None)
        if selections is not None:
            waiting.extend(selections.selections)
    return frozenset(found)


def cost_refusal(operation: OperationDefinitionNode, cost: int, limits: Limits) -> GraphQLError:
    """Return the error for an operation that costs too much."""
    return _refusal(operation, "cost", cost, limits.cost)


MEASURED = {
    "fragments": "the number of fragments",
    "depth": "the depth of nested fields",
    "aliases": "the number of aliases",
    "cost": "the cost",
}
ADVICE = {
    "fragments": "ask in several requests",
    "depth": "ask for less nested fields",
    "aliases": "ask in several requests",
    "cost": "ask for shorter lists (`first`) or fewer fields",
}


def _refusal(node: Any, what: str, found: int, most: int) -> GraphQLError:
    shown = str(found) if found < 10**9 else "over 10^9"
    return GraphQLError(
        f"{MEASURED[what]} is {shown} in this document, and {most} is the most; {ADVICE[what]}",
        nodes=[node],
        extensions={"code": f"{what.upper()}_LIMIT"},
    )


def _fragments(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    return {
        node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
    }


def _operations(document: DocumentNode) -> list[OperationDefinitionNode]:
    return [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
