"""Where drivers and riders of taxis meet."""

from dataclasses import dataclass, field

from isotope.kernel.geo import Point


@dataclass(slots=True)
class Street:
    """What people in the street see of each other and say to each other; no app is needed for it.

    Attributes:
        pins: by trip: the digits that the rider tells the driver.
        absent: trips whose rider does not come.
        time_zone: by which clocks on the walls go; empty while nobody has looked at one.
    """

    pins: dict[int, str] = field(default_factory=dict)
    absent: set[int] = field(default_factory=set)
    time_zone: str = ""


@dataclass(frozen=True, slots=True)
class Area:
    """Where people are driven, and drivers wait."""

    centre: Point
    radius_m: float
