"""Which drivers could be offered which requests, by the great circle. Pure.

| driver and request | a candidate |
|---|---|
| the class is not driven, or cash is paid and not taken | no |
| was offered before, or holds as many offers as allowed | no |
| another driver was asked for | no |
| would not be over when the driver sets off to a trip that they promised | no |
| for later, and nearer to a trip that the driver promised than `schedule_gap_min` | no |
| asked for by the rider | yes, however far |
| farther than the radius of now | no |
| among the nearest so many of the request | yes |
| farther, but the request's own where as many as possible are served | yes |

The radius grows with the time that a request has waited.
"""

from collections.abc import Sequence
from math import cos, radians
from typing import Any, Final

import numpy as np
from scipy.optimize import linear_sum_assignment

from isotope.domain.maps import DETOUR, SPEED_M_S
from isotope.domain.taxi.dispatch.model import FreeDriver, OpenRequest
from isotope.domain.tenants.model import TaxiSettings
from isotope.kernel.geo import EARTH_RADIUS_M

# So many drivers are looked at by road for each request.
NEAREST: Final = 16
_STEP_S: Final = 10.0
_MS_A_KMH: Final = 3.6
_METRES_A_DEGREE: Final = radians(EARTH_RADIUS_M)
# Farther than anybody is.
_NEVER_M: Final = 1e9


def radius_m(waited_s: float, settings: TaxiSettings) -> int:
    """How far a request looks after so long."""
    steps = int(max(0.0, waited_s) // _STEP_S)
    return min(settings.radius_m + steps * settings.radius_step_m, settings.radius_maximum_m)


def list_candidates(
    requests: Sequence[OpenRequest],
    drivers: Sequence[FreeDriver],
    settings: TaxiSettings,
    *,
    nearest: int = NEAREST,
) -> list[tuple[int, int]]:
    """(request, driver) by index, by the table above: request by request, the nearest driver first."""
    if not requests or not drivers:
        return []
    away = _away_m(requests, drivers, settings)
    found: list[tuple[int, int]] = []
    for nr, kept in enumerate(_serve_all(away, requests)):
        near = np.flatnonzero(np.isfinite(away[nr]))
        if len(near) > nearest:
            near = near[np.argpartition(away[nr][near], nearest)[:nearest]]
        chosen = sorted({*near.tolist(), *kept})
        found += [(nr, driver) for _away, driver in sorted(zip(away[nr][chosen].tolist(), chosen, strict=True))]
    return found


def _serve_all(away: Any, requests: Sequence[OpenRequest]) -> list[set[int]]:
    """For each request the driver whom it has if as many as possible are served; of trips for later none.

    By the great circle: it is only to see that a crowd which shares its nearest drivers has others to choose from.
    """
    kept: list[set[int]] = [set() for _ in requests]
    now = [nr for nr, request in enumerate(requests) if not request.is_later]
    if now:
        costs = np.where(np.isfinite(away[now]), away[now], _NEVER_M)
        for row, driver in zip(*linear_sum_assignment(costs), strict=True):
            if costs[row, driver] < _NEVER_M:
                kept[now[row]] = {int(driver)}
    return kept


def _reach(request: OpenRequest, settings: TaxiSettings) -> int:
    """A trip for later is not driven to now."""
    return settings.radius_maximum_m if request.is_later else radius_m(request.waited_s, settings)


def _clashes(request: OpenRequest, driver: FreeDriver, away_m: float, settings: TaxiSettings) -> bool:
    """Whether a trip that the driver promised comes too near."""
    if request.is_later:
        gap_s = settings.schedule_gap_min * 60.0
        start_s, end_s = request.starts_in_s, request.starts_in_s + request.duration_s
        return any(start < end_s + gap_s and end > start_s - gap_s for start, end in driver.promised)
    there_s = away_m * DETOUR / SPEED_M_S
    over_s = there_s + request.duration_s
    return any(over_s > start - settings.schedule_search_min * 60.0 for start, _end in driver.promised)


def _away_m(requests: Sequence[OpenRequest], drivers: Sequence[FreeDriver], settings: TaxiSettings) -> Any:
    """Metres from each request (row) to each driver (column), infinite where the table says no.

    Flat, which is right to a thousandth where taxis are.
    """
    lat, lon = np.array([driver.at.lat for driver in drivers]), np.array([driver.at.lon for driver in drivers])
    fit = np.array([driver.held < settings.offers_per_driver for driver in drivers])
    cash = fit & np.array([driver.takes_cash for driver in drivers])
    classes = {request.class_id for request in requests}
    by_class = {one: np.array([one in driver.class_ids for driver in drivers]) for one in classes}
    place = {driver.driver_id: index for index, driver in enumerate(drivers)}
    promising = [(index, driver) for index, driver in enumerate(drivers) if driver.promised]
    away = np.full((len(requests), len(drivers)), np.inf)
    for nr, request in enumerate(requests):
        can = (cash if request.is_cash else fit) & by_class[request.class_id]
        can[[place[one] for one in request.tried if one in place]] = False
        north = lat - request.at.lat
        east = ((lon - request.at.lon + 180.0) % 360.0 - 180.0) * cos(radians(request.at.lat))
        metres = _METRES_A_DEGREE * np.sqrt(north * north + east * east)
        for index, driver in promising:
            can[index] &= not _clashes(request, driver, float(metres[index]), settings)
        if request.wanted_driver_id is None:
            can &= metres <= _reach(request, settings)
        else:
            can &= np.arange(len(drivers)) == place.get(request.wanted_driver_id, -1)
        away[nr][can] = metres[can]
    return away
