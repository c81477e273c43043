"""The end of a ride inside a transaction: the bill, the money, the vehicle."""

from collections.abc import Sequence
from datetime import datetime

from isotope.domain.fleet import lock_vehicle, minimum_battery_pct, release_vehicle, status_after_release
from isotope.domain.payments import (
    CardCall,
    Cards,
    Collect,
    Purpose,
    after_spending,
    card_id_of,
    collect,
    plan_debt_collection,
)
from isotope.domain.pricing import bill
from isotope.domain.sharing import store
from isotope.domain.sharing.cards import find_paying_card
from isotope.domain.sharing.model import EventKind, Outcome, Ride, RideEvent
from isotope.domain.sharing.receipts import issue_receipt
from isotope.domain.sharing.rules import ride_usage
from isotope.domain.tenants.model import Operator
from isotope.domain.wallet import Charge, charge
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import rider_actor


async def close_ride(
    tx: Tx,
    rt: Runtime,
    cards: Cards,
    operator: Operator,
    ride: Ride,
    events: Sequence[RideEvent],
    *,
    ended_at: datetime,
    outcome: Outcome,
    now: datetime,
) -> list[CardCall]:
    """Compute the price from the recorded events, charge it, release the vehicle, in the caller's transaction.

    What the wallet does not cover is asked of the card that the ride was started with: the calls are to be carried
    out after the commit. Without such a card, or if it is gone by now, it is debt, and what is reserved is let go.

    The caller holds the ride's row; the vehicle's and the wallet's are locked here, in this order.
    `ended_at` is where the meter stops: never before the ride began.
    """
    actor = rider_actor(ride.rider_id)
    stopped_at = max(ended_at, ride.started_at or ended_at)
    found = await lock_vehicle(tx, ride.operator_id, vehicle_id=ride.vehicle_id)
    state = found.state
    distance_m = 0 if state is None else max(0, state.odometer_m - ride.start_odometer_m)
    price = bill(ride.terms.agreed, ride_usage(events, stopped_at, distance_m))
    card = await find_paying_card(tx, cards, ride)
    charged = await charge(
        tx,
        Charge(
            operator_id=ride.operator_id,
            rider_id=ride.rider_id,
            currency=ride.currency,
            total_minor=price.total_minor,
            tax_minor=price.tax_minor,
            reason="ride",
            actor=actor,
            cause=ride.holder,
            now=now,
            on_card=card is not None,
        ),
    )
    calls: list[CardCall] = []
    # A ride that the wallet pays has nothing reserved.
    if card_id_of(ride.terms.payment_method_id) is not None:
        calls = await collect(
            tx,
            Collect(
                operator_id=ride.operator_id,
                purpose=Purpose.RIDE,
                cause=ride.holder,
                card=card,
                currency=ride.currency,
                due_minor=charged.card_minor,
                actor=actor,
                now=now,
            ),
        )
    if charged.debt_minor:
        await plan_debt_collection(tx, operator, ride.rider_id, ride.currency, now)
    await after_spending(tx, rt, operator, ride.rider_id, ride.currency, ride.holder, skip=ride.terms.skip_auto_topup)
    position = ride.end or (ride.start if state is None else state.point)
    ended = await store.set_ended(
        tx,
        ride,
        store.Ending(
            at=stopped_at, outcome=outcome, position=position, distance_m=distance_m, bill=price, charged=charged
        ),
    )
    await store.add_event(tx, (ride.operator_id, ride.id), EventKind.ENDED, stopped_at, actor, {"outcome": outcome})
    await issue_receipt(tx, operator, ended, now)
    to_status = status_after_release(
        None if state is None else state.battery_pct,
        minimum_battery_pct(found.model.spec, operator.settings.rides.minimum_battery_pct),
        needs_check=outcome is Outcome.UNCONFIRMED_LOCK,
    )
    await release_vehicle(
        tx,
        found.vehicle,
        holder=ride.holder,
        to_status=to_status,
        actor=actor,
        cause=f"{ride.holder}:{outcome}",
        now=now,
    )
    return calls
