"""The hub as a running server: services open, socket served, background work watched, all closed again."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Coroutine
from typing import Any

import structlog
import uvicorn

from hub.app import Hub, open_hub
from hub.config import Settings
from hub.demo.start import start_demo
from hub.errors import TuttiError
from hub.kit.memory import settle

log = structlog.get_logger("tutti.server")


async def serve(
    settings: Settings, listener: socket.socket, *, demo: bool, say: Callable[[str], None]
) -> None:
    """Serve until a signal comes.

    Raises:
        SetupError: something that must be there is not; the message says what to do.
    """
    stopping = _Stopping()
    async with open_hub(settings, say=say) as hub:
        server = _Server(
            uvicorn.Config(
                hub.app,
                lifespan="off",  # the hub is opened here, so that a failed start is one clear sentence
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=10,
                ws_max_size=settings.body_limit,
            ),
            hub.closing,
        )
        stopping.server = server
        await _until_done(server, listener, _prepare(hub, demo=demo, say=say))


class _Server(uvicorn.Server):
    """uvicorn, which waits for answers under way when it stops; streams are told to end before that."""

    def __init__(self, config: uvicorn.Config, closing: asyncio.Event) -> None:
        super().__init__(config)
        self._closing = closing

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._closing.set()
        await super().shutdown(sockets)


class _Stopping:
    """What SIGTERM does: before the server serves it ends the start; after, uvicorn has handled it.

    uvicorn raises a signal again once it has shut down, which would end the process before the store
    is closed, and with an exit code as if it had failed.
    """

    def __init__(self) -> None:
        self.server: uvicorn.Server | None = None
        self._starting = asyncio.current_task()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._stop)

    def _stop(self) -> None:
        if self.server is None and self._starting is not None:
            self._starting.cancel()


async def _until_done(
    server: uvicorn.Server, listener: socket.socket, preparing: Coroutine[Any, Any, None]
) -> None:
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    prepared = asyncio.create_task(preparing)
    try:
        await asyncio.wait({serving, prepared}, return_when=asyncio.FIRST_COMPLETED)
        if prepared.done() and not serving.done() and prepared.exception() is not None:
            server.should_exit = True
        await serving
    finally:
        prepared.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await prepared


async def _prepare(hub: Hub, *, demo: bool, say: Callable[[str], None]) -> None:
    base_url = hub.services.settings.base_url
    if demo:
        hub.readiness.waiting_for = "the demo brand"
        try:
            await start_demo(hub.services, hub.auth, base_url, learn=hub.learn, say=say)
        except TuttiError:
            raise
        except Exception:
            log.exception("the demo could not be installed")
            raise
    settle()
    hub.readiness.waiting_for = ""
    say(f"The hub answers at {base_url}  (GraphiQL: {base_url}/graphiql). Ctrl-C stops it.")
