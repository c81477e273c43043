"""An operator's rentals for tests: two stations, cars and vans of which riders can book, prices, a package, add-ons."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from isotope.domain.rental.catalog import (
    upsert_rental_addon,
    upsert_rental_model,
    upsert_rental_package,
    upsert_rental_tariff,
    upsert_station,
)
from isotope.domain.rental.locate import locate_all
from isotope.domain.rental.model import (
    AddonKind,
    Rates,
    RentalAddonDraft,
    RentalAddonId,
    RentalAddonSpec,
    RentalModelDraft,
    RentalModelSpec,
    RentalPackageDraft,
    RentalPackageId,
    RentalPackageSpec,
    RentalTariff,
    RentalTariffDraft,
    RentalTariffId,
    StationDraft,
    StationId,
    StationSpec,
)
from isotope.domain.tenants.model import RentalSettings, RideSettings, Settings
from isotope.gateway.server import Gateway
from isotope.infra.runtime import Runtime
from isotope.kernel.geo import Point
from isotope.kernel.ids import ModelId, VehicleId
from isotope.kernel.time_windows import TimeWindow, Weekday
from isotope.kernel.vehicle_types import VehicleType
from tests.kit.devices import FakeUnit, Manner
from tests.kit.fleet import HOME, SPEC, Fleet, make_fleet, square
from tests.kit.tenants import OperatorKit

AIRPORT = Point(60.3172, 24.9633)
"""Where the second station is, 16 km from `HOME`."""

RENTAL_TARIFF = RentalTariff(rates=Rates(hour_minor=1_000, day_minor=4_000), tax_rate="0.255")
"""30 hours are 80.00."""

WEEKEND = RentalPackageSpec(
    price_minor=7_000,
    hours=60,
    included_km=300,
    windows=(
        TimeWindow(weekdays=(Weekday.FRI,), start="12:00", end="24:00"),
        TimeWindow(weekdays=(Weekday.SAT, Weekday.SUN)),
    ),
)
CHILD_SEAT = RentalAddonSpec(kind=AddonKind.PER_DAY, price_minor=500, stock=1)
CAR = RentalModelSpec(doors=5, luggage=2)
COVER = RentalAddonSpec(kind=AddonKind.FIXED, price_minor=2_000, description="Damage costs you at most 200.00")

# No lead time and no card needed: most tests book at once and pay from the wallet. Silent units cost 1 s.
RENTALS = Settings(rides=RideSettings(unlock_wait_s=1), rentals=RentalSettings(lead_min=0, card_required=False))


@dataclass(frozen=True, slots=True)
class Rentals:
    """What `make_rentals` made. Cars stand at `centre` (around `HOME`), vans at `airport` (around `AIRPORT`)."""

    rt: Runtime
    kit: OperatorKit
    centre_id: StationId
    airport_id: StationId
    tariff_id: RentalTariffId
    weekend_id: RentalPackageId
    child_seat_id: RentalAddonId
    cover_id: RentalAddonId
    cars: Fleet
    vans: Fleet

    @property
    def car_id(self) -> ModelId:
        """The model of the cars."""
        return self.cars.model_id

    @property
    def van_id(self) -> ModelId:
        """The model of the vans."""
        return self.vans.model_id

    def car(self, index: int = 0) -> VehicleId:
        return self.cars.vehicle_ids[index]

    def van(self, index: int = 0) -> VehicleId:
        return self.vans.vehicle_ids[index]

    def unit(self, gateway: Gateway, index: int = 0, *, manner: Manner = Manner.OBEY) -> FakeUnit:
        """The unit of a car, where the car stands; enter it to have it connected."""
        return FakeUnit(
            gateway.port,
            self.cars.identities[index],
            self.cars.secret,
            manner=manner,
            lat=HOME.lat,
            lon=HOME.lon,
            now=self.rt.clock.now,
        )

    async def set_tariff(self, tariff: RentalTariff) -> None:
        """As provisioning does: of all models, for bookings from now on."""
        async with self.rt.db.write() as tx:
            await upsert_rental_tariff(
                tx, self.kit.operator.id, RentalTariffDraft(ref="standard", title="Standard", spec=tariff)
            )

    async def set_station(self, spec: StationSpec) -> None:
        """As provisioning does: opening hours and such of the station in the centre."""
        async with self.rt.db.write() as tx:
            await upsert_station(tx, self.kit.operator.id, _centre(spec))

    async def set_car(self, spec: RentalModelSpec) -> None:
        """As provisioning does: what the cars ask of a renter."""
        async with self.rt.db.write() as tx:
            await upsert_rental_model(
                tx,
                self.kit.operator.id,
                RentalModelDraft(model_ref=self.cars.model_ref, tariff_ref="standard", spec=spec),
            )

    async def station_of(self, vehicle_id: VehicleId) -> StationId | None:
        async with self.rt.db.read() as tx:
            found = await tx.scalar(
                """
                select (select zone_id from rental_vehicle
                         where operator_id = %(operator_id)s and vehicle_id = %(vehicle_id)s)
                """,
                {"operator_id": self.kit.operator.id, "vehicle_id": vehicle_id},
            )
        return None if found is None else StationId(found)

    async def slots(self, vehicle_id: VehicleId) -> list[tuple[str, datetime, datetime]]:
        """Holder, start and end of what keeps the vehicle, the first first."""
        async with self.rt.db.read() as tx:
            return [
                (holder, start, end)
                for holder, start, end in await tx.tuples(
                    """
                    select holder, lower(during), upper(during) from vehicle_slot
                     where operator_id = %(operator_id)s and vehicle_id = %(vehicle_id)s order by during
                    """,
                    {"operator_id": self.kit.operator.id, "vehicle_id": vehicle_id},
                )
            ]


async def make_rentals(
    rt: Runtime,
    kit: OperatorKit,
    *,
    cars: int = 2,
    vans: int = 1,
    tariff: RentalTariff = RENTAL_TARIFF,
    car: RentalModelSpec = CAR,
    **fleet: Any,
) -> Rentals:
    """What an operator rents out, as `isotope apply` would make it, heard of just now.

    Args:
        rt: the runtime.
        kit: whose rentals; make it with `settings=RENTALS` to book at once.
        cars: how many.
        vans: how many.
        tariff: of both models, under the ref `standard`.
        car: what the cars ask of a renter.
        **fleet: of both fleets, as of `make_fleet`: `battery_pct`, `odometer_m`, `is_heard`, ...
    """
    operator_id, now = kit.operator.id, rt.clock.now()
    spec = replace(SPEC, range_km=400, max_speed_kmh=130)
    made = [
        await make_fleet(
            rt,
            kit.operator,
            count,
            places=(place,),
            vehicle_type=vehicle_type,
            **{"spec": replace(spec, seats=seats)} | fleet,
        )
        for count, place, vehicle_type, seats in (
            (cars, HOME, VehicleType.CAR, 5),
            (vans, AIRPORT, VehicleType.VAN, 3),
        )
    ]
    car_fleet, van_fleet = made
    async with rt.db.write() as tx:
        centre_id = await upsert_station(tx, operator_id, _centre(StationSpec(address="Rautatientori 1, Helsinki")))
        airport_id = await upsert_station(
            tx,
            operator_id,
            StationDraft(ref="airport", title="Airport", point=AIRPORT, area=square(AIRPORT, 200.0)),
        )
        tariff_id = await upsert_rental_tariff(
            tx, operator_id, RentalTariffDraft(ref="standard", title="Standard", spec=tariff)
        )
        for model_ref, model in ((car_fleet.model_ref, car), (van_fleet.model_ref, RentalModelSpec())):
            await upsert_rental_model(
                tx, operator_id, RentalModelDraft(model_ref=model_ref, tariff_ref="standard", spec=model)
            )
        weekend_id = await upsert_rental_package(
            tx, operator_id, RentalPackageDraft(ref="weekend", title="Weekend", spec=WEEKEND)
        )
        child_seat_id = await upsert_rental_addon(
            tx, operator_id, RentalAddonDraft(ref="child-seat", title="Child seat", spec=CHILD_SEAT)
        )
        cover_id = await upsert_rental_addon(
            tx, operator_id, RentalAddonDraft(ref="cover", title="Full cover", spec=COVER)
        )
        await locate_all(tx, operator_id, now, tolerance_m=kit.operator.settings.rentals.zone_tolerance_m)
    return Rentals(
        rt=rt,
        kit=kit,
        centre_id=centre_id,
        airport_id=airport_id,
        tariff_id=tariff_id,
        weekend_id=weekend_id,
        child_seat_id=child_seat_id,
        cover_id=cover_id,
        cars=car_fleet,
        vans=van_fleet,
    )


def _centre(spec: StationSpec) -> StationDraft:
    return StationDraft(ref="centre", title="Centre", point=HOME, radius_m=150.0, spec=spec)
