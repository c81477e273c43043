"""Who brought a new rider is told when that rider has paid a ride."""

from datetime import datetime

from isotope.domain.benefits import ride_paid
from isotope.domain.sharing.model import Ride
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime


async def tell_if_paid(tx: Tx, rt: Runtime, operator: Operator, ride: Ride, now: datetime) -> None:
    """The ride is over, or its card has answered: if nothing is awaited or owed, it was paid.

    The wallet may be locked already: nobody who waits for that holds the row that this locks.
    """
    if ride.is_settled and not ride.debt_minor:
        await ride_paid(tx, rt, operator, ride.rider_id, ride.id, ride.total_minor or 0, now)
