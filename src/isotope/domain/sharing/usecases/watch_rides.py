"""A rider's rides cost otherwise from now on: look at the money when it will matter."""

from datetime import datetime, timedelta

from isotope.domain.payments import Cards, wants_auto_topup
from isotope.domain.sharing import watches
from isotope.domain.sharing.funds import last_told
from isotope.domain.sharing.money import change_s, limit_of, read_running_money, read_top_up, wants_top_up
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import RiderId


async def watch_rides(tx: Tx, rt: Runtime, cards: Cards, operator: Operator, rider_id: RiderId, now: datetime) -> None:
    """In the transaction that starts, pauses or goes on with a ride: the jobs come with it, or not at all.

    All rides of the rider that run are looked at anew, because they spend from one wallet. Rides that are neither
    stopped nor topped up for have no job.
    """
    stops = operator.settings.payments.auto_stop_minor is not None
    if not stops and not await wants_auto_topup(tx, operator.id, rider_id, operator.currency):
        return
    money = await read_running_money(tx, operator, rider_id, operator.currency, now)
    for ride in money.rides:
        look = await read_top_up(tx, cards, ride, money)
        if limit_of(operator, ride) is None and not wants_top_up(look):
            continue
        limit = limit_of(operator, ride)
        is_low = limit is not None and money.left_minor <= limit + operator.settings.payments.auto_stop_warn_minor
        # What is reached already is looked at now.
        is_due = is_low or look.why_not is None or last_told(money.events[ride.id]) is not None
        wait_s = 0 if is_due else change_s(operator, ride, money, look)
        await watches.look_at(tx, rt, operator.id, ride.id, now + timedelta(seconds=wait_s))
