"""Cuts a stream of bytes into lines, whatever the chunks, and never holds more than one line's worth."""

from collections.abc import Iterator
from typing import Final

from isotope.iot.model import FrameError

_LF: Final = 0x0A


class LineSplitter:
    """One a connection. A line ends with LF; a CR before it and empty lines are dropped.

    A line longer than the cap is thrown away as it comes, up to its LF, and told once.
    """

    __slots__ = ("_cap", "_held", "_skipping")

    def __init__(self, cap: int) -> None:
        self._cap = cap
        self._held = bytearray()
        self._skipping = False

    def feed(self, data: bytes) -> Iterator[bytes | FrameError]:
        """The lines that `data` completes, without their ends; a `FrameError` stands for one that was too long.

        Consume the iterator whole before feeding again, or feed no more.
        """
        start = 0
        while (end := data.find(_LF, start)) >= 0:
            if self._skipping:
                self._skipping = False
            elif len(self._held) + end - start > self._cap:
                self._held.clear()
                yield self._too_long()
            else:
                line = bytes(self._held) + data[start:end] if self._held else data[start:end]
                self._held.clear()
                if line := line.removesuffix(b"\r"):
                    yield line
            start = end + 1
        if self._skipping:
            return
        if len(self._held) + len(data) - start > self._cap:
            self._held.clear()
            self._skipping = True
            yield self._too_long()
        else:
            self._held += memoryview(data)[start:]

    @property
    def held(self) -> int:
        """Bytes of the unfinished line."""
        return len(self._held)

    def _too_long(self) -> FrameError:
        return FrameError(f"a line is longer than {self._cap} bytes")
