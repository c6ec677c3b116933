"""Compiled plans: where a selection only reads, one generated function reads it and builds the answer.

graphql-core completes every field of every object by itself: some 20 microseconds each, whatever it is.
Most of an answer, though, is trees of plain attributes under a list. For such a selection (no
directives, no abstract types, every field an attribute or a function of the object, the context and
plain arguments) a function is generated once for each document:

    def plan(o, c, a):
        v0 = o.position
        v1 = o.content
        v2 = read0(o, **a[given0])
        return {"position": v0 if type(v0) is int and -2**31 <= v0 < 2**31 else leaf0(v0),
                "content": plan1(v1, c, a),
                "items": [plan2(x0, c, a) for x0 in as_list(v2)]}

It knows only the good case. Whatever is unexpected (null where null may not be, a value of another
type, an exception of a property) raises, and the same value is handed to graphql-core, which says what
is wrong, and where, as always. So plans change the time an answer takes and nothing else; a test
compares both on documents and values made at random.

Plans belong to a prepared document and go with it: they are keyed by the identity of its nodes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLField,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLString,
    InlineFragmentNode,
    SelectionSetNode,
    Undefined,
    is_abstract_type,
    is_leaf_type,
)
from graphql.execution.incremental import IncrementalExecutor
from graphql.execution.values import get_argument_values

Plan = Callable[[Any, Any, "Arguments"], dict[str, Any]]
Plans = dict[tuple[Any, ...], Plan | None]


@dataclass(frozen=True, slots=True)
class Attribute:
    """A field that is an attribute of the object."""

    name: str


@dataclass(frozen=True, slots=True)
class Derived:
    """A field that is a function of the object, at once and without side effects.

    `asks`: it takes the context too, as the executor's `asking` shows it. `takes`: the names under which it takes
    the arguments that the schema gives it, by their names there; scalars that need no conversion alone.
    """

    read: Callable[..., Any]
    asks: bool = False
    takes: Mapping[str, str] = field(default_factory=dict)


Reader = Callable[[GraphQLField, str], Attribute | Derived | None]


class Unexpected(Exception):
    """A value that a plan does not know how to complete."""


class _CannotPlan(Exception):
    """A selection that does more than read."""


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """The arguments of one field in one document."""

    definition: GraphQLField
    node: FieldNode
    takes: Mapping[str, str]


class Arguments(dict[Given, dict[str, Any]]):
    """The arguments of one request, worked out when a plan first asks for them."""

    def __init__(self, variables: Any) -> None:
        super().__init__()
        self._variables = variables

    def __missing__(self, given: Given) -> dict[str, Any]:
        """Work them out.

        Raises:
            GraphQLError: one is not as it should be.
        """
        values = get_argument_values(given.definition, given.node, self._variables)
        found = self[given] = {given.takes[name]: value for name, value in values.items()}
        return found


def _as_it_is(context: Any) -> Any:
    return context


class PlannedExecutor(IncrementalExecutor):
    """graphql-core's executor, but for selections that only read; `asking` makes of the context what they see of it."""

    def __init__(
        self,
        *arguments: Any,
        plans: Plans,
        reader: Reader,
        asking: Callable[[Any], Any] = _as_it_is,
        **named: Any,
    ) -> None:
        super().__init__(*arguments, **named)
        self._plans = plans
        self._reader = reader
        self._asking = asking(self.context_value)
        self._arguments = Arguments(self.variable_values)

    def complete_object_value(
        self,
        return_type: GraphQLObjectType,
        field_details_list: Any,
        info: Any,
        path: Any,
        result: Any,
        position_context: Any,
    ) -> Any:
        """Complete one object by its plan, if there is one and the object is as it should be."""
        plan = self._plan(return_type, field_details_list)
        if plan is not None:
            try:
                return plan(result, self._asking, self._arguments)
            except Exception:  # noqa: BLE001, S110 - graphql-core says what is wrong with it, and where
                pass
        return super().complete_object_value(
            return_type, field_details_list, info, path, result, position_context
        )

    def complete_list_value(
        self,
        return_type: GraphQLList[Any],
        field_details_list: Any,
        info: Any,
        path: Any,
        result: Any,
        position_context: Any,
    ) -> Any:
        """Complete a list of objects by their plan, if there is one and all are as they should be."""
        item_type = return_type.of_type
        if isinstance(item_type, GraphQLNonNull):
            item_type = item_type.of_type
        if isinstance(item_type, GraphQLObjectType) and type(result) in {list, tuple}:
            plan = self._plan(item_type, field_details_list)
            if plan is not None:
                asking, arguments = self._asking, self._arguments
                try:
                    return [plan(item, asking, arguments) for item in result]
                except Exception:  # noqa: BLE001, S110 - as above
                    pass
        return super().complete_list_value(
            return_type, field_details_list, info, path, result, position_context
        )

    def _plan(self, of: GraphQLObjectType, details: Sequence[Any]) -> Plan | None:
        key = (of.name, *(id(detail.node) for detail in details))
        try:
            return self._plans[key]
        except KeyError:
            nodes = [detail.node for detail in details]
            plan = compile_plan(self.schema, of, nodes, self.fragment_definitions, self._reader)
            self._plans[key] = plan
            return plan


def compile_plan(
    schema: GraphQLSchema,
    of: GraphQLObjectType,
    nodes: Sequence[FieldNode],
    fragments: Mapping[str, FragmentDefinitionNode],
    reader: Reader,
) -> Plan | None:
    """Return the plan for what `nodes` select of an object type, None if it does more than read."""
    compiler = _Compiler(schema, fragments, reader)
    try:
        name = compiler.plan(of, nodes)
    except _CannotPlan:
        return None
    source = "\n".join(compiler.functions)
    # What is compiled is made of Python identifiers and of names that GraphQL's grammar allows.
    exec(source, compiler.known)  # noqa: S102
    made: Plan = compiler.known[name]
    return made


@dataclass(slots=True)
class _Compiler:
    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    reader: Reader
    known: dict[str, Any] = field(default_factory=lambda: {"as_list": _as_list})
    functions: list[str] = field(default_factory=list)

    def keep(self, prefix: str, value: Any) -> str:
        """Return a name by which generated code knows a value."""
        name = f"{prefix}{len(self.known)}"
        self.known[name] = value
        return name

    def plan(self, of: GraphQLObjectType, nodes: Sequence[FieldNode]) -> str:
        """Generate the function that completes an object; return its name."""
        selected: dict[str, list[FieldNode]] = {}
        for node in nodes:
            self._collect(of, node.selection_set, selected)
        lines: list[str] = []
        entries: list[str] = []
        if of.is_type_of is not None:
            lines.append(
                f"    if {self.keep('is_type', of.is_type_of)}(o, None) is not True: raise unexpected"
            )
        reads = 0
        for response_name, same in selected.items():
            name = same[0].name.value
            if name == "__typename":
                entries.append(f"{response_name!r}: {of.name!r}")
                continue
            definition = of.fields.get(name)
            if definition is None:
                raise _CannotPlan
            variable = f"v{reads}"
            reads += 1
            lines.append(f"    {variable} = {self._read(definition, same[0])}")
            entries.append(f"{response_name!r}: {self._complete(definition.type, variable, same)}")
        if not reads:  # whether the object is there at all is found out by reading it
            raise _CannotPlan
        own = f"plan{len(self.functions)}"
        self.known["unexpected"] = Unexpected
        self.functions.append(
            "\n".join([f"def {own}(o, c, a):", *lines, f"    return {{{', '.join(entries)}}}"])
        )
        return own

    def _read(self, definition: GraphQLField, node: FieldNode) -> str:
        """Return the expression that reads a field."""
        read = self.reader(definition, node.name.value)
        takes = read.takes if isinstance(read, Derived) else {}
        if read is None or definition.args.keys() - takes.keys():
            raise _CannotPlan
        if isinstance(read, Attribute):
            if not read.name.isidentifier():
                raise _CannotPlan
            return f"o.{read.name}"
        handed = ["o"] + ["c"] * read.asks
        if definition.args:
            handed.append(f"**a[{self.keep('given', Given(definition, node, takes))}]")
        return f"{self.keep('read', read.read)}({', '.join(handed)})"

    def _collect(
        self, of: GraphQLObjectType, selections: SelectionSetNode | None, selected: dict[str, list[FieldNode]]
    ) -> None:
        for node in selections.selections if selections is not None else ():
            if node.directives:
                raise _CannotPlan
            if isinstance(node, FieldNode):
                key = node.alias.value if node.alias is not None else node.name.value
                selected.setdefault(key, []).append(node)
            elif isinstance(node, InlineFragmentNode):
                if node.type_condition is None or self._applies(of, node.type_condition.name.value):
                    self._collect(of, node.selection_set, selected)
            else:
                assert isinstance(node, FragmentSpreadNode)
                fragment = self.fragments[node.name.value]
                if fragment.directives:
                    raise _CannotPlan
                if self._applies(of, fragment.type_condition.name.value):
                    self._collect(of, fragment.selection_set, selected)

    def _applies(self, of: GraphQLObjectType, condition: str) -> bool:
        if condition == of.name:
            return True
        named = self.schema.get_type(condition)
        return is_abstract_type(named) and self.schema.is_sub_type(named, of)

    def _complete(self, of: Any, value: str, nodes: Sequence[FieldNode], depth: int = 0) -> str:
        if isinstance(of, GraphQLNonNull):
            return self._complete_present(of.of_type, value, nodes, depth)
        return f"(None if {value} is None else {self._complete_present(of, value, nodes, depth)})"

    def _complete_present(self, of: Any, value: str, nodes: Sequence[FieldNode], depth: int) -> str:
        if isinstance(of, GraphQLList):
            item = f"x{depth}"
            return f"[{self._complete(of.of_type, item, nodes, depth + 1)} for {item} in as_list({value})]"
        if isinstance(of, GraphQLObjectType):
            return f"{self.plan(of, nodes)}({value}, c, a)"
        if is_leaf_type(of):
            return self._complete_leaf(of, value)
        raise _CannotPlan

    def _complete_leaf(self, of: Any, value: str) -> str:
        leaf = f"{self.keep('leaf', _leaf(of))}({value})"
        if of in {GraphQLString, GraphQLID}:
            return f"({value} if type({value}) is str else {leaf})"
        if of is GraphQLInt:
            return f"({value} if type({value}) is int and -2147483648 <= {value} <= 2147483647 else {leaf})"
        if of is GraphQLFloat:  # a number less itself is 0 unless it is infinite or none
            return f"({value} if type({value}) is float and {value} - {value} == 0.0 else {leaf})"
        if of is GraphQLBoolean:
            return f"({value} if {value} is True or {value} is False else {leaf})"
        return leaf


def _as_list(value: Any) -> Sequence[Any]:
    if type(value) not in {list, tuple}:
        raise Unexpected
    items: Sequence[Any] = value
    return items


def _leaf(of: Any) -> Callable[[Any], Any]:
    complete = of.coerce_output_value
    names: dict[Any, str] = {}

    def leaf(value: Any) -> Any:
        if value is None or isinstance(value, Exception) or hasattr(value, "__await__"):
            raise Unexpected
        completed = complete(value)
        if completed is None or completed is Undefined:
            raise Unexpected
        return completed

    def named(value: Any) -> Any:
        found = names.get(value)
        if found is None:
            found = names[value] = leaf(value)
        return found

    return named if isinstance(of, GraphQLEnumType) else leaf
