"""A rate limit for one somebody. Pure: it is told the time."""


class Bucket:
    """Holds `size` at first and at most, gains `rate` a second."""

    __slots__ = ("_at_s", "_left", "_rate", "_size")

    def __init__(self, limit: tuple[int, float], now_s: float) -> None:
        self._size, self._rate = limit
        self._left = float(self._size)
        self._at_s = now_s

    def take(self, now_s: float) -> bool:
        """Take one; False when there is none."""
        self._fill(now_s)
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def borrow(self, now_s: float) -> float:
        """Take one in any case; how many seconds to wait until it would have been there."""
        self._fill(now_s)
        self._left -= 1
        return 0.0 if self._left >= 0 else -self._left / self._rate

    def is_empty(self, now_s: float) -> bool:
        self._fill(now_s)
        return self._left < 1

    def _fill(self, now_s: float) -> None:
        self._left = min(float(self._size), self._left + (now_s - self._at_s) * self._rate)
        self._at_s = now_s
