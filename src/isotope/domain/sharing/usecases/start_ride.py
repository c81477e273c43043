"""Start a ride: decide, do, record (docs/ARCHITECTURE.md, the life of a request)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from isotope.domain.devices.model import CommandName
from isotope.domain.fleet import (
    AddonOffer,
    LockedVehicle,
    VehicleStatus,
    hold_vehicle,
    lock_vehicle,
    minimum_battery_pct,
    offers_of,
)
from isotope.domain.identity import RiderStatus, get_rider
from isotope.domain.payments import (
    WALLET,
    Card,
    CardCall,
    Cards,
    OpenPayment,
    Purpose,
    carry_out,
    find_choice,
    open_payment,
)
from isotope.domain.sharing import errors, store
from isotope.domain.sharing.cards import list_usable_cards
from isotope.domain.sharing.model import AgreedAddon, EventKind, Ride, RideStatus, Terms
from isotope.domain.sharing.orders import order_vehicle
from isotope.domain.sharing.ports import TakenVehicles
from isotope.domain.sharing.rules import StartFacts, amount_to_reserve, may_start, method_that_pays
from isotope.domain.sharing.usecases.settle_authorising import (
    SettleAuthorising,
    defer_authorising,
    settle_authorising,
)
from isotope.domain.sharing.usecases.settle_ride import SettleRide, await_and_settle, defer_settlement
from isotope.domain.tenants.model import Operator
from isotope.domain.wallet import Flow, get_standing
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import Actor
from isotope.kernel.geo import Point
from isotope.kernel.ids import AddonId, RideId, RiderId, VehicleId
from isotope.kernel.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRide:
    """A rider wants to ride a vehicle, named by its id or its printed number."""

    operator: Operator
    rider_id: RiderId
    actor: Actor
    vehicle_id: VehicleId | None
    vehicle_nr: str | None
    rider_at: Point
    addon_ids: Sequence[AddonId] = ()
    payment_method_id: str | None = None
    skip_wallet_check: bool = False
    skip_save_card_check: bool = False
    skip_auto_topup: bool = False
    skip_auto_stop: bool = False


@dataclass(frozen=True, slots=True)
class _Decided:
    """What the first transaction came to: a card to ask, or an unlocking to wait for."""

    ride_id: RideId
    call: CardCall | None = None
    wait_for: SettleRide | None = None


async def start_ride(rt: Runtime, cards: Cards, taken: TakenVehicles, command: StartRide) -> Ride:
    """The ride, running. If a card pays it, an amount is reserved on the card before the vehicle is unlocked.

    Raises:
        Refusal: by the table of `rules.may_start`; `vehicle_not_found`, `vehicle_has_no_device`,
            `device_offline`; `card_declined`, `card_no_answer`, after which nobody is charged and the vehicle is as
            before; `vehicle_did_not_unlock` when the unit refused or said nothing, in which case nobody is charged
            and the vehicle is put aside for a check.
    """
    decided = await _decide(rt, cards, taken, command)
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


async def _decide(rt: Runtime, cards: Cards, taken: TakenVehicles, command: StartRide) -> _Decided:
    operator, now = command.operator, rt.clock.now()
    async with rt.db.write() as tx:
        await store.lock_rider(tx, operator.id, command.rider_id)
        found = await lock_vehicle(tx, operator.id, vehicle_id=command.vehicle_id, nr=command.vehicle_nr)
        offers = await offers_of(tx, operator.id, found.model)
        open_rides, place = await store.free_place(
            tx, operator.id, command.rider_id, operator.settings.rides.max_vehicles_per_rider
        )
        own_cards = await list_usable_cards(tx, cards, operator.id, command.rider_id)
        facts = await _facts(tx, cards, command, found, offers.addons, own_cards, open_rides, now)
        if no := may_start(facts):
            raise no
        method_id = method_that_pays(facts.payment_method_id, facts.chosen_method_id, facts.card_method_ids) or WALLET
        card = next((card for card in own_cards if card.method_id == method_id), None)
        amount_minor = 0 if card is None else amount_to_reserve(found.model.spec, operator.settings.payments)
        if place is None:
            raise errors.too_many_rides(operator.settings.rides.max_vehicles_per_rider)
        if found.state is None:
            raise errors.vehicle_has_no_device()
        ride_id = await store.insert_ride(
            tx,
            store.NewRide(
                operator_id=operator.id,
                rider_id=command.rider_id,
                vehicle_id=found.vehicle.id,
                model_id=found.model.id,
                status=RideStatus.AUTHORISING if amount_minor else RideStatus.UNLOCKING,
                place=place,
                currency=operator.currency,
                terms=Terms(
                    tariff=offers.tariff,
                    addons=tuple(
                        AgreedAddon(id=addon.id, title=addon.title, price=addon.price)
                        for addon in offers.addons
                        if addon.id in command.addon_ids
                    ),
                    payment_method_id=method_id,
                    skip_auto_topup=command.skip_auto_topup,
                    skip_auto_stop=command.skip_auto_stop,
                ),
                start=found.state.point,
                start_odometer_m=found.state.odometer_m,
                requested_at=now,
            ),
        )
        holder = f"ride:{ride_id}"
        await store.add_event(tx, (operator.id, ride_id), EventKind.REQUESTED, now, command.actor)
        await hold_vehicle(tx, found.vehicle, holder=holder, status=VehicleStatus.IN_USE, actor=command.actor, now=now)
        tx.after_commit(lambda: taken.drop(operator.id, found.vehicle.id))
        if card is not None and amount_minor:
            _payment, call = await open_payment(
                tx,
                OpenPayment(
                    card=card,
                    purpose=Purpose.RIDE,
                    cause=holder,
                    currency=operator.currency,
                    amount_minor=amount_minor,
                    reserve=True,
                    actor=command.actor,
                    now=now,
                ),
            )
            await defer_authorising(rt, tx, operator, ride_id, now)
            return _Decided(ride_id, call=call)
        command_id = await order_vehicle(
            tx, operator, found, CommandName.UNLOCK, actor=command.actor, cause=holder, now=now
        )
        await store.set_command(tx, operator.id, ride_id, command_id)
        what = SettleRide(operator, ride_id, command_id)
        await defer_settlement(rt, tx, what, now)
        return _Decided(ride_id, wait_for=what)


async def _facts(
    tx: Tx,
    cards: Cards,
    command: StartRide,
    found: LockedVehicle,
    offered: Sequence[AddonOffer],
    own_cards: Sequence[Card],
    open_rides: int,
    now: datetime,
) -> StartFacts:
    operator, state = command.operator, found.state
    rider = await get_rider(tx, operator.id, command.rider_id)
    standing = await get_standing(tx, operator.id, command.rider_id, operator.currency)
    # Without cards to choose from nothing but the wallet can have been chosen.
    may_have_chosen = bool(own_cards) and not command.payment_method_id
    chosen = await find_choice(tx, operator.id, command.rider_id, Flow.SHARING) if may_have_chosen else None
    return StartFacts(
        settings=operator.settings.rides,
        now=now,
        blocked=rider.status is RiderStatus.BLOCKED,
        spendable=Money(standing.spendable_minor, operator.currency),
        balance=Money(standing.balance_minor, operator.currency),
        debt=Money(standing.debt_minor, operator.currency),
        open_rides=open_rides,
        vehicle_status=found.vehicle.status,
        minimum_battery_pct=minimum_battery_pct(found.model.spec, operator.settings.rides.minimum_battery_pct),
        vehicle_at=None if state is None else state.point,
        vehicle_battery_pct=0 if state is None else state.battery_pct,
        vehicle_seen_at=None if state is None else state.seen_at,
        rider_at=command.rider_at,
        addon_ids=command.addon_ids,
        allowed_addon_ids=[addon.id for addon in offered],
        payment_method_id=command.payment_method_id,
        chosen_method_id=chosen,
        card_method_ids=[card.method_id for card in own_cards],
        card_required=cards.are_taken and operator.settings.payments.card_required,
        skip_wallet_check=command.skip_wallet_check,
        skip_save_card_check=command.skip_save_card_check,
    )
