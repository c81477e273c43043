"""What is read of a rider's money while rides run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from isotope.domain.payments import WALLET, Cards, TopUpLook, look_at_top_up
from isotope.domain.pricing import AtEnd
from isotope.domain.sharing import queries
from isotope.domain.sharing.funds import Limits, Meter, cost_minor, seconds_to_change
from isotope.domain.sharing.model import Ride, RideEvent, RideStatus
from isotope.domain.sharing.rules import is_paused, ride_usage
from isotope.domain.sharing.running import at_end_now, distances_now
from isotope.domain.tenants.model import Operator
from isotope.domain.wallet import Standing, get_standing
from isotope.infra.db import Tx
from isotope.kernel.ids import RideId, RiderId


@dataclass(frozen=True, slots=True)
class RunningMoney:
    """What a rider has, and what all their running rides cost together."""

    standing: Standing
    meters: Sequence[Meter]
    rides: Sequence[Ride]
    events: Mapping[RideId, Sequence[RideEvent]]

    @property
    def cost_minor(self) -> int:
        return cost_minor(self.meters)

    @property
    def has_minor(self) -> int:
        return self.standing.spendable_minor

    @property
    def left_minor(self) -> int:
        return self.has_minor - self.cost_minor


async def read_running_money(
    tx: Tx, operator: Operator, rider_id: RiderId, currency: str, now: datetime
) -> RunningMoney:
    """A rider has few rides at once."""
    rides = await queries.list_running_rides(tx, operator.id, rider_id)
    events = await queries.list_events_of(tx, operator.id, [ride.id for ride in rides])
    standing = await get_standing(tx, operator.id, rider_id, currency)
    at_ends = await at_end_now(tx, operator, rides)
    distances = await distances_now(tx, operator, rides)
    meters = [_meter(ride, events[ride.id], at_ends[ride.id], distances.get(ride.id, 0), now) for ride in rides]
    return RunningMoney(standing, meters, rides, events)


async def read_top_up(tx: Tx, cards: Cards, ride: Ride, money: RunningMoney) -> TopUpLook:
    """Whether an automatic top-up would be made because of this ride."""
    return await look_at_top_up(
        tx,
        cards,
        ride.operator_id,
        ride.rider_id,
        ride.currency,
        spending_minor=money.cost_minor,
        skip=ride.terms.skip_auto_topup,
    )


def limit_of(operator: Operator, ride: Ride) -> int | None:
    """The money left at which this ride is stopped; None: it is not."""
    if ride.terms.skip_auto_stop or ride.terms.payment_method_id != WALLET:
        return None
    return operator.settings.payments.auto_stop_minor


def wants_top_up(look: TopUpLook) -> bool:
    """Whether the rider wants them for this ride and no card has refused."""
    return look.why_not not in ("off", "suspended", "skipped")


def change_s(operator: Operator, ride: Ride, money: RunningMoney, look: TopUpLook) -> int:
    """Seconds until something about the money changes."""
    limits = Limits(
        limit_minor=limit_of(operator, ride),
        warn_minor=operator.settings.payments.auto_stop_warn_minor,
        top_up_below_minor=look.threshold_minor if wants_top_up(look) else None,
    )
    return seconds_to_change(
        money.meters,
        limits,
        balance_minor=money.standing.balance_minor,
        bonus_minor=money.standing.bonus_minor,
    )


def _meter(ride: Ride, events: Sequence[RideEvent], at_end: AtEnd, distance_m: int, now: datetime) -> Meter:
    is_ending = ride.status is RideStatus.ENDING and ride.ending_at is not None
    until = ride.ending_at if is_ending and ride.ending_at is not None else now
    runs: Literal["RIDE", "PAUSE"] | None = None
    if not is_ending:
        runs = "PAUSE" if is_paused(events) else "RIDE"
    return Meter(
        agreed=ride.terms.agreed,
        usage=ride_usage(events, until, distance_m),
        runs=runs,
        at_end=at_end,
    )
