"""One child process: started, watched, restarted with back-off, stopped."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from isotope.infra.lifeline import VARIABLE as LIFELINE

# Waits before the first, second, ... restart in a row; a run of `_STEADY_S` begins anew.
_BACKOFF_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_STEADY_S: Final = 30.0
_LOG_LIMIT_BYTES: Final = 20_000_000


class StartFailedError(Exception):
    """A process does not come up; the message has the end of its log."""


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """What to run.

    Args:
        name: unique; of the log file and the metrics, such as `api-1`.
        command: the command line.
        environ: variables over the supervisor's own.
        descriptors: sockets that the child inherits.
    """

    name: str
    command: Sequence[str]
    environ: Mapping[str, str] = field(default_factory=dict)
    descriptors: Sequence[int] = ()


class Child:
    """A process that is to run until it is stopped.

    Attributes:
        GRACE_S: how long it may take to stop; longer than a request may take.
    """

    GRACE_S: Final = 20.0

    def __init__(self, spec: ChildSpec, logs: Path, lifeline: int) -> None:
        self.spec = spec
        self.log_path = logs / f"{spec.name}.log"
        self.restarts = 0
        self._lifeline = lifeline
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._again_at: float | None = None
        self._asked_at: float | None = None
        self._in_a_row = 0

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        # Appending: the log may be cut while the child writes.
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                list(self.spec.command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={
                    **os.environ,
                    **self.spec.environ,
                    LIFELINE: str(self._lifeline),
                    "ISOTOPE_PROCESS": self.spec.name,
                    "PYTHONUNBUFFERED": "1",
                },
                pass_fds=(self._lifeline, *self.spec.descriptors),
                # Its own group: Ctrl-C in the terminal reaches the supervisor alone, which stops in order.
                process_group=0,
            )
        self._started_at = time.monotonic()
        self._again_at = None

    def tick(self, now: float) -> str | None:
        """Restart if it died and the wait is over; what happened, for people, or None."""
        if self._again_at is not None:
            if now < self._again_at:
                return None
            self.start()
            self.restarts += 1
            return f"{self.spec.name} is started again (process {self.pid})"
        if self._process is None or self._process.poll() is None:
            self._cut_log()
            return None
        if now - self._started_at > _STEADY_S:
            self._in_a_row = 0
        wait_s = _BACKOFF_S[min(self._in_a_row, len(_BACKOFF_S) - 1)]
        self._in_a_row += 1
        self._again_at = now + wait_s
        return f"{self.spec.name} ended ({self.how_it_ended()}); again in {wait_s:g} s, see {self.log_path}"

    def how_it_ended(self) -> str:
        code = None if self._process is None else self._process.poll()
        if code is None:
            return "runs"
        return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"

    def ask_to_stop(self) -> None:
        self._again_at = None
        self._asked_at = time.monotonic()
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def grace_is_over(self) -> bool:
        """Whether it was asked to stop and has had its time."""
        return self._asked_at is not None and time.monotonic() - self._asked_at > self.GRACE_S

    def end(self) -> None:
        """Make sure that it is gone."""
        if self._process is not None:
            if self._process.poll() is None:
                self._process.kill()
            self._process.wait()

    def log_tail(self, lines: int = 12) -> str:
        try:
            with self.log_path.open("rb") as log:
                log.seek(max(0, log.seek(0, os.SEEK_END) - 16_000))
                return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""

    def _cut_log(self) -> None:
        """Keep the last whole file beside and begin anew; the child goes on appending to the same file."""
        try:
            if self.log_path.stat().st_size <= _LOG_LIMIT_BYTES:
                return
        except OSError:
            return
        self.log_path.with_suffix(".log.1").write_bytes(self.log_path.read_bytes())
        os.truncate(self.log_path, 0)
