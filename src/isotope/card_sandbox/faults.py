"""What can go wrong between a provider and who asks it: by card, or told beforehand for the next call of a kind."""

from typing import Final, Literal, TypeAlias, get_args

# done       it is done, and no answer comes
# lost       it is not done, and no answer comes
# slow       it is done, and the answer comes late
# half       it is done, and the connection breaks in the middle of the answer
# error      it is not done: 500
# error_done it is done: 500 all the same
Fault: TypeAlias = Literal["done", "lost", "slow", "half", "error", "error_done"]
FAULTS: Final[tuple[Fault, ...]] = get_args(Fault)


class Faults:
    """What is to happen to the next calls, by kind; used up in order."""

    def __init__(self) -> None:
        self._next: dict[str, list[Fault]] = {}

    def add(self, kind: str, fault: Fault, times: int = 1) -> None:
        self._next.setdefault(kind, []).extend([fault] * times)

    def take(self, kind: str) -> Fault | None:
        waiting = self._next.get(kind)
        return waiting.pop(0) if waiting else None
