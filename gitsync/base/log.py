"""Logging: JSON lines on stderr, or a console style where a person looks on.

`configure` is called once, by the main thread, before any other thread starts. Verbosity follows git-sync's levels: an
event without `v` is always shown, others only from that level on (0 updates … 5 commands … 6 their output … 9 debug).
"""

import logging
import sys
from typing import Any, Final, Protocol, TextIO

import structlog

from gitsync.base.redact import scrub_value

COMMANDS: Final = 5
OUTPUT: Final = 6


class Logger(Protocol):
    """What the package needs of a logger: events are `snake_case` names, everything else is a field."""

    def bind(self, **fields: Any) -> "Logger": ...
    def info(self, event: str, **fields: Any) -> Any: ...
    def warning(self, event: str, **fields: Any) -> Any: ...
    def error(self, event: str, **fields: Any) -> Any: ...


class _Level:
    """Drops events above the verbosity that was asked for."""

    def __init__(self, verbose: int) -> None:
        self._verbose = verbose

    def __call__(self, logger: Any, method: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
        if event.pop("v", 0) > self._verbose:
            raise structlog.DropEvent
        return event


def _order(logger: Any, method: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """Put what every line has at its beginning, where the eye looks for it."""
    first = {name: event.pop(name) for name in ("timestamp", "level", "event") if name in event}
    return {**first, **event}


def _scrub(logger: Any, method: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    return {key: scrub_value(value) for key, value in event.items()}


class _Forward(logging.Handler):
    """Hands what libraries log through the standard module to the same place."""

    def emit(self, record: logging.LogRecord) -> None:
        level = "error" if record.levelno >= logging.ERROR else "warning"
        fields: dict[str, Any] = {"logger": record.name, "message": record.getMessage()}
        if record.exc_info:
            fields["exc_info"] = record.exc_info
        getattr(get_logger(), level)("library", **fields)


def configure(*, verbose: int, style: str, stream: TextIO | None = None) -> None:
    """Set up logging; `style` is `json`, `console`, or `auto` (console on a terminal, JSON elsewhere)."""
    stream = stream or sys.stderr
    console = style == "console" or (style == "auto" and stream.isatty())
    renderer: Any = structlog.dev.ConsoleRenderer(colors=stream.isatty()) if console else _json_renderer()
    structlog.configure(
        processors=[
            _Level(verbose),
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _scrub,
            _order,
            renderer,
        ],
        wrapper_class=structlog.BoundLogger,
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    # Its warnings show URLs whole, and the query may be secret.
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    logging.basicConfig(handlers=[_Forward(logging.WARNING)], level=logging.WARNING, force=True)


def _json_renderer() -> Any:
    return structlog.processors.JSONRenderer(ensure_ascii=False)


def get_logger(**fields: Any) -> Logger:
    """Return a logger with these fields bound to every event."""
    logger: Logger = structlog.get_logger(**fields)
    return logger
