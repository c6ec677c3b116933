"""Logging: one canonical line for each request, JSON in production, pretty in development.

No personal data and no secret is ever an argument of a log call: log ids, counts and codes.
"""

import contextlib
import logging
import sys
from typing import Any, Literal, TextIO, cast

import orjson
import structlog


def configure(log_format: Literal["pretty", "json"], level: str) -> None:
    """Set up structlog, and bring the standard library's loggers (uvicorn, pymongo) into the same form.

    Our own lines are written directly: through the standard library each costs three times as much, and there is
    one for every request.
    """
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: Any
    if log_format == "json":
        last = structlog.processors.JSONRenderer(serializer=_json)
        shared.append(structlog.processors.format_exc_info)
    else:
        # Plain: the fancy tracebacks show local variables, and those hold personal data.
        last = structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    structlog.configure(
        processors=[*shared, last],
        logger_factory=structlog.WriteLoggerFactory(cast("TextIO", _Stderr())),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # uvicorn's access lines would double ours; the driver's debug lines would carry documents
    logging.getLogger("uvicorn.access").disabled = True
    for chatty in ("pymongo", "httpx", "httpcore", "asyncio", "uvicorn"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


class _Stderr:
    """Standard error as it is at the moment; a line that it does not take is lost, and costs nobody their answer."""

    def write(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.flush()


def _json(line: Any, **_: Any) -> str:
    return orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
