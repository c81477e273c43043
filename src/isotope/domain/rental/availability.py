"""Which vehicles can be booked when.

A vehicle is free for a booking when it belongs to the station, its model is rented, it has no slot in the booking and its
buffer, and, by what it is now:

| status now                                                | bookings from now on | those later than `unready_min` |
|-----------------------------------------------------------|----------------------|--------------------------------|
| READY, or kept for or out with a booking that is not late | yes                  | yes                            |
| out with a booking that is late                           | no                   | yes                            |
| IN_USE or RESERVED by a ride, CHARGING, DISCHARGED,       | no                   | yes                            |
| REBALANCING, TRANSPORTATION                               |                      |                                |
| NEED_INVESTIGATION, NEED_SERVICE, NOT_READY, STORAGE,     | no                   | no                             |
| STOLEN, DEPRECATED                                        |                      |                                |

Source: domain rules, Rental booking ("only statuses fit to ride").
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from isotope.domain.fleet import VehicleStatus
from isotope.domain.rental.model import Interval, StationId
from isotope.domain.tenants.model import RentalSettings
from isotope.infra.db import Tx
from isotope.kernel.ids import ModelId, OperatorId, VehicleId

_SOON: Final = (
    VehicleStatus.READY,
    VehicleStatus.IN_USE,
    VehicleStatus.RESERVED,
    VehicleStatus.CHARGING,
    VehicleStatus.DISCHARGED,
    VehicleStatus.REBALANCING,
    VehicleStatus.TRANSPORTATION,
)
MOST_VEHICLES: Final = 2_000
MOST_SLOTS: Final = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """When and where something is to be booked. `interval` is without the buffer."""

    operator_id: OperatorId
    station_id: StationId
    interval: Interval
    settings: RentalSettings
    now: datetime

    @property
    def keeps(self) -> Interval:
        """The vehicle's slot: with the buffer."""
        return slot_of(self.interval, self.settings.buffer_min)

    @property
    def is_later(self) -> bool:
        """Whether what a vehicle is now does not count as much."""
        return self.interval.start > self.now + timedelta(minutes=self.settings.unready_min)


def slot_of(interval: Interval, buffer_min: int) -> Interval:
    return Interval(interval.start, interval.end + timedelta(minutes=buffer_min))


# Fit for bookings from now on. By booking_active.
_FIT_NOW: Final = """
    (v.status = 'READY'
     or (v.held_by like 'booking:%%'
         and not exists (select from booking b
                          where b.operator_id = v.operator_id and b.vehicle_id = v.id and b.status = 'ACTIVE'
                            and b.ends_at <= %(now)s)))
"""
# A vehicle of the station that is fit, at least for later bookings. By rental_vehicle_zone.
_FIT_LATER: Final = """
      from rental_vehicle r
      join vehicle v on v.operator_id = r.operator_id and v.id = r.vehicle_id
     where r.operator_id = %(operator_id)s and r.zone_id = %(station_id)s
       and v.status = any(%(fit)s::text[])
"""
_FIT: Final = f"{_FIT_LATER} and (%(is_later)s or {_FIT_NOW})"
# By vehicle_slot_free, vehicle by vehicle: `offset 0` keeps the planner from reading everybody's slots of that time, for
# which it would walk through nearly all of the index.
_NO_SLOT: Final = """
       and not exists (select from vehicle_slot s
                        where s.operator_id = v.operator_id and s.vehicle_id = v.id
                          and s.during && tstzrange(%(start)s, %(end)s) offset 0)
"""


def _params(wanted: Wanted) -> dict[str, object]:
    keeps = wanted.keeps
    return {
        "operator_id": wanted.operator_id,
        "station_id": wanted.station_id,
        "fit": [status.value for status in _SOON],
        "is_later": wanted.is_later,
        "now": wanted.now,
        "start": keeps.start,
        "end": keeps.end,
    }


async def count_free(tx: Tx, wanted: Wanted) -> dict[ModelId, int]:
    """How many vehicles of each model are free; models without one are left out."""
    rows = await tx.tuples(f"select v.model_id, count(*) {_FIT} {_NO_SLOT} group by v.model_id", _params(wanted))
    return {ModelId(model_id): count for model_id, count in rows}


async def list_free(tx: Tx, wanted: Wanted, model_id: ModelId, limit: int) -> list[VehicleId]:
    """Free vehicles of a model: first the ones whose time before is booked the closest, so that long times stay whole.

    Nothing is locked: who takes one locks it and looks again.
    """
    rows = await tx.tuples(
        f"""
        select v.id {_FIT} {_NO_SLOT} and v.model_id = %(model_id)s
         order by (select max(upper(s.during)) from vehicle_slot s
                    where s.operator_id = v.operator_id and s.vehicle_id = v.id
                      and s.during && tstzrange(%(now)s, %(start)s)) desc nulls last, v.id
         limit %(limit)s
        """,
        _params(wanted) | {"model_id": model_id, "limit": limit},
    )
    return [VehicleId(vehicle_id) for (vehicle_id,) in rows]


async def is_free(tx: Tx, wanted: Wanted, vehicle_id: VehicleId) -> bool:
    """Whether this vehicle is free. Under its row's lock this stays so until the transaction ends."""
    found = await tx.scalar(
        f"select v.id {_FIT} {_NO_SLOT} and v.id = %(vehicle_id)s", _params(wanted) | {"vehicle_id": vehicle_id}
    )
    return found is not None


@dataclass(frozen=True, slots=True)
class Calendar:
    """When vehicles of a model cannot be booked, by vehicle, each by rising start: slots, and being unfit for now."""

    busy: dict[VehicleId, list[Interval]]

    def free_times(self, within: Interval, length: timedelta) -> list[Interval]:
        """When one of them is free for so long, or longer, within what was read; a time for each vehicle and gap."""
        found = []
        for slots in self.busy.values():
            at = within.start
            for slot in slots:
                if slot.start - at >= length:
                    found.append(Interval(at, slot.start))
                at = max(at, slot.end)
            if within.end - at >= length:
                found.append(Interval(at, within.end))
        return found

    def next_start(self, earliest: datetime, length: timedelta) -> datetime | None:
        """The first whole minute from which one of them is free for so long; None: there is no vehicle."""
        return min((_first_gap(slots, earliest, length) for slots in self.busy.values()), default=None)


def _first_gap(slots: Sequence[Interval], earliest: datetime, length: timedelta) -> datetime:
    at = _whole_minute(earliest)
    for slot in slots:
        if slot.end <= at:
            continue
        if slot.start - at >= length:
            break
        at = _whole_minute(slot.end)
    return at


def _whole_minute(at: datetime) -> datetime:
    """The first that is not before it."""
    whole = at.replace(second=0, microsecond=0)
    return whole if whole == at else whole + timedelta(minutes=1)


async def read_calendar(
    tx: Tx, wanted: Wanted, model_id: ModelId, until: datetime, vehicle_id: VehicleId | None = None
) -> Calendar:
    """Of at most so many vehicles of the model (or of one), from now until then."""
    calendars = await read_calendars(tx, wanted, [model_id], Interval(wanted.now, until), vehicle_id)
    return calendars.get(model_id, Calendar({}))


async def read_calendars(
    tx: Tx, wanted: Wanted, model_ids: Sequence[ModelId], within: Interval, vehicle_id: VehicleId | None = None
) -> dict[ModelId, Calendar]:
    """Of at most so many vehicles of these models (or of one vehicle), as far as they lie within a time.

    Models without a vehicle at the station are left out.
    """
    params = _params(wanted) | {"model_ids": list(model_ids), "vehicle_id": vehicle_id, "limit": MOST_VEHICLES}
    rows = await tx.tuples(
        f"""
        select v.id, v.model_id, {_FIT_NOW} {_FIT_LATER} and v.model_id = any(%(model_ids)s::bigint[])
           and (%(vehicle_id)s::bigint is null or v.id = %(vehicle_id)s)
         order by v.id limit %(limit)s
        """,
        params,
    )
    # A second more: whoever books then begins later than that.
    unfit = Interval(wanted.now, wanted.now + timedelta(minutes=wanted.settings.unready_min, seconds=1))
    busy: dict[VehicleId, list[Interval]] = {
        VehicleId(found): [] if is_fit_now else [unfit] for found, _model_id, is_fit_now in rows
    }
    slots = await tx.tuples(
        """
        select v.id, lower(s.during), upper(s.during)
          from unnest(%(vehicle_ids)s::bigint[]) v (id),
               lateral (select during from vehicle_slot
                         where operator_id = %(operator_id)s::bigint and vehicle_id = v.id
                           and during && tstzrange(%(since)s, %(until)s) offset 0) s
         order by v.id, lower(s.during) limit %(limit)s
        """,
        {
            "operator_id": wanted.operator_id,
            "vehicle_ids": list(busy),
            "since": within.start,
            "until": within.end,
            "limit": MOST_SLOTS,
        },
    )
    for found, start, end in slots:
        busy[VehicleId(found)].append(Interval(start, end))
    whole = _whole(busy, None if len(slots) < MOST_SLOTS else slots[-1][0])
    calendars: dict[ModelId, Calendar] = {}
    for found, model_id, _is_fit_now in rows:
        if found in whole:
            calendars.setdefault(ModelId(model_id), Calendar({})).busy[VehicleId(found)] = whole[VehicleId(found)]
    return calendars


def _whole(busy: dict[VehicleId, list[Interval]], cut_at: int | None) -> dict[VehicleId, list[Interval]]:
    """Without the vehicle at which reading stopped and those after it: nobody knows when they are free."""
    return busy if cut_at is None else {found: slots for found, slots in busy.items() if found < cut_at}
