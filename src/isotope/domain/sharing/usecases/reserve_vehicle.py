"""Keep a vehicle for a rider who is on the way to it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from isotope.domain.fleet import (
    LockedVehicle,
    VehicleStatus,
    hold_vehicle,
    lock_vehicle,
    offers_of,
    vehicle_has_no_device,
)
from isotope.domain.payments import Cards, list_usable_cards
from isotope.domain.pricing import Tariff
from isotope.domain.sharing import errors, reservation_store
from isotope.domain.sharing.places import free_place, list_open_places
from isotope.domain.sharing.ports import TakenVehicles
from isotope.domain.sharing.reservation_rules import ReserveFacts, free_until, may_reserve
from isotope.domain.sharing.reservations import Reservation, ReservationTerms
from isotope.domain.sharing.take_vehicle import Found, TakeVehicle, gather_facts, lock_taker, own_reservation
from isotope.domain.sharing.usecases.expire_reservation import defer_expiry
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReserveVehicle(TakeVehicle):
    """A rider wants a vehicle kept. `payment_method_id`: what the ride is to be paid with, unless its start says so."""


async def reserve_vehicle(rt: Runtime, cards: Cards, taken: TakenVehicles, command: ReserveVehicle) -> Reservation:
    """The vehicle is nobody else's until the reservation ends: by its ride, by the rider, or by the job for its end.

    Raises:
        Refusal: by the table of `reservation_rules.may_reserve`; `vehicle_not_found`, `vehicle_has_no_device`,
            `vehicle_booked`.
    """
    operator, now = command.operator, rt.clock.now()
    async with rt.db.write() as tx:
        found, place, tariff = await _allow(tx, cards, command, now)
        reservation = await reservation_store.insert_reservation(
            tx,
            reservation_store.NewReservation(
                operator_id=operator.id,
                rider_id=command.rider_id,
                vehicle_id=found.vehicle.id,
                model_id=found.model.id,
                place=place,
                currency=operator.currency,
                terms=_terms(command, tariff),
                reserved_at=now,
                expires_at=now + timedelta(minutes=operator.settings.reservations.minutes),
            ),
        )
        await hold_vehicle(
            tx,
            found.vehicle,
            holder=reservation.holder,
            status=VehicleStatus.RESERVED,
            actor=command.actor,
            now=now,
            free_until=free_until(operator, reservation.expires_at),
        )
        await defer_expiry(rt, tx, reservation)
        tx.after_commit(lambda: taken.drop(operator.id, found.vehicle.id))
        return reservation


async def _allow(tx: Tx, cards: Cards, command: ReserveVehicle, now: datetime) -> tuple[LockedVehicle, int, Tariff]:
    operator, most = command.operator, command.operator.settings.rides.max_vehicles_per_rider
    rider = await lock_taker(tx, command)
    vehicle = await lock_vehicle(tx, operator.id, vehicle_id=command.vehicle_id, nr=command.vehicle_nr)
    opened = await list_open_places(tx, operator.id, command.rider_id)
    found = Found(
        rider=rider,
        vehicle=vehicle,
        opened=opened,
        own=own_reservation(opened, vehicle),
        cards=await list_usable_cards(tx, cards, operator.id, command.rider_id),
    )
    facts = ReserveFacts(
        settings=operator.settings.reservations,
        unused=await reservation_store.read_unused(tx, operator.id, command.rider_id, now),
        start=await gather_facts(tx, cards, command, found, now),
    )
    if no := may_reserve(facts):
        raise no
    if vehicle.vehicle.device_id is None:
        raise vehicle_has_no_device()
    place = free_place(opened, most)
    if place is None:
        raise errors.too_many_rides(most)
    return vehicle, place, (await offers_of(tx, operator.id, vehicle.model)).tariff


def _terms(command: ReserveVehicle, tariff: Tariff) -> ReservationTerms:
    settings = command.operator.settings.reservations
    return ReservationTerms(
        minutes=settings.minutes,
        extensions=settings.extensions,
        fee=settings.fee,
        fee_minor=settings.fee_minor,
        credit_on_unlock=settings.credit_on_unlock,
        tax_rate=tariff.tax_rate,
        tax_inclusive=tariff.tax_inclusive,
        payment_method_id=command.payment_method_id or None,
    )
