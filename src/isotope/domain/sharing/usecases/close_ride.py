"""The end of a ride inside a transaction: the bill, the money, the vehicle."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from isotope.domain.benefits import PROMO_LINE, give_back
from isotope.domain.fleet import (
    LockedVehicle,
    lock_vehicle,
    minimum_battery_pct,
    release_vehicle,
    status_after_release,
)
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
from isotope.domain.pricing import AtEnd, Bill, Correction, Quota, Usage, bill
from isotope.domain.sharing import day_spends, store
from isotope.domain.sharing.cards import find_paying_card
from isotope.domain.sharing.day_spends import DayKey
from isotope.domain.sharing.fairness import Metered, correction_of, has_moved, recheck_for
from isotope.domain.sharing.first_rides import tell_if_paid
from isotope.domain.sharing.model import NO_PLAN, EndPlan, EventKind, Outcome, Ride, RideEvent
from isotope.domain.sharing.receipts import issue_receipt
from isotope.domain.sharing.rules import LOCK_NOT_CONFIRMED
from isotope.domain.sharing.usecases.give_zone_bonus import give_zone_bonus
from isotope.domain.sharing.usecases.recheck_ride import defer_recheck
from isotope.domain.subscriptions import lock_quota_left, use_quota
from isotope.domain.tenants.model import Operator
from isotope.domain.wallet import Charge, charge
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import Actor, rider_actor
from isotope.kernel.geo import Point, distance_m


@dataclass(frozen=True, slots=True)
class _Priced:
    """What a ride was, and what it costs."""

    stopped_at: datetime
    used: Usage
    position: Point
    went_m: float
    day: DayKey | None
    at_end: AtEnd
    bill: Bill


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
    plan: EndPlan = NO_PLAN,
    correction: Correction | None = None,
    found: LockedVehicle | None = None,
    by: Actor | None = None,
    reason: str | None = None,
) -> list[CardCall]:
    """Compute the price from the recorded events, charge it, release the vehicle, in the caller's transaction.

    What the wallet does not cover is asked of the card that the ride was started with: the calls are to be carried
    out after the commit. Without such a card, or if it is gone by now, it is debt, and what is reserved is let go.

    The caller holds the ride's row; the vehicle's (unless the caller has it locked: `found`), the day's and the
    wallet's are locked here, in this order. `ended_at` is where the meter stops: never before the ride began. `plan`:
    on what terms it ends there. `correction` stands instead of what `fairness` would find. `by`: who ends it, and why,
    where that is not its rider.
    """
    actor = rider_actor(ride.rider_id)
    if found is None:
        found = await lock_vehicle(tx, ride.operator_id, vehicle_id=ride.vehicle_id)
    priced = await _price(tx, operator, ride, events, found, ended_at, plan, correction)
    price = priced.bill
    is_free = priced.at_end.correction is not None and priced.at_end.correction.counted is None
    if ride.terms.discounts and (is_free or not any(line.code == PROMO_LINE for line in price.lines)):
        # A discount that took nothing off was not used up.
        await give_back(tx, ride.operator_id, ride.id)
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
    earned_minor = 0
    if plan.bonus is not None and has_moved(priced.went_m, operator.settings.rides):
        # After the charge: the ride itself is not paid with what it earns.
        earned_minor = await give_zone_bonus(tx, operator, ride, plan.bonus, price.ride_minor, now)
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
    ended = await store.set_ended(
        tx,
        ride,
        store.Ending(
            at=priced.stopped_at,
            outcome=outcome,
            position=priced.position,
            distance_m=priced.used.distance_m,
            bill=price,
            at_end=priced.at_end,
            charged=charged,
            review=plan.review + ((LOCK_NOT_CONFIRMED,) if outcome is Outcome.UNCONFIRMED_LOCK else ()),
            earned_bonus_minor=earned_minor,
        ),
    )
    key = (ride.operator_id, ride.id)
    why = {} if reason is None else {"reason": reason}
    await store.add_event(tx, key, EventKind.ENDED, priced.stopped_at, by or actor, {"outcome": outcome, **why})
    await issue_receipt(tx, operator, ended, now, found.vehicle.nr)
    await tell_if_paid(tx, rt, operator, ended, now)
    await _let_go(tx, operator, ride, found, outcome, by or actor, now)
    again = recheck_for(priced.used, went_m=priced.went_m, agreed=ride.terms.agreed, settings=operator.settings.rides)
    if again is not None and not is_free:
        await defer_recheck(
            tx, rt, operator.id, ride.id, now + timedelta(seconds=operator.settings.rides.late_reports_s)
        )
    return calls


async def _price(
    tx: Tx,
    operator: Operator,
    ride: Ride,
    events: Sequence[RideEvent],
    found: LockedVehicle,
    ended_at: datetime,
    plan: EndPlan,
    correction: Correction | None,
) -> _Priced:
    state = found.state
    metered = Metered(
        events=events,
        until=max(ended_at, ride.started_at or ended_at),
        start_odometer_m=ride.start_odometer_m,
        odometer_m=ride.start_odometer_m if state is None else state.odometer_m,
    )
    used = metered.usage
    position = ride.end or (ride.start if state is None else state.point)
    went_m = max(
        float(used.distance_m),
        distance_m(ride.start, position),
        0.0 if state is None else distance_m(ride.start, state.point),
    )
    day = day_spends.key_of(operator, ride)
    # What a ride may use is decided by when it was agreed.
    agreed_at = ride.requested_at
    subscription = ride.terms.subscription
    quota_left = Quota()
    if subscription is not None:
        quota_left = await lock_quota_left(tx, operator.id, subscription.id, agreed_at, ride.id)
    at_end = AtEnd(
        zone_charges=plan.zone_charges,
        quota_left=quota_left,
        spent_today_minor=0 if day is None else await day_spends.lock_spent(tx, day),
        correction=correction or correction_of(metered, operator.settings.rides),
    )
    price = bill(ride.terms.agreed, used, at_end)
    if subscription is not None:
        await use_quota(tx, operator.id, subscription.id, ride.id, price.quota_used, agreed_at)
    if day is not None and price.ride_minor:
        await day_spends.add_spent(tx, day, price.ride_minor)
    return _Priced(metered.until, used, position, went_m, day, at_end, price)


async def _let_go(
    tx: Tx, operator: Operator, ride: Ride, found: LockedVehicle, outcome: Outcome, by: Actor, now: datetime
) -> None:
    is_locked = found.state is not None and found.state.locked is True
    to_status = status_after_release(
        None if found.state is None else found.state.battery_pct,
        minimum_battery_pct(found.model.spec, operator.settings.rides.minimum_battery_pct),
        needs_check=outcome is Outcome.UNCONFIRMED_LOCK or (outcome is Outcome.FORCED and not is_locked),
    )
    await release_vehicle(
        tx,
        found.vehicle,
        holder=ride.holder,
        to_status=to_status,
        actor=by,
        cause=f"{ride.holder}:{outcome}",
        now=now,
    )
