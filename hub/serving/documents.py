"""Documents are parsed, measured and validated once, and then remembered by their text."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    ASTValidationRule,
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    OperationType,
    parse,
    specified_rules,
    validate,
)

from hub.serving.limits import Limits, check_shape, cost_refusal, page_variables, price
from hub.serving.plans import Plans

MOST_DOCUMENTS = 1_000
LONGEST_KEPT = 20_000  # characters; a longer one is prepared anew each time
MOST_PRICES = 64


@dataclass(slots=True)
class Prepared:
    """A document that may be executed, or the errors for which it may not."""

    document: DocumentNode | None
    errors: tuple[GraphQLError, ...] = ()
    paged_by: frozenset[str] = frozenset()
    prices: dict[tuple[Any, ...], int] = field(default_factory=dict)
    plans: Plans = field(default_factory=dict)

    def operation(self, name: str | None) -> OperationDefinitionNode:
        """Return the operation that is to be executed.

        Raises:
            GraphQLError: if there is none of that name, or several and no name.
        """
        assert self.document is not None
        found = [node for node in self.document.definitions if isinstance(node, OperationDefinitionNode)]
        if name:
            found = [node for node in found if node.name is not None and node.name.value == name]
            if not found:
                raise GraphQLError(
                    f"this document has no operation {name!r}", extensions={"code": "BAD_REQUEST"}
                )
        if len(found) != 1:
            raise GraphQLError(
                "this document has several operations; name one in `operationName`"
                if found
                else "this document has no operation",
                extensions={"code": "BAD_REQUEST"},
            )
        return found[0]


class Documents:
    """Prepares documents for one schema, and keeps the latest used ones."""

    def __init__(
        self, schema: GraphQLSchema, limits: Limits, rules: Sequence[type[ASTValidationRule]] = ()
    ) -> None:
        self._schema = schema
        self._limits = limits
        self._rules = (*specified_rules, *rules)
        self._kept: OrderedDict[str, Prepared] = OrderedDict()

    def prepare(self, text: str) -> Prepared:
        """Return a document ready to be executed, or why it may not be."""
        kept = self._kept.get(text)
        if kept is not None:
            self._kept.move_to_end(text)
            return kept
        prepared = self._prepare(text)
        if len(text) <= LONGEST_KEPT:
            self._kept[text] = prepared
            if len(self._kept) > MOST_DOCUMENTS:
                self._kept.popitem(last=False)
        return prepared

    def forget(self) -> None:
        """Forget every document that is kept."""
        self._kept.clear()

    def check_price(
        self, prepared: Prepared, operation: OperationDefinitionNode, variables: Mapping[str, Any]
    ) -> GraphQLError | None:
        """Return the error for an operation that costs too much with these variables, None if it does not."""
        assert prepared.document is not None
        values = [variables.get(name) for name in sorted(prepared.paged_by)]
        key = (
            operation.name.value if operation.name else "",
            *(value if isinstance(value, int) else None for value in values),
        )
        cost = prepared.prices.get(key)
        if cost is None:
            cost = price(self._schema, prepared.document, operation, variables)
            if len(prepared.prices) >= MOST_PRICES:
                prepared.prices.clear()
            prepared.prices[key] = cost
        return cost_refusal(operation, cost, self._limits) if cost > self._limits.cost else None

    def _prepare(self, text: str) -> Prepared:
        try:
            document = parse(text, max_tokens=self._limits.tokens)
            refusals = check_shape(document, self._limits)
        except GraphQLSyntaxError as error:
            return Prepared(None, (_coded(error, "GRAPHQL_PARSE_FAILED"),))
        except RecursionError:
            return Prepared(
                None, (_coded(GraphQLError("this document is nested too deeply"), "DEPTH_LIMIT"),)
            )
        if refusals:
            return Prepared(None, tuple(refusals))
        faults = validate(self._schema, document, self._rules, max_errors=self._limits.errors)
        if faults:
            return Prepared(None, tuple(_coded(fault, "GRAPHQL_VALIDATION_FAILED") for fault in faults))
        return Prepared(document, paged_by=page_variables(document))


def is_subscription(operation: OperationDefinitionNode) -> bool:
    """Tell whether an operation is a subscription."""
    return operation.operation is OperationType.SUBSCRIPTION


def is_mutation(operation: OperationDefinitionNode) -> bool:
    """Tell whether an operation changes something."""
    return operation.operation is OperationType.MUTATION


def _coded(error: GraphQLError, code: str) -> GraphQLError:
    error.extensions = {**(error.extensions or {}), "code": code}
    return error
