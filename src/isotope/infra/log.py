"""Logs: one JSON object a line on standard error, the same for our own lines and those of libraries.

What is bound with `bind` (request id, operator id) is on every line of the same task. Logs carry ids, never personal
data: values under the names below are masked, addresses of mail and card numbers inside texts too, and what the
database says about the rows of a failed statement is left out.
"""

import json
import logging
import re
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Any, Final, TextIO

import msgspec
import psycopg
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from isotope.infra.config import Config
from isotope.kernel.card_numbers import mask_card_numbers

MASK: Final = "***"

# By part of the name (`phone_token`, `app_secret_key`): credentials and codes.
_SECRET: Final = re.compile(
    r"(secret|password|passwd|token|authorization|cookie|credential|api_key|public_key|^code$|^otp)", re.IGNORECASE
)
# By whole name: what a person can be found by.
_PERSONAL: Final = frozenset(
    {"email", "phone", "phone_number", "user_phone", "user_email", "user_name", "rider_name", "first_name", "last_name"}
    | {"address", "ip", "client_ip", "body"}
)
_MAIL: Final = re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+")
_URL_PASSWORD: Final = re.compile(r"(://[^:/@\s]*):[^@/\s]+@")
_MAX_DEPTH: Final = 6


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The processor that masks; works on nested values too."""
    return {name: value if name == "event" else _masked(name, value, 0) for name, value in event.items()} | {
        "event": _masked("event", event.get("event"), 0)
    }


def _masked(name: str, value: Any, depth: int) -> Any:
    if _is_private(name):
        return value if value is None or isinstance(value, bool) else MASK
    if isinstance(value, str):
        if "@" in value:  # both have one, and most texts have none
            value = _URL_PASSWORD.sub(rf"\1:{MASK}@", _MAIL.sub(MASK, value))
        return mask_card_numbers(value)
    if depth >= _MAX_DEPTH:
        return MASK
    if isinstance(value, dict):
        return {str(key): _masked(str(key), inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_masked("", inner, depth + 1) for inner in value]
    return value


@lru_cache(maxsize=1_024)
def _is_private(name: str) -> bool:
    return _SECRET.search(name) is not None or name.lower() in _PERSONAL


def configure_logging(config: Config, process: str) -> None:
    """Set up structlog and the standard library's logging for this process.

    Args:
        config: format and level.
        process: on every line, such as `api-1`.
    """
    level = logging.getLevelNamesMapping()[config.log_level.upper()]

    def add_process(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event.setdefault("process", process)
        return event

    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        add_process,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    render: list[Processor]
    if config.log_format == "json":
        render = [_exception_as_text, redact, _as_json]
    else:
        render = [_exception_as_text, redact, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    # Our own lines go straight to the stream: by way of the standard library's loggers each would cost twice as much.
    # The list stays the same object, for loggers keep it.
    _PROCESSORS[:] = [*shared, *render]
    out = _Lines(sys.stderr)
    structlog.configure(
        processors=_PROCESSORS,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_names: out,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder(allow=())],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in ("procrastinate", "uvicorn", "httpx", "httpx2", "asyncio", "litestar"):
        library = logging.getLogger(name)
        library.handlers = []
        library.propagate = True
        # Their lines on every call say nothing that ours do not.
        library.setLevel(max(level, logging.WARNING))


_PROCESSORS: Final[list[Processor]] = []


class _Lines:
    """Where rendered lines go. A line that cannot be written is lost: whoever says it has other things to do."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, line: str) -> None:
        with suppress(OSError, ValueError):
            self._stream.write(line + "\n")

    debug = info = warn = warning = error = exception = critical = fatal = msg = write


def _as_json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    try:
        return msgspec.json.encode(event, enc_hook=str).decode()
    except (TypeError, ValueError, OverflowError):
        # Numbers beyond 64 bits, keys that are no texts, halves of characters.
        return json.dumps(event, default=str)


@contextmanager
def bind(**values: Any) -> Iterator[None]:
    """Put `request_id=`, `operator_id=` and the like on every line of this task within the block."""
    with structlog.contextvars.bound_contextvars(**values):
        yield


def _exception_as_text(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    error = info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        event["error"] = type(error).__name__
        event["message"] = _message(error)
        event["trace"] = _frames(error)
    return event


def _message(error: BaseException) -> str:
    # The further lines of a database error repeat the row: `DETAIL: Key (phone)=(...)`.
    return str(error).partition("\n")[0] if isinstance(error, psycopg.Error) else str(error)[:2_000]


def _frames(error: BaseException) -> list[str]:
    """Where it was raised, outermost first, with its causes; without source lines and values."""
    lines: list[str] = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        if current is not error:
            lines.append(f"caused by {type(current).__name__}: {_message(current)}")
        trace = current.__traceback__
        frames: list[str] = []
        while trace is not None:
            code = trace.tb_frame.f_code
            frames.append(f"{code.co_filename}:{trace.tb_lineno} {code.co_qualname}")
            trace = trace.tb_next
        lines += frames[-40:]
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return lines


def drop_private(event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The masking alone, for texts that do not go through a logger."""
    return redact(None, "", dict(event))
