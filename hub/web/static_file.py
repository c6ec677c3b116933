"""Files of our own that browsers may keep: each is known again by its ETag."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import Response


def static_file(
    content: bytes, media_type: str, headers: Mapping[str, str]
) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint that answers with `content`, or 304 to who has it already."""
    etag = f'"{hashlib.sha256(content).hexdigest()[:24]}"'
    headers = {**headers, "ETag": etag}

    async def endpoint(request: Request) -> Response:
        known = {
            each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")
        }
        if etag in known:
            return Response(status_code=304, headers=headers)
        return Response(content, media_type=media_type, headers=headers)

    return endpoint
