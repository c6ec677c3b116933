"""Results as Server-Sent Events: GraphQL over SSE by its specification, in "distinct connections mode".

    event: next        data: a result                 for each event
    event: complete                                   the operation came to its end
    :                                                 every 15 seconds, so that nobody in between hangs up

What keeps a document from being executed is told by a `next` with `errors` too, as the specification has it.
A stream that ends without `complete` was cut off (the hub stops, or the client took nothing for too long): the
client asks again. The next result is made only when the one before has left, so that nothing queues up.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

import orjson
from starlette.types import Receive, Scope, Send

from hub.errors import TuttiError
from hub.kit.ending import end
from hub.serving.execution import NotExecutable
from hub.serving.masking import MASKED, log, refused

BEAT_SECONDS = 15.0
SEND_SECONDS = 30.0  # in which a client must take what it is sent
FAREWELL_SECONDS = 1.0
HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "X-Accel-Buffering": "no",  # or nginx gathers events until there are enough for it
}
BEAT = b":\n\n"
COMPLETE = b"event: complete\ndata:\n\n"

Contents = AsyncGenerator[Mapping[str, Any], None]


class EventStream:
    """An ASGI application that answers one request by a stream of contents.

    Args:
        contents: what to tell; expected errors become a last `next`, others a masked one.
        headers: of the response, beside those of a stream.
        closing: set when the hub stops; the stream is then cut off.
    """

    def __init__(self, contents: Contents, headers: Mapping[str, str], closing: asyncio.Event) -> None:
        self._contents = contents
        self._headers = {**headers, **HEADERS}
        self._closing = closing

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(name.lower().encode(), value.encode()) for name, value in self._headers.items()]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        telling = asyncio.create_task(self._tell(send))
        others = [
            asyncio.create_task(each) for each in (_until_gone(receive), self._closing.wait(), _beat(send))
        ]
        try:
            await asyncio.wait({telling, *others}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await end(telling, *others)
        if self._closing.is_set() or not telling.cancelled():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(_finish(send), FAREWELL_SECONDS)

    async def _tell(self, send: Send) -> None:
        try:
            async with aclosing(_guarded(self._contents)) as contents:
                async for content in contents:
                    await _send(send, _event(content))
            await _send(send, COMPLETE)
        except TimeoutError:
            log.info("a stream was cut off: its client takes nothing", seconds=SEND_SECONDS)
        except Exception:  # noqa: BLE001 - nobody waits for what this task raises
            log.exception("a stream failed")


async def _guarded(contents: Contents) -> Contents:
    """Yield contents; an error that ends them becomes the last of them."""
    async with aclosing(contents):
        try:
            async for content in contents:
                yield content
        except NotExecutable as refusal:
            yield {"errors": refusal.entries}
        except TuttiError as error:
            yield {"errors": [refused(error)]}
        except Exception:  # noqa: BLE001 - whatever it is, the client gets a GraphQL answer
            log.exception("unexpected error in a stream")
            yield {"errors": [{"message": MASKED, "extensions": {"code": "INTERNAL"}}]}


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _beat(send: Send) -> None:
    while True:  # the first at once, so that proxies and clients see that it began
        await _send(send, BEAT)
        await asyncio.sleep(BEAT_SECONDS)


async def _send(send: Send, body: bytes) -> None:
    async with asyncio.timeout(SEND_SECONDS):
        await send({"type": "http.response.body", "body": body, "more_body": True})


async def _finish(send: Send) -> None:
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _event(content: Mapping[str, Any]) -> bytes:
    # JSON by orjson is one line, so that one `data:` holds it.
    return b"event: next\ndata: " + orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY) + b"\n\n"
