"""Errors as clients see them: those made on purpose with their code, a mistake of ours masked and logged."""

import traceback
from typing import Any

import structlog
from graphql import GraphQLError

from hub.errors import TuttiError

log = structlog.get_logger("tutti.graphql")
ARGUMENTS = "get_argument_values"  # the function of graphql-core that coerces them
MASKED = "the hub made a mistake; it is logged under this request's X-Request-Id"


def as_entry(error: GraphQLError) -> dict[str, Any]:
    """Return the entry of a response's `errors`.

    An error of a field comes out of a resolver: only what the hub refuses on purpose is told, all else
    is masked. An error of the request (no path) was made by the parser, a validation rule or a limit,
    and is told as it is.
    """
    purpose = _on_purpose(error)
    if purpose is not None:
        extensions: dict[str, Any] = {"code": purpose.kind}
        if purpose.path:
            extensions["argument"] = [str(step) for step in purpose.path]
        return _entry(error, purpose.message, extensions)
    if error.path is not None and not _of_arguments(error):
        log.error("unexpected error in a field", path=_fields(error), exc_info=error.original_error or error)
        return _entry(error, MASKED, {"code": "INTERNAL"})
    return _entry(error, error.message, {"code": "BAD_REQUEST", **(error.extensions or {})})


def refused(error: TuttiError) -> dict[str, Any]:
    """Return the entry for a refusal that came before any field was asked."""
    return {"message": error.message, "extensions": {"code": error.kind}}


def _entry(error: GraphQLError, message: str, extensions: dict[str, Any]) -> dict[str, Any]:
    entry: dict[str, Any] = {"message": message}
    if error.locations:
        entry["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    if error.path is not None:
        entry["path"] = list(error.path)
    entry["extensions"] = extensions
    return entry


def _on_purpose(error: GraphQLError) -> TuttiError | None:
    cause: BaseException | None = error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    return cause if isinstance(cause, TuttiError) else None


def _of_arguments(error: GraphQLError) -> bool:
    # A field's arguments are coerced when it is resolved (a variable may be null where its default is
    # not). What graphql-core says then is made for the client, but it has the same class as what it
    # says of a value that we cannot serialise; only the place where it was raised tells them apart.
    cause = error.original_error
    if not isinstance(cause, GraphQLError):
        return False
    return any(frame.f_code.co_name == ARGUMENTS for frame, _ in traceback.walk_tb(cause.__traceback__))


def _fields(error: GraphQLError) -> str:
    return ".".join(str(step) for step in error.path or ())
