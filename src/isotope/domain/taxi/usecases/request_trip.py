"""Request a trip at a quoted price: decide, ask the card, record."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from secrets import randbelow

from psycopg.errors import UniqueViolation

from isotope.domain.drivers import find_driver
from isotope.domain.drivers.model import DriverStatus
from isotope.domain.identity import RiderStatus, lock_rider
from isotope.domain.payments import CardCall, Cards, OpenPayment, Purpose, carry_out, open_payment
from isotope.domain.pricing import english
from isotope.domain.taxi import errors, queries, store
from isotope.domain.taxi.fares import quote_price
from isotope.domain.taxi.model import TaxiClass, Trip, TripPayment, TripStatus, TripTerms
from isotope.domain.taxi.near import list_near_drivers
from isotope.domain.taxi.paying import Paying, choose_paying
from isotope.domain.taxi.quotes import Quote, open_quote
from isotope.domain.taxi.request_queries import count_open_trips, find_trip_of_quote
from isotope.domain.taxi.request_rules import RequestFacts, may_request
from isotope.domain.taxi.schedule import DATE_FIELD, local_date_and_time
from isotope.domain.taxi.usecases.settle_authorising import LOOK_AFTER_S, SettleAuthorising, settle_authorising
from isotope.domain.tenants.model import Operator
from isotope.domain.wallet import get_standing
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import Actor
from isotope.kernel.errors import Fault, invalid
from isotope.kernel.ids import DriverId, RiderId
from isotope.kernel.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestTrip:
    """Who requests what.

    Attributes:
        token_key: what signs quotes of the operator's.
        token: of `quote_trips`.
        by_secret_key: the operator's systems may use quotes that they asked for themselves, for any rider.
        payment_method_id: by the table of `paying`.
        driver_id: the only driver who is to be offered the trip.
        scheduled_at: as the quote says, or None.
    """

    operator: Operator
    token_key: bytes
    rider_id: RiderId
    actor: Actor
    token: str
    by_secret_key: bool = False
    payment_method_id: str | None = None
    comment: str = ""
    driver_id: DriverId | None = None
    scheduled_at: datetime | None = None


async def request_trip(rt: Runtime, cards: Cards, command: RequestTrip) -> Trip:
    """REQUESTED, drivers are looked for; or SCHEDULED. If a card pays, the price is reserved on it first.

    Raises:
        Refusal: `validation_failed`, `quote_ended`, `quote_used`, by the tables of `request_rules` and `paying`,
            `user_not_found`; `card_declined`, `card_no_answer`, after which nobody is charged.
    """
    now = rt.clock.now()
    quote = open_quote(command.token_key, command.operator, command.token, now)
    _must_fit(command, quote)
    try:
        trip, call = await _decide(rt, cards, command, quote, now)
    except UniqueViolation as error:
        if error.diag.constraint_name != _ONE_USE:
            raise
        async with rt.db.read() as tx:
            used = await find_trip_of_quote(tx, command.operator.id, quote.id)
        raise errors.quote_used(used.id if used is not None and used.rider_id == command.rider_id else None) from error
    if call is None:
        return trip
    await carry_out(rt, cards, command.operator, call)
    settled = await settle_authorising(rt, SettleAuthorising(command.operator, trip.id))
    if settled.refusal is not None:
        raise settled.refusal
    return settled.trip


# Unique (operator_id, quote_id).
_ONE_USE = "trip_operator_id_quote_id_key"


def _must_fit(command: RequestTrip, quote: Quote) -> None:
    """What is sent again says what the quote says."""
    faults: list[Fault] = []
    is_theirs = quote.rider_id == command.rider_id or (quote.rider_id is None and command.by_secret_key)
    if not is_theirs or quote.currency != command.operator.currency:
        faults.append(Fault("token", "a token of get-drivers is expected, as it was given to this rider"))
    elif command.scheduled_at is not None and command.scheduled_at != quote.scheduled_at:
        faults.append(Fault(DATE_FIELD, _accepted_time(command.operator, quote)))
    elif command.driver_id is not None and quote.driver_id not in (None, command.driver_id):
        faults.append(Fault("driver_id", f"the token is for the driver {quote.driver_id}"))
    most = command.operator.settings.taxi.comment_length
    if len(command.comment) > most:
        faults.append(Fault("comment", f"at most {most} characters are expected"))
    if faults:
        raise invalid(*faults)


def _accepted_time(operator: Operator, quote: Quote) -> str:
    if quote.scheduled_at is None:
        return "the token is for a trip now: ask get-drivers for a token with this time"
    day, clock = local_date_and_time(quote.scheduled_at, operator.time_zone)
    return f"the token is for {day} {clock}: leave scheduled_date and scheduled_time out, or ask for another token"


async def _decide(
    rt: Runtime, cards: Cards, command: RequestTrip, quote: Quote, now: datetime
) -> tuple[Trip, CardCall | None]:
    """The rider's row is locked.

    Raises:
        psycopg.errors.UniqueViolation: the quote was used before.
    """
    operator = command.operator
    async with rt.db.write() as tx:
        rider = await lock_rider(tx, operator.id, command.rider_id)
        if used := await find_trip_of_quote(tx, operator.id, quote.id):
            raise errors.quote_used(used.id if used.rider_id == command.rider_id else None)
        found = (await queries.get_classes(tx, operator.id, [quote.class_id])).get(quote.class_id)
        paying = await choose_paying(
            tx, cards, operator, command.rider_id, command.payment_method_id, is_cash=quote.is_cash
        )
        facts = await _facts(tx, command, quote, paying, found, now, is_blocked=rider.status is RiderStatus.BLOCKED)
        if no := may_request(facts):
            raise no
        trip = await _insert(tx, command, quote, paying, now)
        if paying.card is None or not quote.total_minor:
            return trip, None
        _payment, call = await open_payment(
            tx,
            OpenPayment(
                card=paying.card,
                purpose=Purpose.TRIP,
                cause=trip.cause,
                currency=trip.currency,
                amount_minor=quote.total_minor,
                reserve=True,
                actor=command.actor,
                now=now,
            ),
        )
        return trip, call


async def _facts(
    tx: Tx,
    command: RequestTrip,
    quote: Quote,
    paying: Paying,
    taxi_class: TaxiClass | None,
    now: datetime,
    *,
    is_blocked: bool,
) -> RequestFacts:
    operator = command.operator
    standing = await get_standing(tx, operator.id, command.rider_id, operator.currency)
    opened = await queries.find_open_trip(tx, operator.id, command.rider_id)
    counts = await count_open_trips(tx, operator.id, command.rider_id)
    return RequestFacts(
        settings=operator.settings.taxi,
        now=now,
        is_blocked=is_blocked,
        debt=Money(standing.debt_minor, operator.currency),
        spendable=Money(standing.spendable_minor, operator.currency),
        price=Money(quote.total_minor, operator.currency),
        payment=paying.payment,
        is_offered=taxi_class is not None and taxi_class.retired_at is None,
        class_takes_cash=taxi_class is not None and taxi_class.spec.cash,
        open_trips=counts.under_way,
        newest_open=None if opened is None else opened.id,
        scheduled_trips=counts.scheduled,
        scheduled_at=quote.scheduled_at,
        driver_is_fit=await _is_fit(tx, command, quote, now),
    )


async def _is_fit(tx: Tx, command: RequestTrip, quote: Quote, now: datetime) -> bool | None:
    """Whether the driver who was asked for can take the trip; None: none was."""
    wanted = command.driver_id if quote.driver_id is None else quote.driver_id
    if wanted is None:
        return None
    if quote.scheduled_at is not None:
        driver = await find_driver(tx, command.operator.id, wanted)
        return driver is not None and driver.status is DriverStatus.ACTIVE
    near = await list_near_drivers(
        tx, command.operator, quote.stops[0].point, now, is_cash=quote.is_cash, driver_id=wanted
    )
    return any(one.class_id == quote.class_id for one in near)


async def _insert(tx: Tx, command: RequestTrip, quote: Quote, paying: Paying, now: datetime) -> Trip:
    operator, settings = command.operator, command.operator.settings.taxi
    quoted = quote_price(
        quote.tariff,
        distance_m=quote.distance_m,
        duration_s=quote.duration_s,
        stops=len(quote.stops) - 2,
        surge=Decimal(quote.surge),
        is_scheduled=quote.scheduled_at is not None,
        words=english,
    )
    if quoted.total_minor != quote.total_minor:
        # Only a new version of ours makes another price of the same facts.
        raise errors.quote_ended(settings.quote_s)
    by_card = paying.payment is TripPayment.CARD and quote.total_minor > 0
    if by_card:
        status, until, next_at = TripStatus.AUTHORISING, None, now + timedelta(seconds=LOOK_AFTER_S)
    elif quote.scheduled_at is not None:
        status, until, next_at = TripStatus.SCHEDULED, None, now
    else:
        until = now + timedelta(seconds=settings.search_s)
        status, next_at = TripStatus.REQUESTED, until
    trip = Trip(
        operator_id=operator.id,
        id=await store.next_trip_id(tx),
        rider_id=command.rider_id,
        class_id=quote.class_id,
        status=status,
        quote_id=quote.id,
        payment=paying.payment,
        payment_method_id=paying.method_id,
        currency=operator.currency,
        terms=TripTerms(
            class_ref=quote.class_ref,
            class_title=quote.class_title,
            tariff=quote.tariff,
            distance_m=quote.distance_m,
            duration_s=quote.duration_s,
            surge=quote.surge,
            quoted=quoted,
            time_zone=operator.time_zone,
            commission_pct=str(settings.commission_pct),
            reserve_minor=quote.total_minor if by_card else 0,
            route=quote.route,
        ),
        requested_at=now,
        wanted_driver_id=command.driver_id if quote.driver_id is None else quote.driver_id,
        comment=command.comment,
        pin=f"{randbelow(10_000):04}" if settings.pin_required else None,
        scheduled_at=quote.scheduled_at,
        search_until=until,
        next_at=next_at,
    )
    return await store.insert_trip(tx, trip, quote.stops, command.actor)
