"""A rider who orders taxis over HTTP, from an operator with two classes and what drivers the test puts online."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx2
import msgspec
from psycopg.types.json import Jsonb

from isotope.domain.maps import sign_place
from isotope.domain.maps.model import Place
from isotope.domain.taxi import AcceptOffer, Arrive, EndTrip, StartTrip, accept_offer, arrive, end_trip, start_trip
from isotope.domain.taxi.model import TaxiClassSpec, TaxiTariff, Trip, TripStatus
from isotope.domain.taxi.offers import offer_trip
from isotope.domain.taxi.queries import find_trip
from isotope.domain.taxi.store import lock_trip
from isotope.domain.tenants.model import Operator, Settings
from isotope.domain.wallet import AddMoney, MoneyKind, add_money
from isotope.kernel.actor import SECRET_KEY, driver_actor
from isotope.kernel.geo import Point
from isotope.kernel.ids import TaxiClassId, TripId
from tests.kit.clock import SettableClock
from tests.kit.drivers import HELSINKI, DriverKit, make_class, make_driver
from tests.kit.http import Api
from tests.kit.riders import RiderKit, make_rider
from tests.kit.tenants import OperatorKit, make_operator

TAXI: Final = "/openapi/v1.0/taxi"
# From here to there are 2,027 m by the great circle made longer, 243 s: 4.00 + 2.03 + 1.22 = 7.25.
TARIFF: Final = TaxiTariff(
    base_minor=400,
    km_minor=100,
    minute_minor=30,
    stop_minor=100,
    schedule_minor=200,
    free_wait_s=120,
    wait_minute_minor=50,
    cancel_minor=500,
    no_show_minor=800,
    tax_rate="0.1",
)
THERE: Final = Point(60.1834, 24.9384)


@dataclass(frozen=True, slots=True)
class Passenger:
    """A rider, and what they do. `comfort` takes cash, `van` does not."""

    api: Api
    clock: SettableClock
    kit: OperatorKit
    rider: RiderKit
    comfort: TaxiClassId
    van: TaxiClassId

    @property
    def operator(self) -> Operator:
        return self.kit.operator

    async def place(self, at: Point = HELSINKI, title: str = "Here") -> str:
        """A token, as `get-suggestions` gives."""
        key = await self.api.services.operators.get_token_key(self.operator)
        place = Place(lat=at.lat, lon=at.lon, title=title, subtitle="Helsinki")
        return sign_place(key, self.operator, place, self.clock.now())

    async def way(self, *stops: Point) -> list[str]:
        points = [HELSINKI, *stops, THERE]
        return [await self.place(at, f"Place {nr}") for nr, at in enumerate(points)]

    async def post(
        self, call: str, body: Mapping[str, Any] | None = None, *, secret: bool = False, once: str | None = None
    ) -> httpx2.Response:
        headers = {} if once is None else {"Idempotency-Key": once}
        token = self.kit.secret_key if secret else self.rider.token
        return await self.api.post(f"{TAXI}/{call}", dict(body or {}), key=self.kit.public_key, token=token, **headers)

    async def ok(self, call: str, body: Mapping[str, Any] | None = None, *, secret: bool = False) -> Any:
        answer = await self.post(call, body, secret=secret)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def refused(
        self, call: str, body: Mapping[str, Any] | None = None, *, secret: bool = False
    ) -> tuple[int, str]:
        answer = await self.post(call, body, secret=secret)
        return answer.status_code, answer.json()["code"]

    async def faults(self, call: str, body: Mapping[str, Any] | None = None) -> list[str]:
        """The fields that were refused."""
        answer = await self.post(call, body)
        assert answer.status_code == 400, answer.text
        return [fault["field"] for fault in answer.json()["errors"]]

    async def prices(self, *stops: Point, cash: bool = False, secret: bool = False, **more: Any) -> Any:
        body = {"waypoints": await self.way(*stops), "is_cash_payment": cash, **more}
        return await self.ok("get-drivers", body, secret=secret)

    async def quote(self, *stops: Point, cash: bool = False, **more: Any) -> str:
        """A token for the class that takes cash, whoever is near."""
        prices = await self.prices(*stops, cash=cash, allow_scheduled_rides=True, show_offline_classes=True, **more)
        return str(next(one["token"] for one in prices["classes"] if one["id"] == self.comfort))

    async def order(self, *, cash: bool = False, quote: Mapping[str, Any] | None = None, **more: Any) -> int:
        """A trip that is requested."""
        token = await self.quote(cash=cash, **(quote or {}))
        return int((await self.ok("request-ride", {"token": token, **more}))["ride_id"])

    async def ride(self, ride_id: int | None = None, **more: Any) -> Any:
        return (await self.ok("get-ride", {"ride_id": ride_id, **more}))["ride"]

    async def trip(self, ride_id: int) -> Trip:
        async with self.api.services.rt.db.read() as tx:
            found = await find_trip(tx, self.operator.id, TripId(ride_id))
        assert found is not None
        return found

    async def add(self, amount_minor: int) -> None:
        await add_money(
            self.api.services.rt,
            AddMoney(
                operator=self.operator,
                rider_id=self.rider.id,
                amount_minor=amount_minor,
                kind=MoneyKind.BALANCE,
                actor=SECRET_KEY,
            ),
        )

    async def driver(
        self, at: Point = HELSINKI, *, class_id: TaxiClassId | None = None, name: str = "Dora Driver"
    ) -> DriverKit:
        """Online."""
        driver = await make_driver(self.api.services.rt, self.operator, name=name, class_id=class_id or self.comfort)
        await driver.go_online(at)
        return driver

    async def accept(self, ride_id: int, driver: DriverKit) -> None:
        """The driver is offered the trip, and takes it."""
        rt = self.api.services.rt
        async with rt.db.write() as tx:
            trip = await lock_trip(tx, self.operator.id, TripId(ride_id))
            assert trip is not None
            offer = await offer_trip(
                tx,
                trip,
                driver.id,
                eta_s=120,
                distance_m=800,
                now=self.clock.now(),
                settings=self.operator.settings.taxi,
            )
        assert offer is not None
        await accept_offer(rt, AcceptOffer(operator=self.operator, driver_id=driver.id, offer_id=offer.id))

    async def drive(self, ride_id: int, driver: DriverKit, until: TripStatus) -> None:
        """From the acceptance on, to ARRIVED or STARTED."""
        rt, trip_id = self.api.services.rt, TripId(ride_id)
        await arrive(rt, Arrive(operator=self.operator, driver_id=driver.id, trip_id=trip_id))
        if until is TripStatus.ARRIVED:
            return
        pin = (await self.trip(ride_id)).pin
        await start_trip(rt, StartTrip(operator=self.operator, driver_id=driver.id, trip_id=trip_id, pin=pin))

    async def drive_to_end(self, ride_id: int, driver: DriverKit) -> None:
        """Of a trip that has started."""
        command = EndTrip(
            operator=self.operator, driver_id=driver.id, trip_id=TripId(ride_id), actor=driver_actor(driver.id)
        )
        await end_trip(self.api.services.rt, self.api.services.cards, command)


async def make_passenger(
    api: Api, clock: SettableClock, *, settings: Settings | None = None, tariff: TaxiTariff = TARIFF
) -> Passenger:
    """With 50.00 in the wallet; nobody drives yet."""
    rt = api.services.rt
    kit = await make_operator(rt, settings=settings)
    rider = await make_rider(rt, kit.operator)
    classes: Sequence[TaxiClassId] = [
        await _class(api, kit, "Comfort", TaxiClassSpec(capacity=4, order=1, tariff=tariff)),
        await _class(api, kit, "Van", TaxiClassSpec(capacity=8, order=2, cash=False, tariff=tariff)),
    ]
    passenger = Passenger(api, clock, kit, rider, *classes)
    await passenger.add(5_000)
    return passenger


async def _class(api: Api, kit: OperatorKit, title: str, spec: TaxiClassSpec) -> TaxiClassId:
    rt = api.services.rt
    class_id = await make_class(rt, kit.operator, title=title)
    async with rt.db.write() as tx:
        await tx.execute(
            "update taxi_class set spec = %(spec)s where operator_id = %(operator_id)s and id = %(id)s",
            {"spec": Jsonb(msgspec.to_builtins(spec)), "operator_id": kit.operator.id, "id": class_id},
        )
    return class_id
