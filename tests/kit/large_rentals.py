"""Rentals of an operator at size: stations, models, vehicles, and calendars full of bookings, written by SQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import msgspec

from isotope.domain.rental.catalog import (
    upsert_rental_addon,
    upsert_rental_model,
    upsert_rental_package,
    upsert_rental_tariff,
    upsert_station,
)
from isotope.domain.rental.model import (
    BookingTerms,
    RentalAddonDraft,
    RentalModelDraft,
    RentalModelSpec,
    RentalPackageDraft,
    RentalTariffDraft,
    RentalTariffId,
    StationDraft,
    StationId,
)
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.geo import Point
from isotope.kernel.ids import ModelId, VehicleId
from isotope.kernel.vehicle_types import VehicleType
from tests.kit.fleet import HOME, make_fleet
from tests.kit.rentals import CHILD_SEAT, COVER, RENTAL_TARIFF, RENTALS, WEEKEND
from tests.kit.riders import make_rider
from tests.kit.tenants import OperatorKit, make_operator

# A booking begins every so often on each vehicle, and is from 1 to 28 hours long.
_EVERY_H: Final = 30
_TELLS_IN: Final = 20_000


@dataclass(frozen=True, slots=True)
class LargeRentals:
    """What `make_large_rentals` made; every station has as many vehicles of each model."""

    kit: OperatorKit
    station_ids: tuple[StationId, ...]
    model_ids: tuple[ModelId, ...]
    vehicle_ids: tuple[VehicleId, ...]
    now: datetime


async def make_large_rentals(
    rt: Runtime, *, stations: int, models: int, vehicles: int, bookings_each: int
) -> LargeRentals:
    """Two of five bookings of a vehicle lie behind, the others ahead; each has its slot, as if none were forgotten yet."""
    kit = await make_operator(rt, settings=RENTALS)
    operator_id, now = kit.operator.id, rt.clock.now()
    places = [Point(HOME.lat + 0.02 * (nr // 5), HOME.lon + 0.04 * (nr % 5)) for nr in range(stations)]
    fleets = [
        await make_fleet(rt, kit.operator, vehicles // models, places=places, vehicle_type=VehicleType.CAR)
        for _ in range(models)
    ]
    async with rt.db.write() as tx:
        station_ids = [
            await upsert_station(
                tx, operator_id, StationDraft(ref=f"s{nr}", title=f"Station {nr}", point=place, radius_m=150.0)
            )
            for nr, place in enumerate(places)
        ]
        tariff_id = await upsert_rental_tariff(
            tx, operator_id, RentalTariffDraft(ref="standard", title="Standard", spec=RENTAL_TARIFF)
        )
        for fleet in fleets:
            await upsert_rental_model(
                tx,
                operator_id,
                RentalModelDraft(model_ref=fleet.model_ref, tariff_ref="standard", spec=RentalModelSpec()),
            )
        await upsert_rental_package(tx, operator_id, RentalPackageDraft(ref="weekend", title="Weekend", spec=WEEKEND))
        for ref, addon in (("child-seat", CHILD_SEAT), ("cover", COVER)):
            await upsert_rental_addon(tx, operator_id, RentalAddonDraft(ref=ref, title=ref, spec=addon))
        for fleet in fleets:
            await _station(tx, kit, fleet.vehicle_ids, station_ids, now)
    rider = await make_rider(rt, kit.operator)
    vehicle_ids = [vehicle_id for fleet in fleets for vehicle_id in fleet.vehicle_ids]
    at_once = max(1, _TELLS_IN // bookings_each)
    for first in range(0, len(vehicle_ids), at_once):
        async with rt.db.write() as tx:
            await _book(tx, kit, rider.id, vehicle_ids[first : first + at_once], bookings_each, tariff_id, now)
    return LargeRentals(
        kit=kit,
        station_ids=tuple(station_ids),
        model_ids=tuple(fleet.model_id for fleet in fleets),
        vehicle_ids=tuple(vehicle_ids),
        now=now,
    )


async def _station(
    tx: Tx, kit: OperatorKit, vehicle_ids: Sequence[VehicleId], station_ids: Sequence[StationId], now: datetime
) -> None:
    """As the sweep would find them: the fleet stands at the stations in turn."""
    await tx.execute(
        """
        insert into rental_vehicle (operator_id, vehicle_id, zone_id, since)
        select %(operator_id)s, v.id, (%(stations)s::bigint[])[1 + (v.nr - 1) %% %(count)s], %(now)s
          from unnest(%(vehicles)s::bigint[]) with ordinality v (id, nr)
        """,
        {
            "operator_id": kit.operator.id,
            "stations": list(station_ids),
            "count": len(station_ids),
            "vehicles": list(vehicle_ids),
            "now": now,
        },
    )


async def _book(
    tx: Tx,
    kit: OperatorKit,
    rider_id: int,
    vehicle_ids: Sequence[VehicleId],
    each: int,
    tariff_id: RentalTariffId,
    now: datetime,
) -> None:
    terms = BookingTerms(
        tariff_id=tariff_id, tariff=RENTAL_TARIFF, time_zone=kit.operator.time_zone, buffer_min=30, no_show_min=60
    )
    await tx.execute(
        """
        with made as (
            insert into booking
                   (operator_id, rider_id, vehicle_id, model_id, zone_id, status, starts_at, ends_at, currency, terms,
                    payment_method_id, requested_at, confirmed_at, picked_up_at, returned_at, closed_at, deposit_status,
                    next_at)
            select v.operator_id, %(rider_id)s, v.id, v.model_id, r.zone_id,
                   case when is_past then 'ENDED' else 'UPCOMING' end, starts_at, ends_at, %(currency)s,
                   %(terms)s::jsonb, 'wallet', %(now)s, %(now)s,
                   case when is_past then starts_at end, case when is_past then ends_at end,
                   case when is_past then ends_at end, 'NONE', case when not is_past then starts_at end
              from unnest(%(vehicles)s::bigint[]) asked (id)
              join vehicle v on v.operator_id = %(operator_id)s and v.id = asked.id
              join rental_vehicle r on r.operator_id = v.operator_id and r.vehicle_id = v.id
             cross join generate_series(1, %(each)s) turn (number),
                   lateral (select %(now)s + (number - %(each)s * 2 / 5) * %(every)s
                                   + (v.id * 7919 %% 300) * interval '6 minutes' as starts_at) a,
                   lateral (select starts_at + (1 + (v.id * 31 + number * 17) %% 28) * interval '1 hour' as ends_at) b,
                   lateral (select ends_at < %(now)s as is_past) c
            returning operator_id, vehicle_id, id, starts_at, ends_at)
        insert into vehicle_slot (operator_id, vehicle_id, holder, during)
        select operator_id, vehicle_id, 'booking:' || id, tstzrange(starts_at, ends_at + interval '30 minutes')
          from made
        """,
        {
            "operator_id": kit.operator.id,
            "rider_id": rider_id,
            "vehicles": list(vehicle_ids),
            "each": each,
            "every": timedelta(hours=_EVERY_H),
            "currency": kit.operator.currency,
            "terms": msgspec.json.encode(terms).decode(),
            "now": now,
        },
    )
