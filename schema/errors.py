"""Expected failures of mutations, as data: an interface and one type for each kind."""

from typing import Any

import strawberry

from hub import errors
from resolvers.outcomes import Refusal


@strawberry.interface(
    description="Why a mutation did not do (all of) what it was asked. Nothing that it names was changed."
)
class UserError:
    code: str = strawberry.field(description="What clients match on, such as INVALID_INPUT or NOT_AVAILABLE.")
    message: str = strawberry.field(description="What is wrong and what to do, for the person who asked.")
    path: list[str] = strawberry.field(
        description="Where in the mutation's arguments the fault lies; empty when it lies in none of them."
    )


def _is(kind: type[errors.TuttiError]) -> Any:
    def is_type_of(_cls: type, obj: object, _info: object) -> bool:
        return isinstance(obj, Refusal) and obj.kind is kind

    return classmethod(is_type_of)


@strawberry.type(description="The input says something impossible; `path` points at it.")
class InvalidInputError(UserError):
    is_type_of = _is(errors.InvalidInput)


@strawberry.type(description="What the input names does not exist.")
class NotFoundError(UserError):
    is_type_of = _is(errors.NotFound)


@strawberry.type(description="The key that was sent does not reach this far.")
class ForbiddenError(UserError):
    is_type_of = _is(errors.Forbidden)


@strawberry.type(description="Somebody else changed it first, or something stands in the way.")
class ConflictError(UserError):
    is_type_of = _is(errors.Conflict)


@strawberry.type(description="This hub does not do that. Trying again does not help.")
class NotAvailableError(UserError):
    is_type_of = _is(errors.NotAvailable)


@strawberry.type(description="The store or the encoder cannot answer now. Trying again is sensible.")
class UnavailableError(UserError):
    is_type_of = _is(errors.Unavailable)


ERRORS = (
    InvalidInputError,
    NotFoundError,
    ForbiddenError,
    ConflictError,
    NotAvailableError,
    UnavailableError,
)
