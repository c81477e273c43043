"""A clock that tests set."""

from datetime import UTC, datetime, timedelta

START = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)  # a Monday


class SettableClock:
    """Stands still until it is set or advanced."""

    def __init__(self, now: datetime = START) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def set(self, now: datetime) -> None:
        self._now = now.astimezone(UTC)

    def advance(self, **parts: float) -> datetime:
        """`clock.advance(minutes=5)`; the new time."""
        self._now += timedelta(**parts)
        return self._now
