"""A GraphQL request out of an HTTP request: whatever comes, it is a request or a typed refusal."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.requests import Request

from hub.errors import InvalidInput

JSON = "application/json"
RESPONSE_JSON = "application/graphql-response+json"
EVENT_STREAM = "text/event-stream"
DEEPEST = 64  # nested lists and objects in variables; recursion over them must not reach Python's own limit


class BadRequest(InvalidInput):
    """No well-formed GraphQL request."""

    code = "BAD_REQUEST"


class MediaTypeRefused(InvalidInput):
    """A body of a type that the hub does not read."""

    code, status = "UNSUPPORTED_MEDIA_TYPE", 415


class NotAcceptable(InvalidInput):
    """A client that takes none of the types that the hub answers in."""

    code, status = "NOT_ACCEPTABLE", 406


class MethodRefused(InvalidInput):
    """A method that this endpoint does not have, or a change asked for by GET."""

    code, status = "METHOD_NOT_ALLOWED", 405


class StreamNeeded(InvalidInput):
    """A subscription whose client takes one answer only."""

    code, status = "STREAM_NEEDED", 406


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """What is to be executed."""

    query: str
    operation_name: str | None
    variables: Mapping[str, Any]


async def read_request(request: Request) -> GraphQLRequest:
    """Return the GraphQL request in an HTTP request.

    Raises:
        InvalidInput: if there is none; its `status` is the one to answer with.
    """
    if request.method == "GET":
        return _of_parameters(request.query_params)
    if request.method != "POST":
        raise MethodRefused("use POST, or GET for queries")
    media_type, _, parameters = request.headers.get("content-type", "").partition(";")
    if media_type.strip().lower() != JSON:
        raise MediaTypeRefused(f"send the request as {JSON}")
    charset = parameters.lower().replace(" ", "").partition("charset=")[2].strip('"')
    if charset not in {"", "utf-8", "utf8"}:
        raise MediaTypeRefused("send the request in UTF-8")
    return of_object(parse_json(await request.body(), "the body"))


def _of_parameters(parameters: Mapping[str, str]) -> GraphQLRequest:
    found: dict[str, Any] = dict(parameters)
    for name in ("variables", "extensions"):
        if found.get(name):
            found[name] = parse_json(found[name].encode("utf-8", "surrogatepass"), f"`{name}`")
        else:
            found.pop(name, None)
    return of_object(found)


def parse_json(data: bytes | str, what: str) -> Any:
    """Return what JSON says.

    Raises:
        BadRequest: it is none, or nests too deeply; the message begins with `what` it is.
    """
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"{what} is not JSON: {error.msg}") from None
    if _is_deep(value):
        raise BadRequest(f"{what} nests deeper than {DEEPEST} levels")
    return value


def _is_deep(value: Any) -> bool:
    level: list[Any] = [[value]]
    for _ in range(DEEPEST + 1):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return False
    return True


def of_object(value: Any) -> GraphQLRequest:
    """Return the request that an object of JSON makes.

    Raises:
        BadRequest: it makes none.
    """
    if isinstance(value, list):
        raise BadRequest("send one request at a time; batches are not taken")
    if not isinstance(value, dict):
        raise BadRequest(
            "a request is an object with `query`, and `operationName` and `variables` if need be"
        )
    query = value.get("query")
    if not isinstance(query, str) or not query.strip():
        raise BadRequest("`query` is missing; it is the GraphQL document, a string")
    name = value.get("operationName")
    if name is not None and not isinstance(name, str):
        raise BadRequest("`operationName` is a string")
    variables = value.get("variables")
    if variables is not None and not isinstance(variables, dict):
        raise BadRequest("`variables` is an object")
    if value.get("extensions") is not None and not isinstance(value["extensions"], dict):
        raise BadRequest("`extensions` is an object")
    return GraphQLRequest(query, name or None, variables or {})


OFFERED = {
    JSON: JSON,
    RESPONSE_JSON: RESPONSE_JSON,
    EVENT_STREAM: EVENT_STREAM,
    "*/*": JSON,
    "application/*": JSON,
}


def answer_type(accept: str) -> str:
    """Return the media type to answer in, of those that a client accepts; JSON where it does not say.

    Raises:
        NotAcceptable: if it accepts none of ours.
    """
    if not accept.strip():
        return JSON
    best: tuple[float, int, str] | None = None
    for position, (media_type, quality) in enumerate(_accepted(accept)):
        offered = OFFERED.get(media_type)
        if offered is not None and quality > 0 and (best is None or (quality, -position) > best[:2]):
            best = (quality, -position, offered)
    if best is None:
        raise NotAcceptable(f"the hub answers in {RESPONSE_JSON}, {JSON} or {EVENT_STREAM}")
    return best[2]


def takes_stream(accept: str) -> bool:
    """Tell whether a client accepts a stream of events, by name: whoever takes anything expects one answer."""
    return any(media_type == EVENT_STREAM and quality > 0 for media_type, quality in _accepted(accept))


def _accepted(accept: str) -> list[tuple[str, float]]:
    parts = [[piece.strip().lower() for piece in part.split(";")] for part in accept.split(",")]
    return [(media_type, _quality(parameters)) for media_type, *parameters in parts]


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return float(parameter[2:])
            except ValueError:
                return 0.0
    return 1.0
