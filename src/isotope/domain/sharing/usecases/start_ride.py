"""Start a ride: decide, do, record (docs/ARCHITECTURE.md, the life of a request)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from isotope.domain.benefits import claim_for_ride
from isotope.domain.devices.model import CommandName
from isotope.domain.fleet import (
    Offers,
    VehicleStatus,
    hold_vehicle,
    lock_vehicle,
    offers_of,
    order_vehicle,
    vehicle_has_no_device,
)
from isotope.domain.payments import (
    WALLET,
    CardCall,
    Cards,
    OpenPayment,
    Purpose,
    carry_out,
    list_usable_cards,
    open_payment,
)
from isotope.domain.pricing import least
from isotope.domain.sharing import errors, reservation_store, store
from isotope.domain.sharing.addon_stock import lock_stock, take_from_stock
from isotope.domain.sharing.agreeing import WhatIsRidden, terms_now
from isotope.domain.sharing.model import AgreedAddon, EventKind, Ride, RideStatus, Terms
from isotope.domain.sharing.places import free_place, list_open_places
from isotope.domain.sharing.ports import TakenVehicles
from isotope.domain.sharing.reservation_rules import fee_of_ride
from isotope.domain.sharing.reservations import Reservation, ReservationId
from isotope.domain.sharing.rules import amount_to_reserve, may_start, method_that_pays
from isotope.domain.sharing.take_vehicle import Found, TakeVehicle, gather_facts, lock_taker, own_reservation
from isotope.domain.sharing.usecases.settle_authorising import (
    SettleAuthorising,
    defer_authorising,
    settle_authorising,
)
from isotope.domain.sharing.usecases.settle_ride import SettleRide, await_and_settle
from isotope.domain.zones import ZoneIndex, Zones
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.geo import Point
from isotope.kernel.ids import AddonId, RideId


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRide(TakeVehicle):
    """A rider wants to ride a vehicle. `package_id`: a package that is taken for this ride."""

    addon_ids: Sequence[AddonId] = ()
    package_id: int | None = None
    skip_auto_topup: bool = False
    skip_auto_stop: bool = False


@dataclass(frozen=True, slots=True)
class _Decided:
    """What the first transaction came to: a card to ask, or an unlocking to wait for."""

    ride_id: RideId
    call: CardCall | None = None
    wait_for: SettleRide | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Allowed:
    """A start that nothing refuses."""

    found: Found
    offers: Offers
    reservation: Reservation | None
    stocked: Sequence[AddonId]
    method_id: str
    place: int
    amount_minor: int


async def start_ride(rt: Runtime, cards: Cards, taken: TakenVehicles, zones: Zones, command: StartRide) -> Ride:
    """The ride, running. If a card pays it, an amount is reserved on the card before the vehicle is unlocked.

    The rider's reservation of the vehicle becomes the ride.

    Raises:
        Refusal: by the table of `rules.may_start`; `vehicle_not_found`, `vehicle_has_no_device`,
            `device_offline`, `package_not_available`, `vehicle_booked`; `card_declined`, `card_no_answer`, after which nobody is charged
            and the vehicle is as before; `vehicle_did_not_unlock` when the unit refused or said nothing, in which case
            nobody is charged and the vehicle is put aside for a check.
    """
    index = await zones.index(command.operator.id)
    decided = await _decide(rt, cards, taken, index, command)
    wait_for = decided.wait_for or await _ask_card(rt, cards, command, decided)
    ride, code = await await_and_settle(rt, cards, wait_for)
    if ride.status is RideStatus.ACTIVE:
        return ride
    raise errors.vehicle_did_not_unlock(code)


async def _ask_card(rt: Runtime, cards: Cards, command: StartRide, decided: _Decided) -> SettleRide:
    if decided.call is not None:
        await carry_out(rt, cards, command.operator, decided.call)
    settled = await settle_authorising(rt, cards, SettleAuthorising(command.operator, decided.ride_id, command.actor))
    if settled.wait_for is None:
        raise settled.refusal or errors.ride_not_found()
    return settled.wait_for


async def _decide(rt: Runtime, cards: Cards, taken: TakenVehicles, zones: ZoneIndex, command: StartRide) -> _Decided:
    operator, now = command.operator, rt.clock.now()
    async with rt.db.write() as tx:
        allowed = await _allow(tx, cards, command, now)
        vehicle = allowed.found.vehicle
        ride_id, terms = await _insert(tx, zones, command, allowed, now)
        holder = f"ride:{ride_id}"
        await hold_vehicle(
            tx,
            vehicle.vehicle,
            holder=holder,
            status=VehicleStatus.IN_USE,
            actor=command.actor,
            now=now,
            from_holder=None if allowed.reservation is None else allowed.reservation.holder,
            free_until=now + timedelta(minutes=operator.settings.rentals.prepare_min),
        )
        tx.after_commit(lambda: taken.drop(operator.id, vehicle.vehicle.id))
        if allowed.amount_minor:
            card = next(card for card in allowed.found.cards if card.method_id == allowed.method_id)
            _payment, call = await open_payment(
                tx,
                OpenPayment(
                    card=card,
                    purpose=Purpose.RIDE,
                    cause=holder,
                    currency=operator.currency,
                    # Never less than what a ride on these terms costs as it begins, a package's price for one.
                    amount_minor=max(allowed.amount_minor, least(terms.agreed)),
                    reserve=True,
                    actor=command.actor,
                    now=now,
                ),
            )
            await defer_authorising(rt, tx, operator, ride_id, now)
            return _Decided(ride_id, call=call)
        command_id = await order_vehicle(
            tx, operator, vehicle, CommandName.UNLOCK, actor=command.actor, cause=holder, now=now
        )
        await store.set_command(tx, operator.id, ride_id, command_id)
        return _Decided(ride_id, wait_for=SettleRide(operator, ride_id, command_id))


async def _allow(tx: Tx, cards: Cards, command: StartRide, now: datetime) -> _Allowed:
    """Rider, limited add-ons and vehicle are locked, in this order; then it is decided.

    Raises:
        Refusal: by the table of `rules.may_start`; `vehicle_not_found`, `vehicle_has_no_device`.
    """
    operator, rides = command.operator, command.operator.settings.rides
    rider = await lock_taker(tx, command)
    wanted = sorted(set(command.addon_ids))
    left = await lock_stock(tx, operator.id, wanted) if wanted else {}
    vehicle = await lock_vehicle(tx, operator.id, vehicle_id=command.vehicle_id, nr=command.vehicle_nr)
    offers = await offers_of(tx, operator.id, vehicle.model)
    opened = await list_open_places(tx, operator.id, command.rider_id)
    found = Found(
        rider=rider,
        vehicle=vehicle,
        opened=opened,
        own=own_reservation(opened, vehicle),
        cards=await list_usable_cards(tx, cards, operator.id, command.rider_id),
    )
    facts = await gather_facts(
        tx,
        cards,
        command,
        found,
        now,
        addon_ids=command.addon_ids,
        allowed_addon_ids=[addon.id for addon in offers.addons],
        addons_out_of_stock=[addon_id for addon_id, number in left.items() if number < 1],
    )
    if no := may_start(facts):
        raise no
    place = free_place(opened, rides.max_vehicles_per_rider) if found.own is None else found.own.place
    if place is None:
        raise errors.too_many_rides(rides.max_vehicles_per_rider)
    if vehicle.state is None:
        raise vehicle_has_no_device()
    method_id = method_that_pays(facts.payment_method_id, facts.chosen_method_id, facts.card_method_ids) or WALLET
    by_card = any(card.method_id == method_id for card in found.cards)
    return _Allowed(
        found=found,
        offers=offers,
        reservation=None if found.own is None else await _get_reservation(tx, command, found.own.id),
        stocked=[addon_id for addon_id in wanted if addon_id in left],
        method_id=method_id,
        place=place,
        amount_minor=amount_to_reserve(vehicle.model.spec, operator.settings.payments) if by_card else 0,
    )


async def _get_reservation(tx: Tx, command: StartRide, reservation_id: int) -> Reservation:
    found = await reservation_store.find_reservation(tx, command.operator.id, ReservationId(reservation_id))
    if found is None:
        raise LookupError("a reservation that holds a place does not exist")
    return found


async def _insert(
    tx: Tx, zones: ZoneIndex, command: StartRide, allowed: _Allowed, now: datetime
) -> tuple[RideId, Terms]:
    """The ride with its terms, and what it takes with it: discounts, add-ons, the reservation."""
    operator, vehicle, state = command.operator, allowed.found.vehicle, allowed.found.vehicle.state
    if state is None:
        raise vehicle_has_no_device()
    terms = await _terms(tx, zones, command, allowed, state.point, now)
    ride_id = await store.insert_ride(
        tx,
        store.NewRide(
            operator_id=operator.id,
            rider_id=command.rider_id,
            vehicle_id=vehicle.vehicle.id,
            model_id=vehicle.model.id,
            status=RideStatus.AUTHORISING if allowed.amount_minor else RideStatus.UNLOCKING,
            place=allowed.place,
            currency=operator.currency,
            terms=terms,
            start=state.point,
            start_odometer_m=state.odometer_m,
            requested_at=now,
        ),
    )
    await store.add_event(tx, (operator.id, ride_id), EventKind.REQUESTED, now, command.actor)
    await claim_for_ride(tx, operator.id, command.rider_id, ride_id, terms.discounts, now)
    if allowed.stocked:
        await take_from_stock(tx, operator.id, ride_id, allowed.stocked)
    if allowed.reservation is not None:
        await reservation_store.set_used(tx, allowed.reservation, ride_id, now)
    return ride_id, terms


async def _terms(tx: Tx, zones: ZoneIndex, command: StartRide, allowed: _Allowed, at: Point, now: datetime) -> Terms:
    vehicle, offers = allowed.found.vehicle, allowed.offers
    ridden = WhatIsRidden(model=vehicle.model, tariff=offers.tariff, vehicle_id=vehicle.vehicle.id, at=at)
    agreed = await terms_now(tx, command.operator, command.rider_id, ridden, zones, now, package_id=command.package_id)
    return Terms(
        tariff=offers.tariff,
        tariff_id=vehicle.model.tariff_id,
        addons=tuple(
            AgreedAddon(id=addon.id, title=addon.title, price=addon.price)
            for addon in offers.addons
            if addon.id in command.addon_ids
        ),
        payment_method_id=allowed.method_id,
        skip_auto_topup=command.skip_auto_topup,
        skip_auto_stop=command.skip_auto_stop,
        surcharges=agreed.surcharges,
        package=agreed.package,
        subscription=agreed.subscription,
        discounts=agreed.discounts,
        free_minutes_used=agreed.free_minutes_used,
        reservation=None if allowed.reservation is None else fee_of_ride(allowed.reservation, now),
    )
