"""`POST /v1/exposures`: what a visitor saw, as a browser can tell it on its way out of a page.

    {"key": "tutti_browse_...", "token": "...", "exposures": [{"servedId", "contentKeys" | "positions", "ago"}]}

The same as the mutation `recordExposure`, many at once, for `navigator.sendBeacon`, which sets no header
and reads no answer: the key of scope `browse` and the customer's signed token come in the body, whatever
its Content-Type is. With an Authorization header they may be left out. `ago` is how many milliseconds ago
it was seen, by the browser's own clock, so that a clock that is wrong does no harm. Telling it again changes
nothing. 200 {"recorded", "refused": [{index, code, message, path}]}; where nothing at all could be recorded,
a problem document with the first refusal.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hub.errors import InvalidInput, TooLarge, TuttiError
from hub.web.ingest import keyed
from hub.web.problems import MEDIA_TYPE, problem
from resolvers import ledger
from resolvers.context import Context

MOST = 500  # exposures in one beacon
BODY_LIMIT = 65_536  # browsers refuse larger beacons (W3C Beacon, section 4)
LONGEST = 86_400_000 * 7  # milliseconds that a browser may have kept it
NO_STORE = {"Cache-Control": "no-store"}

ContextOf = Callable[[Mapping[str, str]], Awaitable[Context]]
Name = Annotated[str, Field(min_length=1, max_length=512)]


class _Model(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", strict=True)


class ExposureRow(_Model):
    """One experience of which items were seen; neither keys nor positions: all of it."""

    served_id: Name
    content_keys: list[Name] = Field(default_factory=list, max_length=200)
    positions: list[int] = Field(default_factory=list, max_length=200)
    ago: float = Field(default=0, ge=0, le=LONGEST)


class Beacon(_Model):
    """The body."""

    key: str | None = None
    token: str | None = None
    exposures: list[dict[str, Any]] = Field(min_length=1, max_length=MOST)


def routes(context_of: ContextOf) -> list[Route]:
    """Return the route; `context_of` makes a request's context of its headers, as for `/graphql`."""

    async def endpoint(request: Request) -> Response:
        try:
            beacon = _beacon(await _body(request))
            context = await context_of(_headers(request, beacon))
            refused = await _record(context, beacon.exposures)
        except TuttiError as error:
            return problem(error)
        if len(refused) == len(beacon.exposures):
            return JSONResponse(
                {**refused[0][1].as_problem(), "refused": _told(refused)},
                status_code=refused[0][1].status,
                media_type=MEDIA_TYPE,
            )
        recorded = len(beacon.exposures) - len(refused)
        return JSONResponse({"recorded": recorded, "refused": _told(refused)}, headers=NO_STORE)

    return [Route("/v1/exposures", endpoint, methods=["POST"], name="exposures")]


async def _body(request: Request) -> bytes:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > BODY_LIMIT:
            raise TooLarge(f"a beacon has at most {BODY_LIMIT} bytes; send several")
    return body


def _beacon(body: bytes) -> Beacon:
    try:
        return Beacon.model_validate(orjson.loads(body))
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"the body is not JSON: {error}", code="MALFORMED_JSON") from None
    except ValidationError as error:
        raise _invalid(error) from None


def _invalid(error: ValidationError) -> InvalidInput:
    fault = error.errors(include_url=False, include_input=False)[0]
    return InvalidInput(str(fault["msg"]), path=tuple(fault["loc"]))


def _headers(request: Request, beacon: Beacon) -> Mapping[str, str]:
    headers = dict(request.headers)
    if "authorization" not in headers:
        headers = dict(keyed(headers, beacon.key or beacon.token))
    if beacon.token:
        headers.setdefault("x-tutti-customer", beacon.token)
    return headers


async def _record(context: Context, rows: Sequence[Mapping[str, Any]]) -> list[tuple[int, TuttiError]]:
    refused: list[tuple[int, TuttiError]] = []
    for index, row in enumerate(rows):
        try:
            seen = ExposureRow.model_validate(row)
            at = context.at - timedelta(milliseconds=seen.ago) if seen.ago else None
            await ledger.expose_or_raise(
                context, seen.served_id, seen.content_keys, seen.positions, at, clamp=True
            )
        except ValidationError as error:
            refused.append((index, _invalid(error)))
        except TuttiError as error:
            refused.append((index, error))
    return refused


def _told(refused: Sequence[tuple[int, TuttiError]]) -> list[dict[str, Any]]:
    return [
        {
            "index": index,
            "code": error.kind,
            "message": error.message,
            "path": ["exposures", index, *error.path],
        }
        for index, error in refused
    ]
