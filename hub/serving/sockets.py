"""Operations over one WebSocket, by the subprotocol graphql-transport-ws.

    client -> connection_init {Authorization, X-Tutti-Customer}     hub -> connection_ack
    client -> subscribe id {query, operationName, variables}        hub -> next id ..., complete id | error id
    client -> complete id                                           it is ended at once
    either -> ping, pong

Browsers set no headers on WebSockets, so the key comes in the payload of `connection_init`; one in the
handshake's headers does too. What breaks the protocol closes the socket:

    4400  no message of the protocol          4409  an id that is in use
    4401  subscribe before connection_ack     4429  connection_init again
    4403  a key that is refused               1009  a message over the limit
    4406  another subprotocol                 1012  the hub stops: connect again
    4408  no connection_init in time          1013  the hub cannot say whose the key is: connect again
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Any
from urllib.parse import urlsplit

import orjson
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from hub.errors import InvalidInput, TuttiError, Unavailable
from hub.kit.ending import end
from hub.serving.execution import Execution, NotExecutable, Operation, content_of
from hub.serving.masking import MASKED, log, refused
from hub.serving.requests import BadRequest, GraphQLRequest, of_object, parse_json

SUBPROTOCOL = "graphql-transport-ws"
INIT_SECONDS = 5.0
MOST_OPERATIONS = 20  # side by side on one socket
LONGEST_ID = 200
LONGEST_REASON = 120  # bytes; a close frame holds 123
CREDENTIALS = ("authorization", "x-tutti-customer")


class _Closed(Exception):
    """The socket is to be closed, for this reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason.encode()[:LONGEST_REASON].decode(errors="ignore")


class Sockets:
    """An ASGI application for WebSockets.

    Args:
        execution: executes the operations.
        message_limit: most bytes of one message.
        origins: whose pages may connect, beside the hub's own; `*` for all.
    """

    def __init__(self, execution: Execution, *, message_limit: int, origins: Sequence[str]) -> None:
        self._execution = execution
        self._message_limit = message_limit
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        socket = WebSocket(scope, receive, send)
        if not self._is_welcome(socket.headers):
            await socket.close()  # before it is accepted: answered with 403
            return
        known = SUBPROTOCOL in scope["subprotocols"]
        await socket.accept(SUBPROTOCOL if known else None)
        if not known:
            await _close(socket, 4406, f"Subprotocol not acceptable: use {SUBPROTOCOL}")
            return
        try:
            await _Conversation(socket, self._execution, self._message_limit).run()
        except _Closed as closed:
            await _close(socket, closed.code, closed.reason)
        except WebSocketDisconnect:
            return
        except Exception:  # noqa: BLE001 - whatever it is, the client is told no more than that
            log.exception("unexpected error on a socket")
            await _close(socket, 1011, "the hub made a mistake; it is logged")

    def _is_welcome(self, headers: Mapping[str, str]) -> bool:
        """Tell whether a page may connect. CORS does not reach WebSockets, so that this is ours to say."""
        origin = headers.get("origin")
        if origin is None or "*" in self._origins or origin in self._origins:
            return True
        return urlsplit(origin).netloc == headers.get("host")


async def _close(socket: WebSocket, code: int, reason: str) -> None:
    with contextlib.suppress(RuntimeError, WebSocketDisconnect):  # the client may have been faster
        await socket.close(code, reason)


class _Conversation:
    """One socket's operations, each a task of its own, and what the client says meanwhile."""

    def __init__(self, socket: WebSocket, execution: Execution, message_limit: int) -> None:
        self._socket = socket
        self._execution = execution
        self._message_limit = message_limit
        self._headers: Mapping[str, str] | None = None  # who is asking; None before connection_init
        self._operations: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Talk until the client goes.

        Raises:
            _Closed: the client breaks the protocol, or may not connect.
            WebSocketDisconnect: it has gone.
        """
        try:
            async with asyncio.timeout(INIT_SECONDS):
                while self._headers is None:
                    await self._heed(await self._message())
        except TimeoutError:
            raise _Closed(4408, "Connection initialisation timeout") from None
        try:
            while True:
                await self._heed(await self._message())
        finally:
            await end(*self._operations.values())

    async def _message(self) -> dict[str, Any]:
        received = await self._socket.receive()
        if received["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(received.get("code", 1005))
        text = received.get("text")
        if text is None:
            raise _Closed(4400, "Messages are text")
        if len(text.encode()) > self._message_limit:
            raise _Closed(1009, f"A message may have {self._message_limit} bytes")
        try:
            message = parse_json(text, "A message")
        except BadRequest as error:
            raise _Closed(4400, error.message) from None
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            raise _Closed(4400, "A message is an object with a type")
        return message

    async def _heed(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        if kind == "ping":
            await self._send({"type": "pong"})
        elif kind == "connection_init":
            await self._begin(message.get("payload"))
        elif kind == "subscribe":
            self._subscribe(_id_of(message), message.get("payload"))
        elif kind == "complete":
            task = self._operations.pop(_id_of(message), None)
            if task is not None:
                await end(task)
        elif kind != "pong":
            raise _Closed(4400, "Unknown type of message")

    async def _begin(self, payload: Any) -> None:
        if self._headers is not None:
            raise _Closed(4429, "Too many initialisation requests")
        headers = dict(self._socket.headers)
        if isinstance(payload, dict):
            told = {str(name).lower(): value for name, value in payload.items()}
            headers |= {name: told[name] for name in CREDENTIALS if isinstance(told.get(name), str)}
        try:
            await self._execution.authenticate(headers)
        except Unavailable as error:
            raise _Closed(1013, f"{error.kind}: {error.message}") from None
        except TuttiError as error:
            raise _Closed(4403, f"{error.kind}: {error.message}") from None
        self._headers = headers
        await self._send({"type": "connection_ack"})

    def _subscribe(self, key: str, payload: Any) -> None:
        if self._headers is None:
            raise _Closed(4401, "Unauthorized")
        if key in self._operations:
            raise _Closed(4409, f"Subscriber for {key} already exists")
        try:
            asked = of_object(payload)
        except InvalidInput as error:
            raise _Closed(4400, error.message) from None
        self._operations[key] = asyncio.create_task(
            self._operate(key, asked, self._headers, crowded=len(self._operations) >= MOST_OPERATIONS)
        )

    async def _operate(
        self, key: str, asked: GraphQLRequest, headers: Mapping[str, str], *, crowded: bool
    ) -> None:
        """Execute one operation and tell what comes of it; the id is free again before its last message leaves."""
        last: dict[str, Any] = {"type": "complete", "id": key}
        try:
            operation = self._checked(asked, crowded=crowded)
            if operation.streams:
                async with aclosing(self._execution.stream(operation, headers)) as contents:
                    async for content in contents:
                        await self._send({"type": "next", "id": key, "payload": content})
            else:
                content = await self._execution.once(operation, headers, content_of)
                await self._send({"type": "next", "id": key, "payload": content})
        except WebSocketDisconnect:
            return
        except NotExecutable as refusal:
            last = {"type": "error", "id": key, "payload": refusal.entries}
        except TuttiError as error:
            last = {"type": "error", "id": key, "payload": [refused(error)]}
        except Exception:  # noqa: BLE001 - whatever it is, the client gets a GraphQL answer
            log.exception("unexpected error in an operation")
            masked = {"message": MASKED, "extensions": {"code": "INTERNAL"}}
            last = {"type": "error", "id": key, "payload": [masked]}
        if self._operations.get(key) is asyncio.current_task():
            del self._operations[key]
            with contextlib.suppress(WebSocketDisconnect):
                await self._send(last)

    def _checked(self, asked: GraphQLRequest, *, crowded: bool) -> Operation:
        if crowded:
            raise Unavailable(
                f"{MOST_OPERATIONS} operations are under way on this socket, which is the most",
                code="TOO_MANY_OPERATIONS",
            )
        return self._execution.check(asked)

    async def _send(self, message: dict[str, Any]) -> None:
        await self._socket.send_text(orjson.dumps(message, option=orjson.OPT_SERIALIZE_NUMPY).decode())


def _id_of(message: dict[str, Any]) -> str:
    key = message.get("id")
    if not isinstance(key, str) or not 0 < len(key) <= LONGEST_ID:
        raise _Closed(4400, f"A message of this type has an id, a string of at most {LONGEST_ID} characters")
    return key
