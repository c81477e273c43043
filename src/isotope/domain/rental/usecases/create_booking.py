"""Book a vehicle for given dates, by its model or itself: decide, ask the card, record."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from isotope.domain.fleet import Slot, get_vehicle, lock_vehicle, take_slot
from isotope.domain.identity import RiderStatus, get_licence, user_not_found
from isotope.domain.payments import Card, CardCall, Cards, card_declined, carry_out_all, list_usable_cards
from isotope.domain.pricing import english
from isotope.domain.rental import availability, booking_queries, catalog_queries, errors, store, transitions
from isotope.domain.rental.availability import Calendar, Wanted
from isotope.domain.rental.booking_rules import BookingFacts, may_book, may_book_then, out_of_stock
from isotope.domain.rental.local_time import package_fits
from isotope.domain.rental.methods import choose_method
from isotope.domain.rental.model import (
    AgreedRentalAddon,
    AgreedRentalPackage,
    Booking,
    BookingStatus,
    BookingTerms,
    ChargeKind,
    ChargeStatus,
    DepositStatus,
    Interval,
    RentalAddon,
    RentalAddonId,
    RentalModel,
    RentalPackageId,
    Station,
    StationId,
)
from isotope.domain.rental.paying import OpenCharge, open_charge
from isotope.domain.rental.prices import booking_price
from isotope.domain.rental.queries import find_booking, list_charges
from isotope.domain.tenants.model import Operator
from isotope.domain.wallet import Standing, get_standing, lock_standing
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import Actor
from isotope.kernel.errors import Refusal
from isotope.kernel.ids import ModelId, OperatorId, RiderId, VehicleId
from isotope.kernel.money import Money

# So many vehicles are tried, one after the other, while others book at the same moment.
_MOST_TRIES: Final = 50
_BATCH: Final = 5
# While a station is closed, the next time is looked for in such steps: for two days.
_STEP: Final = timedelta(minutes=30)
_MOST_STEPS: Final = 96


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateBooking:
    """What a rider wants to book: a model (any of its vehicles) or a vehicle. The rest as the contract has it.

    `skip_wallet_check`: open debt does not refuse. `allow_debt`: what is not paid is owed. `without_card`: no saved card is
    asked for.
    """

    operator: Operator
    rider_id: RiderId
    actor: Actor
    station_id: StationId
    interval: Interval
    model_id: ModelId | None = None
    vehicle_id: VehicleId | None = None
    addon_ids: Sequence[RentalAddonId] = ()
    package_id: RentalPackageId | None = None
    payment_method_id: str | None = None
    skip_wallet_check: bool = False
    allow_debt: bool = False
    without_card: bool = False
    return_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Agreed:
    """What nothing refuses, before a vehicle is bound."""

    station: Station
    model: RentalModel
    terms: BookingTerms
    method_id: str
    card: Card | None


async def create_booking(rt: Runtime, cards: Cards, command: CreateBooking) -> Booking:
    """UPCOMING and paid; or AWAITING_PAYMENT while the card's provider has not answered or the rider is to confirm.

    Raises:
        Refusal: by the table of `booking_rules`; `rental_zone_not_found`, `rental_model_not_found`, `vehicle_not_found`,
            `unknown_payment_method`, `cards_unavailable`, `card_not_found`, `user_not_found`; `card_declined`, after
            which nothing was booked.
    """
    async with rt.db.write() as tx:
        booking, calls = await _decide(tx, rt, cards, command, rt.clock.now())
    if not calls:
        return booking
    await carry_out_all(rt, cards, command.operator, calls)
    async with rt.db.read() as tx:
        found = await find_booking(tx, command.operator.id, booking.id)
        charges = await list_charges(tx, command.operator.id, [booking.id])
    if found is None:
        raise LookupError("a booking that was made is gone")
    if found.status is BookingStatus.UNPAID:
        failed = next((one.code for one in charges if one.status is ChargeStatus.FAILED), None)
        raise card_declined(failed or "")
    return found


async def _decide(
    tx: Tx, rt: Runtime, cards: Cards, command: CreateBooking, now: datetime
) -> tuple[Booking, list[CardCall]]:
    """Rider, limited add-ons and vehicle are locked, in this order."""
    operator = command.operator
    agreed = await _agree(tx, cards, command, now)
    price = booking_price(agreed.terms, command.interval, english)
    await _check_stock(tx, operator.id, agreed.terms, command.interval)
    booking_id = await store.next_booking_id(tx)
    wanted = _wanted(command, now)
    vehicle_id = await _take_vehicle(tx, wanted, agreed.model.id, command.vehicle_id, f"booking:{booking_id}")
    if vehicle_id is None:
        raise await _not_free(tx, operator, wanted, agreed, command.vehicle_id)
    # What the wallet holds now it holds until this is posted: a ride that ends meanwhile waits.
    standing = await lock_standing(tx, operator.id, command.rider_id, operator.currency)
    _must_afford(agreed, standing, price.total_minor)
    is_paid = agreed.card is None or standing.spendable_minor >= price.total_minor
    settings = operator.settings.rentals
    booking = await store.insert_booking(
        tx,
        Booking(
            operator_id=operator.id,
            id=booking_id,
            rider_id=command.rider_id,
            vehicle_id=vehicle_id,
            model_id=agreed.model.id,
            zone_id=agreed.station.id,
            status=BookingStatus.AWAITING_PAYMENT,
            starts_at=command.interval.start,
            ends_at=command.interval.end,
            currency=operator.currency,
            terms=agreed.terms,
            payment_method_id=agreed.method_id,
            requested_at=now,
            hold_until=now + timedelta(minutes=settings.hold_min),
            deposit_minor=agreed.terms.deposit_minor,
            deposit_status=DepositStatus.DUE if agreed.terms.deposit_minor else DepositStatus.NONE,
        ),
    )
    await store.add_event(tx, booking, "requested", now, command.actor)
    await store.keep_addons(tx, booking, transitions.stocked_addons(booking), command.interval)
    charge, calls = await open_charge(
        tx,
        rt,
        OpenCharge(
            operator=operator,
            booking=booking,
            kind=ChargeKind.BOOKING,
            price=price,
            card=None if is_paid else agreed.card,
            actor=command.actor,
            now=now,
            return_url=command.return_url,
        ),
    )
    if charge.status is ChargeStatus.PAID:
        booking = await transitions.confirm(tx, rt, operator, booking, command.actor, now)
    return booking, calls


async def _agree(tx: Tx, cards: Cards, command: CreateBooking, now: datetime) -> _Agreed:
    """Everything but the calendar. The rider's row is locked here.

    Raises:
        Refusal: as `create_booking`.
    """
    operator, settings = command.operator, command.operator.settings.rentals
    rider = await store.lock_rider(tx, operator.id, command.rider_id)
    if rider is None or rider is RiderStatus.DELETED:
        raise user_not_found()
    station = await catalog_queries.find_station(tx, operator.id, command.station_id)
    if station is None:
        raise errors.rental_zone_not_found()
    model = await _model(tx, command)
    standing = await get_standing(tx, operator.id, command.rider_id, operator.currency)
    opened, lately = await booking_queries.count_bookings(tx, operator.id, command.rider_id, now)
    facts = BookingFacts(
        settings=settings,
        time_zone=operator.time_zone,
        station=station,
        model=model,
        interval=command.interval,
        now=now,
        blocked=rider is RiderStatus.BLOCKED,
        licence=await get_licence(tx, operator.id, command.rider_id),
        open_bookings=opened,
        lately_booked=lately,
        debt=Money(standing.debt_minor, operator.currency),
        skip_wallet_check=command.skip_wallet_check,
        has_card=bool(await list_usable_cards(tx, cards, operator.id, command.rider_id)),
        needs_card=cards.are_taken and settings.card_required and not command.without_card,
    )
    if no := may_book(facts):
        raise no
    method_id, card = await choose_method(tx, cards, operator.id, command.rider_id, command.payment_method_id)
    terms = await _terms(tx, command, model)
    return _Agreed(station=station, model=model, terms=terms, method_id=method_id, card=card)


async def _model(tx: Tx, command: CreateBooking) -> RentalModel:
    operator_id, model_id = command.operator.id, command.model_id
    if command.vehicle_id is not None:
        found = await get_vehicle(tx, operator_id, vehicle_id=command.vehicle_id)
        if model_id not in (None, found.model.id):
            raise errors.rental_model_not_found()
        model_id = found.model.id
    model = None if model_id is None else await catalog_queries.find_rental_model(tx, operator_id, model_id)
    if model is None:
        raise errors.rental_model_not_found()
    return model


async def _terms(tx: Tx, command: CreateBooking, model: RentalModel) -> BookingTerms:
    operator, settings = command.operator, command.operator.settings.rentals
    return BookingTerms(
        tariff_id=model.tariff_id,
        tariff=model.tariff,
        time_zone=operator.time_zone,
        package=await _package(tx, command, model),
        addons=await _addons(tx, command, model),
        deposit_minor=model.deposit_minor,
        buffer_min=settings.buffer_min,
        early_pick_up_min=settings.early_pick_up_min,
        no_show_min=settings.no_show_min,
        late_grace_min=settings.late_grace_min,
        inspect_hours=settings.inspect_hours,
        prepare_min=settings.prepare_min,
        remind_start_min=settings.remind_start_min,
        remind_end_min=settings.remind_end_min,
        allow_debt=command.allow_debt,
    )


async def _package(tx: Tx, command: CreateBooking, model: RentalModel) -> AgreedRentalPackage | None:
    if command.package_id is None:
        return None
    packages = await catalog_queries.list_packages(tx, command.operator.id)
    fitting = [
        one for one in packages if package_fits(one.spec, model.ref, command.interval, command.operator.time_zone)
    ]
    found = next((one for one in fitting if one.id == command.package_id), None)
    if found is None:
        raise errors.package_not_available(fitting)
    return AgreedRentalPackage(id=found.id, title=found.title, spec=found.spec)


async def _addons(tx: Tx, command: CreateBooking, model: RentalModel) -> tuple[AgreedRentalAddon, ...]:
    wanted = sorted(set(command.addon_ids))
    if not wanted:
        return ()
    offered = {one.id: one for one in addons_for(await catalog_queries.list_addons(tx, command.operator.id), model)}
    unknown = [addon_id for addon_id in wanted if addon_id not in offered]
    if unknown:
        raise errors.unknown_addons(unknown, sorted(offered))
    return tuple(
        AgreedRentalAddon(id=addon_id, title=offered[addon_id].title, spec=offered[addon_id].spec)
        for addon_id in wanted
    )


def addons_for(addons: Sequence[RentalAddon], model: RentalModel) -> list[RentalAddon]:
    """Those that are offered with the model."""
    return [one for one in addons if not one.spec.models or model.ref in one.spec.models]


async def _check_stock(tx: Tx, operator_id: OperatorId, terms: BookingTerms, interval: Interval) -> None:
    limited = [(addon.id, addon.spec.stock) for addon in terms.addons if addon.spec.stock is not None]
    if not limited:
        return
    ids = [addon_id for addon_id, _stock in limited]
    await booking_queries.lock_addons(tx, operator_id, ids)
    out = await booking_queries.list_addons_out(tx, operator_id, ids, interval)
    gone = out_of_stock(limited, out, interval)
    if gone:
        titles = [addon.title for addon in terms.addons if addon.id in gone]
        raise errors.rental_addon_out_of_stock(gone, titles)


def _wanted(command: CreateBooking, now: datetime) -> Wanted:
    return Wanted(
        operator_id=command.operator.id,
        station_id=command.station_id,
        interval=command.interval,
        settings=command.operator.settings.rentals,
        now=now,
    )


async def _take_vehicle(
    tx: Tx, wanted: Wanted, model_id: ModelId, vehicle_id: VehicleId | None, holder: str
) -> VehicleId | None:
    """A free vehicle, its row locked and its slot taken; None: there is none."""
    tried: set[VehicleId] = set()
    while len(tried) < _MOST_TRIES:
        if vehicle_id is not None:
            found = [vehicle_id] if await availability.is_free(tx, wanted, vehicle_id) else []
        else:
            found = await availability.list_free(tx, wanted, model_id, _BATCH + len(tried))
        left = [one for one in found if one not in tried]
        if not left:
            return None
        for one in left[:_BATCH]:
            tried.add(one)
            # Let go of one that is gone before the next is waited for: others may try them the other way round.
            await tx.execute("savepoint vehicle")
            await lock_vehicle(tx, wanted.operator_id, vehicle_id=one)
            # Somebody else may have booked it while its row was waited for.
            if await availability.is_free(tx, wanted, one):
                keeps = wanted.keeps
                slot = Slot(vehicle_id=one, holder=holder, starts_at=keeps.start, ends_at=keeps.end)
                if await take_slot(tx, wanted.operator_id, slot):
                    return one
            await tx.execute("rollback to savepoint vehicle")
    return None


async def _not_free(
    tx: Tx, operator: Operator, wanted: Wanted, agreed: _Agreed, vehicle_id: VehicleId | None
) -> Refusal:
    length = wanted.keeps.end - wanted.keeps.start
    spec, settings = agreed.station.spec, wanted.settings
    ahead = settings.advance_days if spec.advance_days is None else spec.advance_days
    until = wanted.now + timedelta(days=ahead) + length
    calendar = await availability.read_calendar(tx, wanted, agreed.model.id, until, vehicle_id)
    return errors.no_vehicle_free(_next_start(calendar, wanted, agreed.station, operator), operator.time_zone)


def _next_start(calendar: Calendar, wanted: Wanted, station: Station, operator: Operator) -> datetime | None:
    """The first time after the wanted one at which as long a booking would not be refused; None: not in sight."""
    booked, kept = wanted.interval.end - wanted.interval.start, wanted.keeps.end - wanted.keeps.start
    at = wanted.interval.start
    for _ in range(_MOST_STEPS):
        found = calendar.next_start(at, kept)
        if found is None:
            return None
        no = may_book_then(wanted.settings, station, Interval(found, found + booked), operator.time_zone, wanted.now)
        if no is None:
            return found
        if no.code != "station_closed":
            return None
        at = found + _STEP
    return None


def _must_afford(agreed: _Agreed, standing: Standing, total_minor: int) -> None:
    if agreed.card is None and not agreed.terms.allow_debt and standing.spendable_minor < total_minor:
        raise errors.booking_unaffordable(
            Money(standing.spendable_minor, standing.currency), Money(total_minor, standing.currency)
        )
