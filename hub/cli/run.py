"""`tutti run`: the hub as a server."""

import asyncio
import contextlib
import socket
import sys
from pathlib import Path
from typing import Annotated

import typer


def run_command(
    host: Annotated[str | None, typer.Option(help="Address to listen on (default: TUTTI_HOST).")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on (default: TUTTI_PORT).")] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Where the embedded server keeps its data (default: TUTTI_DATA_DIR).")
    ] = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="Install the demo brand, its personas and its keys.")
    ] = False,
) -> None:
    """Start the hub. Without TUTTI_MONGODB_URI it starts a MongoDB server of its own."""
    from hub.config import load_settings
    from hub.logs import configure

    given = {"host": host, "port": port, "data_dir": data_dir}
    settings = load_settings().model_copy(update={k: v for k, v in given.items() if v is not None})
    configure(settings.log_format, settings.log_level)
    # The port first: to find it taken after a minute of set-up would be a pity.
    listener = listen(settings.host, settings.port)
    settings = settings.model_copy(update={"port": listener.getsockname()[1]})

    from hub.server import serve

    def say(text: str) -> None:
        typer.secho(f"  {text}", err=True)

    stopped = contextlib.suppress(
        KeyboardInterrupt, asyncio.CancelledError
    )  # asked to stop: that is no failure
    with stopped, asyncio.Runner(loop_factory=_new_loop) as runner:
        runner.run(serve(settings, listener, demo=demo, say=say))


def listen(host: str, port: int) -> socket.socket:
    """Bind the address.

    Raises:
        SetupError: the port is taken or the address is not this machine's.
    """
    from hub.errors import SetupError

    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1024)
    except OSError as fault:
        raise SetupError(
            f"cannot listen on {host}:{port} ({fault.strerror}); stop what holds it, "
            "or choose another port with TUTTI_PORT or --port"
        ) from None
    return listener


def _new_loop() -> asyncio.AbstractEventLoop:
    if sys.platform == "win32":
        return asyncio.new_event_loop()
    import uvloop

    return uvloop.new_event_loop()
