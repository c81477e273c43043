"""The speed limit that slows a vehicle without stopping it, and the one that lets it go. Pure."""

from collections.abc import Sequence

from isotope.domain.devices.capabilities import value_spec
from isotope.domain.devices.model import PARAMETER, Capability, CommandName, Scalar
from isotope.domain.devices.rules import WALKING_KMH, stops


def slow_limit(capabilities: Sequence[Capability], wanted_kmh: int) -> dict[str, Scalar] | None:
    """Parameters of a `speed_limit` that may be sent to a vehicle that moves; None: it cannot be slowed.

    | the unit takes          | wanted            | limit                                             |
    |-------------------------|-------------------|---------------------------------------------------|
    | no speed limit          | any               | None                                              |
    | 5 to 20                 | 10                | 10                                                |
    | 5 to 20                 | at most 6         | 7: a lower one stops it in traffic (`rules.stops`) |
    | 10 to 20                | less than 10      | 10                                                |
    | up to 6                 | any               | None                                              |
    """
    limit = _limit(capabilities, max(wanted_kmh, WALKING_KMH + 1))
    return None if limit is None or stops(CommandName.SPEED_LIMIT, limit) else limit


def full_limit(capabilities: Sequence[Capability], max_speed_kmh: float | None) -> dict[str, Scalar] | None:
    """Parameters of a `speed_limit` that is none; None: the unit takes none.

    The model's top speed, or where it tells none the highest that the unit takes.
    """
    return _limit(capabilities, None if max_speed_kmh is None else round(max_speed_kmh))


def _limit(capabilities: Sequence[Capability], wanted_kmh: int | None) -> dict[str, Scalar] | None:
    name = CommandName.SPEED_LIMIT
    spec = next((value_spec(one) for one in capabilities if one.command is name), None)
    if spec is None or spec.max is None:
        return None
    kmh = spec.max if wanted_kmh is None else min(wanted_kmh, spec.max)
    return {PARAMETER[name]: max(kmh, spec.min or 0)}
