"""Which speed limit a vehicle is to have, with all who want one heard. Pure."""

from isotope.domain.devices import full_limit, slow_limit
from isotope.domain.devices.model import PARAMETER, CommandName, Scalar
from isotope.domain.fleet import ModelSpec


def speed_wanted(spec: ModelSpec, *limits_kmh: int | None) -> dict[str, Scalar] | None:
    """Parameters of the `speed_limit` for a vehicle; None: it takes none.

    Whoever limits it or lets it go asks here with the limits of all: of the zones it is in, and of money that is used
    up. So the end of one leads back to the other's limit and not to full speed.

    | zones     | money     | top speed | limit                                            |
    |-----------|-----------|-----------|--------------------------------------------------|
    | none      | none      | 25        | 25                                               |
    | 10        | none      | 25        | 10                                               |
    | none      | 6         | 25        | 7: a lower one would stop it in traffic          |
    | 10        | 6         | 25        | 7                                                |
    | 10        | 15        | 25        | 10                                               |
    | 40        | none      | 25        | 25: a limit never lets it go faster than it does |
    """
    given = [limit for limit in limits_kmh if limit is not None]
    full = full_limit(spec.capabilities, spec.max_speed_kmh)
    slow = slow_limit(spec.capabilities, min(given)) if given else None
    if slow is None or full is None:
        return full
    return min(slow, full, key=lambda limit: float(limit[PARAMETER[CommandName.SPEED_LIMIT]]))
