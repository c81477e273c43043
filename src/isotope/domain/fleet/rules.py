"""The status machine of a vehicle, and when it may be rented out. Pure.

Who may set what (rows: who; everything that is not listed is refused):

| by      | from                    | to                                                        | source             |
|---------|-------------------------|-----------------------------------------------------------|--------------------|
| HOLD    | READY                   | IN_USE, RESERVED                                          | start, reservation |
| HOLD    | RESERVED, its own       | IN_USE                                                    | start              |
| RELEASE | IN_USE, RESERVED        | READY, DISCHARGED, NEED_INVESTIGATION                     | end of a journey   |
| WATCH   | READY                   | DISCHARGED, NEED_INVESTIGATION                            | battery, silence   |
| WATCH   | DISCHARGED              | READY, NEED_INVESTIGATION                                 | battery            |
| TASK    | any but held ones       | REBALANCING, and from it whatever a person may set        | operator's tasks   |
| PERSON  | any but held ones       | any but IN_USE, RESERVED and REBALANCING                  | dashboard          |
| APPLY   | any but held ones       | READY, DEPRECATED                                         | operator's folder  |

Held are IN_USE and RESERVED. Its own: held by the same holder, or by the reservation that gives way to the ride.
A change to the status that it has already is no change: allowed for PERSON and APPLY, never for HOLD, since two
journeys would then share a vehicle. Source: domain rules, "Sharing ride".

May a vehicle be rented out (first match refuses)?

| fact                                             | word                    |
|--------------------------------------------------|-------------------------|
| status is not READY                              | not_ready               |
| nothing known, or silent for `silent_after_s`    | silent                  |
| battery below the model's or operator's minimum  | battery_low             |
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Literal

from isotope.domain.fleet import errors
from isotope.domain.fleet.model import ModelSpec, Vehicle, VehicleState, VehicleStatus
from isotope.kernel.errors import Refusal


class By(StrEnum):
    """In what role a status is changed."""

    HOLD = "HOLD"
    RELEASE = "RELEASE"
    WATCH = "WATCH"
    TASK = "TASK"
    PERSON = "PERSON"
    APPLY = "APPLY"


HELD: Final = frozenset({VehicleStatus.IN_USE, VehicleStatus.RESERVED})
BY_HAND: Final = tuple(status for status in VehicleStatus if status not in HELD | {VehicleStatus.REBALANCING})
AFTER_RELEASE: Final = (VehicleStatus.READY, VehicleStatus.DISCHARGED, VehicleStatus.NEED_INVESTIGATION)

_WATCHED: Final = {
    VehicleStatus.READY: (VehicleStatus.DISCHARGED, VehicleStatus.NEED_INVESTIGATION),
    VehicleStatus.DISCHARGED: (VehicleStatus.READY, VehicleStatus.NEED_INVESTIGATION),
}


def may_change_status(vehicle: Vehicle, to_status: VehicleStatus, by: By) -> Refusal | None:
    """The table above, without the question of whose a held vehicle is (`store` asks that)."""
    has = vehicle.status
    match by:
        case By.HOLD:
            allowed = to_status in HELD and (
                has is VehicleStatus.READY or (has is VehicleStatus.RESERVED and to_status is VehicleStatus.IN_USE)
            )
            return None if allowed else errors.vehicle_not_available(has)
        case By.RELEASE:
            allowed = has in HELD and to_status in AFTER_RELEASE
        case By.WATCH:
            allowed = to_status in _WATCHED.get(has, ())
        case By.TASK | By.PERSON | By.APPLY:
            return _may_set(vehicle, to_status, by)
    return None if allowed else errors.status_change_not_allowed(has, to_status)


def _may_set(vehicle: Vehicle, to_status: VehicleStatus, by: By) -> Refusal | None:
    settable: dict[By, tuple[VehicleStatus, ...]] = {
        By.TASK: (*BY_HAND, VehicleStatus.REBALANCING),
        By.PERSON: BY_HAND,
        By.APPLY: (VehicleStatus.READY, VehicleStatus.DEPRECATED),
    }
    if to_status not in settable[by]:
        return errors.status_not_by_hand(to_status, list(settable[by]))
    if vehicle.status in HELD:
        return errors.vehicle_held(vehicle.nr, vehicle.status)
    if by is By.TASK and VehicleStatus.REBALANCING not in (vehicle.status, to_status):
        return errors.status_change_not_allowed(vehicle.status, to_status)
    return None


def status_after_release(battery_pct: int | None, minimum_pct: int, *, needs_check: bool) -> VehicleStatus:
    """What becomes of a vehicle whose journey is over. `battery_pct` None: nothing is known of it."""
    if needs_check:
        return VehicleStatus.NEED_INVESTIGATION
    if battery_pct is None or battery_pct < minimum_pct:
        return VehicleStatus.DISCHARGED
    return VehicleStatus.READY


def minimum_battery_pct(spec: ModelSpec, operator_minimum_pct: int) -> int:
    """The model's own minimum where it has one."""
    return operator_minimum_pct if spec.minimum_battery_pct is None else spec.minimum_battery_pct


def why_not_rentable(
    status: VehicleStatus, state: VehicleState | None, *, minimum_pct: int, silent_after_s: int, now: datetime
) -> Literal["not_ready", "silent", "battery_low"] | None:
    """The second table above; None: it may be rented out."""
    if status is not VehicleStatus.READY:
        return "not_ready"
    if state is None or now - state.seen_at > timedelta(seconds=silent_after_s):
        return "silent"
    if state.battery_pct < minimum_pct:
        return "battery_low"
    return None
