"""A ride that never began, inside a transaction: free of charge, and all that it took is let go."""

from datetime import datetime

from isotope.domain.benefits import give_back
from isotope.domain.fleet import VehicleStatus, lock_vehicle, release_vehicle
from isotope.domain.payments import CardCall
from isotope.domain.sharing import store
from isotope.domain.sharing.cards import release_reserved
from isotope.domain.sharing.model import EventKind, Outcome, Ride
from isotope.infra.db import Tx
from isotope.kernel.actor import SYSTEM


async def fail_ride(
    tx: Tx, ride: Ride, outcome: Outcome, *, code: str | None, to_status: VehicleStatus, at: datetime
) -> list[CardCall]:
    """The calls that let go what is reserved on a card, to be carried out after the commit. The caller holds the ride's row."""
    await store.set_failed(tx, ride, outcome, at)
    await store.add_event(tx, (ride.operator_id, ride.id), EventKind.FAILED, at, SYSTEM, {"reason": code})
    found = await lock_vehicle(tx, ride.operator_id, vehicle_id=ride.vehicle_id)
    await release_vehicle(
        tx,
        found.vehicle,
        holder=ride.holder,
        to_status=to_status,
        actor=SYSTEM,
        cause=f"{ride.holder}:{outcome}",
        now=at,
    )
    if ride.terms.discounts:
        await give_back(tx, ride.operator_id, ride.id)
    return await release_reserved(tx, ride, at)
