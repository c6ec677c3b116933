"""Bodies are limited at the ASGI edge, before anything reads or parses them."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hub.errors import TooLarge


class BodyTooLarge(TooLarge):
    """Raised out of `receive` while a body streams in; `BodyLimit` turns it into its answer."""


class BodyLimit:
    """ASGI middleware: a body over `limit` bytes is refused with 413, by its stated length or as it comes.

    `refuse` answers a refusal; it is an ASGI application of its own, so that each door answers in its
    own words.
    """

    def __init__(self, app: ASGIApp, limit: int, refuse: ASGIApp) -> None:
        self._app = app
        self._limit = limit
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if _stated_length(scope) > self._limit:
            await self._refuse(scope, receive, send)
            return
        taken = 0
        begun = False

        async def limited() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self._limit:
                raise BodyTooLarge(f"a request's body may have {self._limit} bytes")
            return message

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, limited, watched)
        except BodyTooLarge:
            if begun:
                raise
            await self._refuse(scope, receive, send)


def _stated_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0
