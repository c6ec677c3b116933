"""How payloads of mutations are views on `resolvers.outcomes.Outcome`."""

from typing import Any

import strawberry

from resolvers.outcomes import Outcome, Refusal


def payload_value(description: str) -> Any:
    """Return the field of a payload that holds the changed object."""

    def value(parent: strawberry.Parent[Outcome[Any]]) -> Any:
        return parent.value

    return strawberry.field(resolver=value, description=description)


def payload_errors(description: str) -> Any:
    """Return the field of a payload that holds the typed errors."""

    def errors(parent: strawberry.Parent[Outcome[Any]]) -> tuple[Refusal, ...]:
        return parent.errors

    return strawberry.field(resolver=errors, description=description)
