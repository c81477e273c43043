"""How well a simulated unit behaves: most do, some refuse, answer late, go silent or lie."""

from random import Random
from typing import Final

import msgspec


class Manners(msgspec.Struct, frozen=True, kw_only=True):
    """Chances 0..1 a command, unless said otherwise."""

    reaction_s: tuple[float, float] = (0.05, 0.4)
    """How long an answer takes, from and to."""
    refuse: float = 0.0
    """Answers `failed`."""
    late: float = 0.0
    """Answers after `late_s` seconds, longer than a start waits."""
    late_s: float = 12.0
    lie: float = 0.0
    """Answers `done` while its state says otherwise."""
    mute: float = 0.0
    """Does not answer at all."""
    losses_per_hour: float = 0.0
    """How often it loses contact."""
    silence_s: float = 45.0
    """For how long, on average."""
    gps_jumps_per_hour: float = 0.0
    """How often it reports a position kilometres away, once."""


WELL_BEHAVED: Final = Manners(losses_per_hour=0.2)
PERFECT: Final = Manners()
PROMPT: Final = Manners(reaction_s=(0.0, 0.0))
TROUBLEMAKERS: Final = (
    Manners(refuse=0.6, losses_per_hour=1),
    Manners(late=0.5, losses_per_hour=1),
    Manners(lie=0.5),
    Manners(mute=0.4),
    Manners(losses_per_hour=30, silence_s=60),
    Manners(gps_jumps_per_hour=20, losses_per_hour=1),
)


def assign(count: int, troublemakers: float, rng: Random) -> list[Manners]:
    """Manners for a fleet: the share `troublemakers` (0..1) of it misbehaves, one kind after the other."""
    bad = set(rng.sample(range(count), round(count * troublemakers)))
    kinds = iter(range(len(bad)))
    return [TROUBLEMAKERS[next(kinds) % len(TROUBLEMAKERS)] if nr in bad else WELL_BEHAVED for nr in range(count)]
