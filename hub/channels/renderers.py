"""Processes that turn a message's values into HTML and text, beside the one that decides and records.

    deciding process                            renderer
    values, template's sources      -->         compiled once, rendered
    the message, ready to record    <--         html, text

Rendering is a third of what a message of a batch costs, and pure: it needs a dict of words and nothing else of the
hub. Threads would not help, since the template language holds Python's lock. Renderers end with their parent,
however it ends.
"""

import asyncio
import multiprocessing
import os
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from hub.channels.base import present
from hub.channels.context import PresentationContext
from hub.channels.email import finished, prepared, rendered
from hub.channels.message import Message
from hub.channels.model import Experience
from hub.channels.template_check import MessageTemplate, compiled, shipped
from hub.decisions.model import Channel, Decision
from hub.errors import Unavailable

MOST_COMPILED = 32  # templates in one renderer


class Renderers:
    """Presents as `hub.channels.base.present` does; messages are rendered by other processes."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool

    async def present(self, decision: Decision, channel: Channel, context: PresentationContext) -> Experience:
        """Return `decision` as `channel` shows it.

        Raises:
            Unavailable: a renderer ended; what was not recorded yet can be asked for again.
        """
        if channel is not Channel.EMAIL:
            return present(decision, channel, context)
        message = prepared(decision, context)
        if not isinstance(message, Message):
            return message
        template = context.template or shipped()
        called = (template.key, template.version, *template.sources)
        try:
            made, html, text = await asyncio.get_running_loop().run_in_executor(
                self._pool, _render, called, message.values
            )
        except BrokenProcessPool:
            raise Unavailable("a rendering process ended; ask again") from None
        return finished(decision, context, message, made, html, text)


@contextmanager
def renderers(count: int) -> Iterator[Renderers | None]:
    """Start so many renderers for as long as the context lasts; None for no renderers at all."""
    if count < 1:
        yield None
        return
    with ProcessPoolExecutor(
        count, mp_context=multiprocessing.get_context("spawn"), initializer=_end_with_parent
    ) as pool:
        yield Renderers(pool)


def spare_processors() -> int:
    """Return how many renderers pay: what the machine has beside the deciding process, at most four."""
    return max(0, min(4, (os.cpu_count() or 1) - 1))


def _render(
    called: tuple[str, int, str, str | None], values: Mapping[str, Any]
) -> tuple[tuple[str, int], str, str]:
    template, html, text = rendered(values, _compiled(*called))
    return (template.key, template.version), html, text


@lru_cache(MOST_COMPILED)
def _compiled(key: str, version: int, mjml: str, text: str | None) -> MessageTemplate:
    return compiled(key, version, mjml, text)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()

    def wait() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
