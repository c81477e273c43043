"""Pure decisions of this room."""

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from typing import Final

import msgspec

from isotope.domain.drivers import errors
from isotope.domain.drivers.model import (
    DocumentStatus,
    Driver,
    DriverDocument,
    DriverState,
    DriverStatus,
    TaxiVehicle,
)
from isotope.kernel.errors import Refusal
from isotope.kernel.ids import TaxiClassId, TaxiVehicleId

MOST_POSITIONS: Final = 100
MOST_PENDING: Final = 20
MOST_SILENCE: Final = timedelta(minutes=30)
# So many digits of a number are told.
_SHOWN_DIGITS: Final = 2


class WhetherOnline(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked at. `vehicle` None: none that the driver may drive. `held`: kinds of documents that count."""

    driver: Driver
    state: DriverState
    vehicle: TaxiVehicle | None
    class_ids: tuple[TaxiClassId, ...] | None
    needed: tuple[str, ...]
    held: Collection[str]


class WhetherStays(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked at. `vehicle_ids`: what the driver may drive; the rest as in `WhetherOnline`."""

    driver: Driver
    state: DriverState
    vehicle_ids: Collection[TaxiVehicleId]
    needed: tuple[str, ...]
    held: Collection[str]
    now: datetime


def may_log_in(known: Driver | None) -> Refusal | None:
    """Whether the number, now shown to be the caller's, has a driver to log in as.

    | driver with this number | answer                                        |
    |-------------------------|-----------------------------------------------|
    | none, or retired        | `driver_not_found`                            |
    | blocked                 | yes: they see their trips and their balance   |
    | active                  | yes                                           |
    """
    return errors.driver_not_found() if known is None or known.status is DriverStatus.RETIRED else None


def may_go_online(facts: WhetherOnline) -> Refusal | None:
    """Whether the driver works from now on, in this vehicle.

    | looked at, in this order                                      | refused with              |
    |---------------------------------------------------------------|---------------------------|
    | the driver is not ACTIVE                                      | `driver_blocked`          |
    | they may not drive the vehicle, or it is retired              | `taxi_vehicle_not_found`  |
    | they are in a trip, in another vehicle                        | `driver_busy`             |
    | classes are named that are not the vehicle's, or none is left | `validation_failed`       |
    | a document that the operator asks for does not hold           | `driver_documents_needed` |
    | none of these                                                 |                           |
    """
    if facts.driver.status is not DriverStatus.ACTIVE:
        return errors.driver_blocked()
    if facts.vehicle is None or facts.vehicle.retired_at is not None:
        return errors.taxi_vehicle_not_found()
    if is_busy(facts.state) and facts.state.vehicle_id != facts.vehicle.id:
        return errors.driver_busy()
    wrong = [class_id for class_id in facts.class_ids or () if class_id not in facts.vehicle.class_ids]
    if wrong or not chosen_classes(facts.class_ids, facts.vehicle):
        return errors.classes_not_driven(wrong, facts.vehicle.class_ids)
    if missing := [kind for kind in facts.needed if kind not in facts.held]:
        return errors.documents_needed(missing)
    return None


def may_go_offline(state: DriverState) -> Refusal | None:
    """A trip is driven to its end first, or given up."""
    return errors.driver_busy() if is_busy(state) else None


def is_busy(state: DriverState) -> bool:
    """Online, and in a trip."""
    return state.is_online and state.idle_since is None


def chosen_classes(class_ids: Sequence[TaxiClassId] | None, vehicle: TaxiVehicle) -> tuple[TaxiClassId, ...]:
    """Of what classes the driver takes trips; None: of all that the vehicle drives."""
    return vehicle.class_ids if class_ids is None else tuple(dict.fromkeys(class_ids))


def may_upload(pending: int, *, replaces: bool) -> Refusal | None:
    """Whether one more document may wait for staff: of a kind that waits already it takes the place."""
    return errors.too_many_documents(MOST_PENDING) if pending >= MOST_PENDING and not replaces else None


def may_review(
    document: DriverDocument,
    *,
    approve: bool,
    expires_on: date | None,
    today: date,
) -> Refusal | None:
    """Whether staff decide so on a document.

    | it is | approve | reject |
    |---|---|---|
    | PENDING | yes, unless it has run out | yes |
    | APPROVED | `driver_document_reviewed` | yes: it is taken back |
    | REJECTED, REPLACED | `driver_document_reviewed` | `driver_document_reviewed` |
    """
    if document.status is not DocumentStatus.PENDING and (approve or document.status is not DocumentStatus.APPROVED):
        return errors.document_reviewed(document.status)
    if approve and expires_on is not None and expires_on < today:
        return errors.document_ran_out(today)
    return None


def may_stay_online(facts: WhetherStays) -> bool:
    """Whether a driver without a trip goes on to work.

    | fact | |
    |---|---|
    | the driver is not ACTIVE | no |
    | the vehicle is retired, or theirs no more | no |
    | a document that the operator asks for does not hold | no |
    | nothing was heard of them for `MOST_SILENCE` | no: the vehicle is free for others |
    | none of these | yes |
    """
    if facts.driver.status is not DriverStatus.ACTIVE:
        return False
    if facts.state.vehicle_id not in facts.vehicle_ids:
        return False
    if any(kind not in facts.held for kind in facts.needed):
        return False
    return facts.state.seen_at is not None and facts.now - facts.state.seen_at <= MOST_SILENCE


def told_at(at: datetime, now: datetime) -> datetime:
    """When a unit was somewhere: its clock may go ahead of ours, and nothing is later than now."""
    return min(at, now)


def masked_phone(prefix: str, number: str) -> str:
    """`+358 •••••••67`: enough to know who calls, not enough to call."""
    shown = number[-_SHOWN_DIGITS:] if len(number) > 2 * _SHOWN_DIGITS else ""
    return f"+{prefix} {'•' * (len(number) - len(shown))}{shown}"
