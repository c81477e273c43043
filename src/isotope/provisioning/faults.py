"""What is wrong with a folder: every fault with its place, so that one run of `isotope apply` is enough to mend them all."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from functools import lru_cache
from typing import Final

import msgspec

MAX_FAULTS: Final = 500
_SHOWN_LENGTH: Final = 60


class FileFault(msgspec.Struct, frozen=True, kw_only=True):
    """One thing wrong at one place.

    Attributes:
        file: name inside the folder.
        line: from 1; None where the fault is of the whole file.
        column: from 1; known for faults of syntax only.
        feature: for zones: number (from 1) and name of the feature.
        field: path such as `tariffs.city.minutes.0.price`; empty for the file itself.
        reason: what is wrong, in words of the operator.
        accepted: what would be right; empty where the reason says it.
    """

    file: str
    reason: str
    line: int | None = None
    column: int | None = None
    feature: str = ""
    field: str = ""
    accepted: str = ""

    def text(self) -> str:
        """One line, the place first, as compilers do it."""
        place = self.file
        for number in (self.line, self.column):
            if number is not None:
                place += f":{number}"
        parts = [place, *(part for part in (self.feature, self.field) if part), self.reason]
        return ": ".join(parts) + (f" (accepted: {self.accepted})" if self.accepted else "")


class FolderRefused(Exception):  # noqa: N818 - an outcome, not an error of the program
    """The folder is refused whole; nothing was applied.

    Attributes:
        faults: by file and line; at most `MAX_FAULTS`.
        more: how many were found beyond those.
    """

    def __init__(self, faults: tuple[FileFault, ...], more: int = 0) -> None:
        super().__init__(faults, more)
        self.faults = faults
        self.more = more

    def __str__(self) -> str:
        count = len(self.faults) + self.more
        lines = [f"nothing was applied, {'one thing is' if count == 1 else f'{count} things are'} wrong:"]
        lines += [fault.text() for fault in self.faults]
        if self.more:
            lines.append(f"... and {self.more} more")
        return "\n".join(lines)


class Faults:
    """Collects the faults of a folder, up to a bound."""

    def __init__(self) -> None:
        self._found: list[FileFault] = []
        self._more = 0

    def __bool__(self) -> bool:
        return bool(self._found)

    def __len__(self) -> int:
        return len(self._found) + self._more

    def __iter__(self) -> Iterator[FileFault]:
        return iter(self._found)

    def add(self, fault: FileFault) -> None:
        if len(self._found) < MAX_FAULTS:
            self._found.append(fault)
        else:
            self._more += 1

    def raise_any(self) -> None:
        """Refuse the folder if anything is wrong with it.

        Raises:
            FolderRefused: with every fault.
        """
        if self._found:
            ordered = sorted(self._found, key=lambda fault: (fault.file, fault.line or 0, fault.field))
            raise FolderRefused(tuple(ordered), self._more)


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """` - did you mean 'x'?`, or nothing where no known word is near."""
    return _did_you_mean(word[:_SHOWN_LENGTH], tuple(known))


@lru_cache(maxsize=1024)  # a hundred thousand rows may name the same wrong model
def _did_you_mean(word: str, known: tuple[str, ...]) -> str:
    folded = {entry.casefold(): entry for entry in known}
    near = get_close_matches(word.casefold(), list(folded), n=1, cutoff=0.6)
    return f" - did you mean {folded[near[0]]!r}?" if near else ""


def one_of(words: Sequence[str], *, limit: int = 25) -> str:
    """A list for people: at most `limit` words, then how many more."""
    shown = ", ".join(words[:limit])
    return shown + (f" and {len(words) - limit} more" if len(words) > limit else "")


def shown(value: object) -> str:
    """A value as it stands in a message: short, on one line."""
    text = repr(value)
    return text if len(text) <= _SHOWN_LENGTH else text[: _SHOWN_LENGTH - 3] + "..."
