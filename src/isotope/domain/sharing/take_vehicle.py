"""What a start and a reservation have in common: who wants which vehicle, and what that is decided on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from isotope.domain.fleet import LockedVehicle, minimum_battery_pct
from isotope.domain.identity import RiderStatus, user_not_found
from isotope.domain.payments import Card, Cards, find_choice
from isotope.domain.sharing import store
from isotope.domain.sharing.places import OpenPlace
from isotope.domain.sharing.rules import StartFacts, group_method
from isotope.domain.tenants.model import Operator
from isotope.domain.wallet import Flow, get_standing
from isotope.infra.db import Tx
from isotope.kernel.actor import Actor
from isotope.kernel.geo import Point
from isotope.kernel.ids import AddonId, RiderId, VehicleId
from isotope.kernel.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeVehicle:
    """A rider wants a vehicle, named by its id or its printed number."""

    operator: Operator
    rider_id: RiderId
    actor: Actor
    vehicle_id: VehicleId | None
    vehicle_nr: str | None
    rider_at: Point
    payment_method_id: str | None = None
    skip_wallet_check: bool = False
    skip_save_card_check: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was read under the locks of rider and vehicle.

    Attributes:
        rider: the rider's standing.
        opened: everything that the rider has open.
        own: of it, the reservation of this vehicle.
    """

    rider: RiderStatus
    vehicle: LockedVehicle
    opened: Sequence[OpenPlace]
    own: OpenPlace | None
    cards: Sequence[Card]


async def lock_taker(tx: Tx, command: TakeVehicle) -> RiderStatus:
    """The rider, whose row is locked.

    Raises:
        Refusal: `user_not_found`: the rider was erased since the call was let in.
    """
    status = await store.lock_rider(tx, command.operator.id, command.rider_id)
    if status is RiderStatus.DELETED:
        raise user_not_found()
    return status


def own_reservation(opened: Sequence[OpenPlace], vehicle: LockedVehicle) -> OpenPlace | None:
    """The rider's reservation of this vehicle."""
    return next((one for one in opened if one.kind == "reservation" and one.vehicle_id == vehicle.vehicle.id), None)


async def gather_facts(
    tx: Tx,
    cards: Cards,
    command: TakeVehicle,
    found: Found,
    now: datetime,
    *,
    addon_ids: Sequence[AddonId] = (),
    allowed_addon_ids: Sequence[AddonId] = (),
    addons_out_of_stock: Sequence[AddonId] = (),
) -> StartFacts:
    """Rider, money and vehicle as they are now. The caller holds the rider's and the vehicle's row."""
    operator, state, spec = command.operator, found.vehicle.state, found.vehicle.model.spec
    standing = await get_standing(tx, operator.id, command.rider_id, operator.currency)
    return StartFacts(
        settings=operator.settings.rides,
        now=now,
        blocked=found.rider is RiderStatus.BLOCKED,
        spendable=Money(standing.spendable_minor, operator.currency),
        balance=Money(standing.balance_minor, operator.currency),
        debt=Money(standing.debt_minor, operator.currency),
        opened=[one for one in found.opened if one is not found.own],
        vehicle_type=found.vehicle.model.vehicle_type,
        shared=spec.sharing,
        vehicle_status=found.vehicle.vehicle.status,
        reservation_id=None if found.own is None else found.own.id,
        minimum_battery_pct=minimum_battery_pct(spec, operator.settings.rides.minimum_battery_pct),
        vehicle_at=None if state is None else state.point,
        vehicle_battery_pct=0 if state is None else state.battery_pct,
        vehicle_seen_at=None if state is None else state.seen_at,
        rider_at=command.rider_at,
        addon_ids=addon_ids,
        allowed_addon_ids=allowed_addon_ids,
        addons_out_of_stock=addons_out_of_stock,
        payment_method_id=command.payment_method_id,
        chosen_method_id=await _chosen_method(tx, command, found),
        card_method_ids=[card.method_id for card in found.cards],
        card_required=cards.are_taken and operator.settings.payments.card_required,
        skip_wallet_check=command.skip_wallet_check,
        skip_save_card_check=command.skip_save_card_check,
    )


async def _chosen_method(tx: Tx, command: TakeVehicle, found: Found) -> str | None:
    """What pays if nothing is asked for: as the rides that run, as the reservation said, as the rider chose."""
    known = group_method(found.opened) or (None if found.own is None else found.own.payment_method_id)
    # Without cards to choose from nothing but the wallet can have been chosen.
    if known is not None or command.payment_method_id or not found.cards:
        return known
    return await find_choice(tx, command.operator.id, command.rider_id, Flow.SHARING)
