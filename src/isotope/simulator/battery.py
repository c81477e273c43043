"""What a battery loses on the road and gains in the rack. Pure."""

from typing import Final

# A fleet's usual figures: 40 km a charge; standing still, the unit itself lives off it; swapped or charged in some
# 40 minutes once it is low.
RANGE_M: Final = 40_000.0
IDLE_PCT_PER_HOUR: Final = 0.05
CHARGE_PCT_PER_HOUR: Final = 150.0
CHARGE_BELOW_PCT: Final = 25.0
CHARGED_PCT: Final = 98.0
# A car is plugged in, or filled up, where it stands: whoever has booked it shall find it ready.
CAR_CHARGE_BELOW_PCT: Final = 60.0


def ridden(battery_pct: float, distance_m: float, range_m: float = RANGE_M) -> float:
    """What is left after `distance_m`; never below 0."""
    return max(0.0, battery_pct - 100.0 * distance_m / range_m)


def idled(battery_pct: float, seconds: float) -> float:
    """What is left after standing so long."""
    return max(0.0, battery_pct - IDLE_PCT_PER_HOUR * seconds / 3600)


def charged(battery_pct: float, seconds: float) -> float:
    """What is in it after charging so long; never above 100."""
    return min(100.0, battery_pct + CHARGE_PCT_PER_HOUR * seconds / 3600)


def is_charging(battery_pct: float, *, was_charging: bool, below_pct: float = CHARGE_BELOW_PCT) -> bool:
    """Whether a standing vehicle is at the charger, or its tank is being filled.

    | battery             | charging before | charging |
    |---------------------|-----------------|----------|
    | below `below_pct`   | any             | yes      |
    | from there to 98 %  | yes             | yes      |
    | from there to 98 %  | no              | no       |
    | 98 % or more        | any             | no       |
    """
    if battery_pct < below_pct:
        return True
    return was_charging and battery_pct < CHARGED_PCT
