"""A rider who takes taxis, with a card provider on a socket, and what drivers the test puts online.

Trips are requested at a quoted price without places and roads: the pick-up is HELSINKI, the destination THERE.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Final
from uuid import uuid4

import msgspec
from psycopg.types.json import Jsonb

from isotope.domain.drivers import DriverState, find_state, get_driver, go_online
from isotope.domain.drivers.model import Driver, DriverPosition
from isotope.domain.drivers.usecases.go_online import GoOnline
from isotope.domain.drivers.usecases.take_positions import TakePositions, take_positions
from isotope.domain.payments import (
    CASH,
    WALLET,
    Card,
    CardPayment,
    Cards,
    OpenPayment,
    PaymentStatus,
    Purpose,
    carry_out,
    list_payments,
    open_payment,
    resolve_card_calls,
)
from isotope.domain.pricing import english
from isotope.domain.receipts import Receipt, find_receipt_by_cause
from isotope.domain.taxi import refunds, store
from isotope.domain.taxi.fares import quote_price
from isotope.domain.taxi.model import (
    Outcome,
    Stop,
    TaxiClassSpec,
    TaxiTariff,
    Trip,
    TripEvent,
    TripOffer,
    TripPayment,
    TripStatus,
    TripTerms,
)
from isotope.domain.taxi.offers import offer_trip
from isotope.domain.taxi.queries import find_trip
from isotope.domain.taxi.usecases.accept_offer import AcceptOffer, accept_offer
from isotope.domain.taxi.usecases.arrive import Arrive, arrive
from isotope.domain.taxi.usecases.cancel_trip import CancelTrip, cancel_trip
from isotope.domain.taxi.usecases.end_trip import EndTrip, end_trip
from isotope.domain.taxi.usecases.give_up_trip import GiveUpTrip, give_up_trip
from isotope.domain.taxi.usecases.record_trip_answer import record_trip_answer
from isotope.domain.taxi.usecases.settle_authorising import LOOK_AFTER_S, SettleAuthorising, Settled, settle_authorising
from isotope.domain.taxi.usecases.start_trip import StartTrip, start_trip
from isotope.domain.taxi.usecases.take_cash import TakeCash, settle_untold_cash, take_cash
from isotope.domain.taxi.usecases.track_trip import Fix, TrackTrip, track_trip
from isotope.domain.tenants import Operators
from isotope.domain.tenants.model import Operator, Settings
from isotope.domain.wallet import (
    AccountKind,
    AddMoney,
    MoneyKind,
    Standing,
    add_money,
    check_ledger,
    get_standing,
    trial_balance,
)
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SECRET_KEY, Actor, driver_actor, rider_actor
from isotope.kernel.geo import Point
from isotope.kernel.ids import TaxiClassId
from tests.kit.cards import SandboxKit, make_card
from tests.kit.clock import SettableClock
from tests.kit.drivers import HELSINKI, DriverKit, make_class, make_driver
from tests.kit.riders import RiderKit, make_rider
from tests.kit.tenants import make_operator

# 2,000 m and 300 s: 4.00 + 2.00 + 1.50 = 7.50, of which 0.68 is tax.
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
QUOTED: Final = 750
DISTANCE_M: Final = 2_000
DURATION_S: Final = 300
# 1,501 m north.
THERE: Final = Point(60.1834, 24.9384)
BETWEEN: Final = Point(60.1760, 24.9384)


@dataclass(slots=True)
class Trips:
    """The trips of `rider`, of `operator`'s only class."""

    rt: Runtime
    clock: SettableClock
    sandbox: SandboxKit
    operator: Operator
    rider: RiderKit
    class_id: TaxiClassId
    cards: Cards
    operators: Operators
    tariff: TaxiTariff = TARIFF
    drivers: list[DriverKit] = field(default_factory=list)

    async def driver(self, at: Point = HELSINKI, *, commission_pct: float | None = None) -> DriverKit:
        """Online."""
        kit = await make_driver(self.rt, self.operator, class_id=self.class_id, name=f"Driver {len(self.drivers) + 1}")
        if commission_pct is not None:
            async with self.rt.db.write() as tx:
                await tx.execute(
                    "update driver set commission_pct = %(pct)s where operator_id = %(operator_id)s and id = %(id)s",
                    {"pct": commission_pct, "operator_id": self.operator.id, "id": kit.id},
                )
        await self.online(kit, at)
        self.drivers.append(kit)
        return kit

    async def online(self, driver: DriverKit, at: Point = HELSINKI) -> None:
        await go_online(
            self.rt,
            GoOnline(operator=self.operator, driver_id=driver.id, vehicle_id=driver.vehicle_id, point=at),
        )

    async def at(self, driver: DriverKit, *points: Point, step_s: float = 0) -> None:
        """The driver is here, and here, so many seconds later each."""
        positions: list[DriverPosition] = []
        for point in points:
            self.clock.advance(seconds=step_s)
            positions.append(DriverPosition(point=point, at=self.clock.now()))
        await take_positions(
            self.rt, TakePositions(operator=self.operator, driver_id=driver.id, positions=tuple(positions))
        )
        fixes = [Fix(one.at, one.point) for one in positions]
        await track_trip(self.rt, TrackTrip(operator=self.operator, driver_id=driver.id, fixes=fixes))

    async def add(self, amount_minor: int, kind: MoneyKind = MoneyKind.BALANCE) -> None:
        await add_money(
            self.rt,
            AddMoney(
                operator=self.operator, rider_id=self.rider.id, amount_minor=amount_minor, kind=kind, actor=SECRET_KEY
            ),
        )

    async def card(self, name: str = "ok") -> Card:
        return await make_card(self.rt, self.operator, self.rider, self.sandbox, name, pays=("TAXI",))

    async def request(
        self,
        payment: TripPayment = TripPayment.WALLET,
        *,
        card: Card | None = None,
        stops: Sequence[Point] = (),
        in_h: float | None = None,
        surge: str = "1",
        pin: str | None = None,
        rider: RiderKit | None = None,
        carry: bool = True,
    ) -> Trip:
        """REQUESTED, or SCHEDULED; with a card as it answers. `carry` False: the process dies before it asks."""
        now, settings = self.clock.now(), self.operator.settings.taxi
        who = rider or self.rider
        scheduled_at = None if in_h is None else now + timedelta(hours=in_h)
        quoted = quote_price(
            self.tariff,
            distance_m=DISTANCE_M,
            duration_s=DURATION_S,
            stops=len(stops),
            surge=Decimal(surge),
            is_scheduled=in_h is not None,
            words=english,
        )
        status = TripStatus.REQUESTED if in_h is None else TripStatus.SCHEDULED
        until = now + timedelta(seconds=settings.search_s) if in_h is None else None
        next_at = until or now
        if card is not None:
            payment, status, until = TripPayment.CARD, TripStatus.AUTHORISING, None
            next_at = now + timedelta(seconds=LOOK_AFTER_S)
        methods = {TripPayment.CASH: CASH, TripPayment.WALLET: WALLET}
        points = [HELSINKI, *stops, THERE]
        async with self.rt.db.write() as tx:
            trip = await store.insert_trip(
                tx,
                Trip(
                    operator_id=self.operator.id,
                    id=await store.next_trip_id(tx),
                    rider_id=who.id,
                    class_id=self.class_id,
                    status=status,
                    quote_id=uuid4(),
                    payment=payment,
                    payment_method_id=methods[payment] if card is None else card.method_id,
                    currency=self.operator.currency,
                    terms=TripTerms(
                        class_ref="standard",
                        class_title="Standard",
                        tariff=self.tariff,
                        distance_m=DISTANCE_M,
                        duration_s=DURATION_S,
                        surge=surge,
                        quoted=quoted,
                        time_zone=self.operator.time_zone,
                        commission_pct=str(settings.commission_pct),
                        reserve_minor=0 if card is None else quoted.total_minor,
                    ),
                    requested_at=now,
                    scheduled_at=scheduled_at,
                    search_until=until,
                    pin=pin,
                    next_at=next_at,
                ),
                [Stop(lat=at.lat, lon=at.lon, title=f"Place {nr}") for nr, at in enumerate(points)],
                rider_actor(who.id),
            )
            if card is None:
                return trip
            _payment, call = await open_payment(
                tx,
                OpenPayment(
                    card=card,
                    purpose=Purpose.TRIP,
                    cause=trip.cause,
                    currency=trip.currency,
                    amount_minor=quoted.total_minor,
                    reserve=True,
                    actor=rider_actor(who.id),
                    now=now,
                ),
            )
        if not carry:
            return trip
        await carry_out(self.rt, self.cards, self.operator, call)
        return (await self.settle_authorising(trip)).trip

    async def settle_authorising(self, trip: Trip) -> Settled:
        return await settle_authorising(self.rt, SettleAuthorising(self.operator, trip.id))

    async def offer(self, trip: Trip, driver: DriverKit, *, eta_s: int = 120) -> TripOffer:
        async with self.rt.db.write() as tx:
            locked = await store.lock_trip(tx, self.operator.id, trip.id)
            assert locked is not None
            offer = await offer_trip(
                tx,
                locked,
                driver.id,
                eta_s=eta_s,
                distance_m=800,
                now=self.clock.now(),
                settings=self.operator.settings.taxi,
            )
        assert offer is not None
        return offer

    async def accept(self, trip: Trip, driver: DriverKit, *, eta_s: int = 120) -> Trip:
        """Offered, and taken."""
        return await self.take(await self.offer(trip, driver, eta_s=eta_s))

    async def take(self, offer: TripOffer) -> Trip:
        return await accept_offer(
            self.rt, AcceptOffer(operator=self.operator, driver_id=offer.driver_id, offer_id=offer.id)
        )

    async def arrive(self, trip: Trip, driver: DriverKit) -> Trip:
        return await arrive(self.rt, Arrive(operator=self.operator, driver_id=driver.id, trip_id=trip.id))

    async def start(self, trip: Trip, driver: DriverKit, pin: str | None = None) -> Trip:
        return await start_trip(
            self.rt, StartTrip(operator=self.operator, driver_id=driver.id, trip_id=trip.id, pin=pin)
        )

    async def end(self, trip: Trip, driver: DriverKit) -> Trip:
        return await end_trip(
            self.rt,
            self.cards,
            EndTrip(operator=self.operator, driver_id=driver.id, trip_id=trip.id, actor=driver_actor(driver.id)),
        )

    async def drive(self, trip: Trip, driver: DriverKit) -> Trip:
        """Accepted, driven as quoted, and ended."""
        await self.accept(trip, driver)
        await self.arrive(trip, driver)
        await self.start(trip, driver)
        self.clock.advance(seconds=DURATION_S)
        return await self.end(trip, driver)

    async def cash(self, trip: Trip, driver: DriverKit, amount_minor: int) -> Trip:
        return await take_cash(
            self.rt,
            self.cards,
            TakeCash(operator=self.operator, driver_id=driver.id, trip_id=trip.id, amount_minor=amount_minor),
        )

    async def settle_cash(self, **leap: float) -> int:
        """What the worker does about drivers who said nothing."""
        self.clock.advance(**leap)
        return await settle_untold_cash(self.rt, self.cards, self.operators)

    async def cancel(self, trip: Trip, *, actor: Actor | None = None) -> Trip:
        """By the rider, unless said otherwise."""
        return await cancel_trip(
            self.rt,
            self.cards,
            CancelTrip(
                operator=self.operator,
                trip_id=trip.id,
                actor=actor or rider_actor(self.rider.id),
                rider_id=self.rider.id if actor is None else None,
            ),
        )

    async def give_up(self, trip: Trip, driver: DriverKit, reason: str = "flat tyre") -> Trip:
        return await give_up_trip(
            self.rt,
            self.cards,
            GiveUpTrip(operator=self.operator, driver_id=driver.id, trip_id=trip.id, reason=reason),
        )

    async def resolve(self, seconds: float = 21) -> int:
        """What the worker does about calls that nobody answered."""
        self.clock.advance(seconds=seconds)
        return await resolve_card_calls(self.rt, self.cards, self.operators)

    async def find(self, trip: Trip) -> Trip:
        async with self.rt.db.read() as tx:
            found = await find_trip(tx, self.operator.id, trip.id)
        assert found is not None
        return found

    async def state(self, driver: DriverKit) -> DriverState:
        async with self.rt.db.read() as tx:
            found = await find_state(tx, self.operator.id, driver.id)
        assert found is not None
        return found

    async def driver_now(self, driver: DriverKit) -> Driver:
        async with self.rt.db.read() as tx:
            return await get_driver(tx, self.operator.id, driver.id)

    async def events(self, trip: Trip) -> list[TripEvent]:
        async with self.rt.db.read() as tx:
            rows = await tx.tuples(
                """
                select nr, kind, from_status, to_status, at, actor, reason, data from trip_event
                 where operator_id = %(operator_id)s and trip_id = %(id)s order by nr
                """,
                {"operator_id": self.operator.id, "id": trip.id},
            )
        return [
            TripEvent(
                nr=nr,
                kind=kind,
                from_status=before,
                to_status=after,
                at=at,
                actor=Actor(actor),
                reason=reason,
                data=data,
            )
            for nr, kind, before, after, at, actor, reason, data in rows
        ]

    async def offers(self, trip: Trip) -> list[str]:
        """Their statuses, in the order of their drivers."""
        async with self.rt.db.read() as tx:
            rows = await tx.tuples(
                """
                select status from trip_offer
                 where operator_id = %(operator_id)s and trip_id = %(id)s order by driver_id
                """,
                {"operator_id": self.operator.id, "id": trip.id},
            )
        return [status for (status,) in rows]

    async def payments(self, trip: Trip) -> list[CardPayment]:
        async with self.rt.db.read() as tx:
            return await list_payments(tx, self.operator.id, trip.cause)

    async def receipt(self, cause: str) -> Receipt | None:
        async with self.rt.db.read() as tx:
            return await find_receipt_by_cause(tx, self.operator.id, cause)

    async def refunds(self, trip: Trip) -> list[refunds.TripRefund]:
        async with self.rt.db.read() as tx:
            return await refunds.list_refunds(tx, self.operator.id, trip.id)

    async def standing(self, rider: RiderKit | None = None) -> Standing:
        async with self.rt.db.read() as tx:
            return await get_standing(tx, self.operator.id, (rider or self.rider).id, self.operator.currency)

    async def has(self, rider: RiderKit | None = None) -> tuple[int, int, int, int]:
        """Balance, bonus, debt, in transit."""
        standing = await self.standing(rider)
        return standing.balance_minor, standing.bonus_minor, standing.debt_minor, standing.in_transit_minor

    async def owed_to(self, driver: DriverKit) -> int:
        """What the operator owes the driver; below zero: what they owe of the cash."""
        async with self.rt.db.read() as tx:
            found = await tx.scalar(
                """
                select balance_minor from ledger_account
                 where operator_id = %(operator_id)s and driver_id = %(driver_id)s and currency = %(currency)s
                """,
                {"operator_id": self.operator.id, "driver_id": driver.id, "currency": self.operator.currency},
            )
        return int(found or 0)

    async def sums(self) -> dict[AccountKind, int]:
        """The trial balance without what is zero."""
        async with self.rt.db.read() as tx:
            return {kind: total for kind, total in (await trial_balance(tx, self.operator.id)).items() if total}

    async def all(self) -> list[Trip]:
        async with self.rt.db.read() as tx:
            rows = await tx.tuples(
                "select id from trip where operator_id = %(operator_id)s order by id", {"operator_id": self.operator.id}
            )
            found = [await find_trip(tx, self.operator.id, trip_id) for (trip_id,) in rows]
        return [one for one in found if one is not None]

    async def the_books_agree(self, *, settled: bool = True) -> None:
        """Ledger, trips, refunds, receipts and provider say the same; `settled`: and nothing is under way."""
        async with self.rt.db.read() as tx:
            assert await check_ledger(tx, self.operator.id) == []
            adjusted = int(
                await tx.scalar(
                    """
                    select coalesce(sum(e.amount_minor), 0)
                      from ledger_entry e
                      join ledger_account a on a.operator_id = e.operator_id and a.id = e.account_id
                      join ledger_transaction t on t.operator_id = e.operator_id and t.id = e.transaction_id
                     where e.operator_id = %(operator_id)s and a.driver_id is not null
                       and t.reason in ('driver_adjusted', 'driver_paid')
                    """,
                    {"operator_id": self.operator.id},
                )
            )
        trips = await self.all()
        given = [one for trip in trips for one in await self.refunds(trip)]
        sums = await self.sums()
        due = sum(one.cash_due_minor for one in trips)
        billed = sum(one.total_minor for one in trips) - due
        tax = sum(one.tax_minor for one in trips if not one.cash_due_minor)
        back = sum(one.amount_minor for one in given)
        tax_back = sum(part.tax_minor for one in given for part in one.taxes)
        earned = sum(one.earned_minor for one in trips)
        cash = sum(one.cash_minor for one in trips)
        assert sums.get(AccountKind.TAX, 0) == tax - tax_back
        assert sums.get(AccountKind.REVENUE, 0) + sums.get(AccountKind.TAX, 0) == billed - back - earned
        assert sums.get(AccountKind.DRIVER_BALANCE, 0) == earned - cash + adjusted
        for trip in trips:
            self._agrees(trip, await self.payments(trip), await self.receipt(trip.cause), settled=settled)
            assert trip.refunded_minor == sum(one.amount_minor for one in given if one.trip_id == trip.id)
        for refund in given:
            assert (await self.receipt(refund.cause) is None) == (refund.card_pending_minor > 0), refund
        pending = sum(one.card_pending_minor for one in trips) - sum(one.card_pending_minor for one in given)
        assert sums.get(AccountKind.RIDER_IN_TRANSIT, 0) == -pending
        if settled:
            assert -sums.get(AccountKind.PROVIDER_CLEARING, 0) == self.sandbox.totals(self.operator.id).net_minor
            assert pending == 0

    def _agrees(self, trip: Trip, payments: list[CardPayment], receipt: Receipt | None, *, settled: bool) -> None:
        if trip.status.is_final:
            reserved = [one for one in payments if one.status is PaymentStatus.AUTHORISED]
            assert not settled or not reserved, "a card is reserved for a trip that is over"
        else:
            assert not trip.total_minor
        is_written = trip.total_minor > 0 and not trip.card_pending_minor and not trip.cash_due_minor
        assert (receipt is not None) == is_written, trip
        assert (trip.outcome == Outcome.DRIVEN) == (trip.status is TripStatus.ENDED)
        assert sum(one.captured_minor for one in payments) >= trip.charged_card_minor


@asynccontextmanager
async def some_trips(
    rt: Runtime,
    clock: SettableClock,
    sandbox: SandboxKit,
    *,
    settings: Settings | None = None,
    tariff: TaxiTariff = TARIFF,
) -> AsyncIterator[Trips]:
    """A fresh operator with one class and one rider, whose wallet is empty; nobody drives yet."""
    kit = await make_operator(rt, settings=settings)
    class_id = await make_class(rt, kit.operator)
    async with rt.db.write() as tx:
        await tx.execute(
            "update taxi_class set spec = %(spec)s where operator_id = %(operator_id)s and id = %(id)s",
            {
                "spec": Jsonb(msgspec.to_builtins(TaxiClassSpec(tariff=tariff))),
                "operator_id": kit.operator.id,
                "id": class_id,
            },
        )
        # The worker looks at all operators; what other tests left is none of ours.
        await tx.execute("update card_call set next_at = 'infinity' where status = 'OPEN'")
        await tx.execute("update trip set next_at = null where next_at is not null")
        await tx.execute("update debt_collection set next_at = null where next_at is not null")
    yield Trips(
        rt=rt,
        clock=clock,
        sandbox=sandbox,
        operator=kit.operator,
        rider=await make_rider(rt, kit.operator),
        class_id=class_id,
        cards=Cards(
            provider=sandbox.provider(),
            recorders={Purpose.TRIP: record_trip_answer},
            public_url="https://api.example.test",
        ),
        operators=Operators(rt),
        tariff=tariff,
    )
