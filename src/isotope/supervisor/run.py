"""The supervisor's loop. One thread, no event loop: it wakes up when a child ends or a signal comes."""

import contextlib
import fcntl
import os
import select
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Final, Self

from isotope.infra.embedded import EmbeddedError, EmbeddedPostgres
from isotope.supervisor.children import Child, ChildSpec, StartFailedError

_TICK_S: Final = 0.5
_POLL_S: Final = 0.05
_STOPS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Say = Callable[[str], None]


class StoppedError(Exception):
    """Told to stop while starting."""


class Supervisor:
    """Children in the order of their start; a context manager that leaves nothing behind.

    Args:
        data: the data folder; held exclusively while the supervisor runs.
        say: tells the person at the terminal one line.
    """

    def __init__(self, data: Path, say: Say) -> None:
        self.logs = data / "logs"
        self.children: list[Child] = []
        self._data = data
        self._say = say
        self._postgres: EmbeddedPostgres | None = None
        self._stops = 0
        self._lock: int | None = None
        self._lifeline: tuple[int, int] | None = None
        self._wake: tuple[int, int] | None = None

    def __enter__(self) -> Self:
        self.logs.mkdir(parents=True, exist_ok=True)
        self._take_lock()
        self._lifeline = os.pipe()
        self._wake = os.pipe()
        for end in self._wake:
            os.set_blocking(end, False)
        signal.set_wakeup_fd(self._wake[1], warn_on_full_buffer=False)
        for number in _STOPS:
            signal.signal(number, self._on_stop)
        # A handler must exist for the wake-up to be written.
        signal.signal(signal.SIGCHLD, _do_nothing)
        return self

    def __exit__(self, *_exc: object) -> None:
        self._stop_all()
        for number in (*_STOPS, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        signal.set_wakeup_fd(-1)
        for end in (*(self._lifeline or ()), *(self._wake or ())):
            os.close(end)
        if self._lock is not None:
            os.close(self._lock)

    def start_postgres(self) -> str:
        """The embedded store; its address."""
        self._postgres = EmbeddedPostgres(self._data)
        return self._postgres.start()

    def start(self, spec: ChildSpec) -> Child:
        if self._lifeline is None:
            raise RuntimeError("enter the supervisor first")
        child = Child(spec, self.logs, self._lifeline[0])
        child.start()
        self.children.append(child)
        return child

    def run_once(self, spec: ChildSpec, limit_s: float) -> None:
        """Run a command to its end, minding signals meanwhile.

        Raises:
            StartFailedError: it fails or takes too long.
            StoppedError: told to stop.
        """
        child = self.start(spec)
        self.children.remove(child)
        deadline = time.monotonic() + limit_s
        try:
            while child.is_alive():
                if time.monotonic() > deadline:
                    raise StartFailedError(f"{spec.name} takes longer than {limit_s:.0f} s; see {child.log_path}")
                self._sleep(_POLL_S)
                self._raise_if_stopped()
        finally:
            self._stop(child)
        if child.how_it_ended() != "exit code 0":
            raise StartFailedError(f"{spec.name} failed ({child.how_it_ended()}):\n{child.log_tail()}")

    def wait_until(self, ready: Callable[[], bool], needed: Sequence[Child], limit_s: float, what: str) -> None:
        """Wait for `ready()`.

        Raises:
            StartFailedError: a needed child dies, or it takes too long.
            StoppedError: told to stop.
        """
        deadline = time.monotonic() + limit_s
        while not ready():
            for child in needed:
                if not child.is_alive():
                    raise StartFailedError(
                        f"{child.spec.name} does not start ({child.how_it_ended()}):\n{child.log_tail()}"
                    )
            if time.monotonic() > deadline:
                raise StartFailedError(f"{what} is not ready after {limit_s:.0f} s; see {self.logs}")
            self._sleep(_POLL_S)
            self._raise_if_stopped()

    def watch(self) -> None:
        """Keep everything running until a stop signal."""
        while True:
            self._sleep(_TICK_S)
            if self._is_told_to_stop():
                return
            self._revive_postgres()
            now = time.monotonic()
            for child in self.children:
                told = child.tick(now)
                if told:
                    self._say(told)

    def _revive_postgres(self) -> None:
        if self._postgres is not None and not self._postgres.is_alive():
            self._say("PostgreSQL ended; it is started again")
            try:
                self._postgres.restart()
            except EmbeddedError as error:
                # The next tick tries again.
                self._say(str(error))

    def _stop_all(self) -> None:
        """In reverse order, each waited for; a second Ctrl-C does not wait."""
        for child in reversed(self.children):
            self._stop(child)
        self.children.clear()
        if self._postgres is not None:
            self._postgres.stop()
            self._postgres = None

    def _stop(self, child: Child) -> None:
        child.ask_to_stop()
        while child.is_alive() and not child.grace_is_over() and self._stops <= 1:
            self._sleep(_POLL_S)
        child.end()

    def _on_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stops += 1

    def _raise_if_stopped(self) -> None:
        if self._is_told_to_stop():
            raise StoppedError

    def _is_told_to_stop(self) -> bool:
        return self._stops > 0

    def _sleep(self, seconds: float) -> None:
        """Until the time is over, a child ends or a signal comes."""
        if self._wake is None:
            raise RuntimeError("enter the supervisor first")
        readable, _writable, _failed = select.select([self._wake[0]], [], [], seconds)
        if readable:
            with contextlib.suppress(BlockingIOError):
                os.read(self._wake[0], 4_096)

    def _take_lock(self) -> None:
        path = self._data / "isotope.lock"
        self._lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            owner = os.read(self._lock, 32).decode(errors="replace").strip()
            os.close(self._lock)
            self._lock = None
            raise StartFailedError(
                f"process {owner} runs on the data folder {self._data} already; stop it, or use another with DATA=..."
            ) from error
        os.ftruncate(self._lock, 0)
        os.write(self._lock, f"{os.getpid()}\n".encode())


def _do_nothing(_number: int, _frame: FrameType | None) -> None:
    pass
