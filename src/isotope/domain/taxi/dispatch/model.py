"""What the dispatcher knows of requests and drivers, and what it decides."""

from dataclasses import dataclass, field

from isotope.kernel.geo import Point
from isotope.kernel.ids import DriverId, TaxiClassId, TripId


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRequest:
    """A trip that looks for a driver.

    Attributes:
        waited_s: since it began to look.
        tried: drivers who were offered it and are not offered it again, or hold it now.
        held_by: how many drivers hold an offer of it now.
        is_later: it is SCHEDULED, and looks for somebody who promises to drive it.
        starts_in_s: until then; 0 of a trip for now.
        duration_s: of the quoted route.
    """

    trip_id: TripId
    at: Point
    class_id: TaxiClassId
    is_cash: bool
    waited_s: float
    wanted_driver_id: DriverId | None = None
    tried: frozenset[DriverId] = field(default_factory=frozenset)
    held_by: int = 0
    is_later: bool = False
    starts_in_s: float = 0.0
    duration_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeDriver:
    """A driver who works, was heard of, is where we think, and drives nobody.

    Attributes:
        idle_s: since the last trip, or since they came.
        declined: offers of the last hour that they declined or let pass.
        held: offers that they hold now.
        promised: trips for later that they promised: seconds from now until the start and the end of each.
    """

    driver_id: DriverId
    at: Point
    class_ids: frozenset[TaxiClassId]
    takes_cash: bool
    idle_s: float
    declined: int = 0
    held: int = 0
    promised: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Pair:
    """A driver who could be offered a request: indices of both, and how far apart they are by road."""

    request: int
    driver: int
    eta_s: int
    distance_m: int
