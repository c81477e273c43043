"""Staff cancel a trip that was not started, or end one whose driver does not."""

from dataclasses import dataclass

from isotope.domain.payments import Cards
from isotope.domain.taxi import staff_rules
from isotope.domain.taxi.model import Trip
from isotope.domain.taxi.usecases.cancel_trip import CancelTrip, cancel_trip
from isotope.domain.taxi.usecases.end_trip import EndTrip, end_trip
from isotope.domain.taxi.usecases.locking import must
from isotope.domain.tenants.model import Operator, Role
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import Actor
from isotope.kernel.ids import TripId


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffCloseTrip:
    """`as_quoted`: of a trip that is ended: what was agreed, however long nobody ended it; else what was driven."""

    operator: Operator
    role: Role
    trip_id: TripId
    reason: str
    actor: Actor
    as_quoted: bool = True


async def staff_cancel_trip(rt: Runtime, cards: Cards, command: StaffCloseTrip) -> Trip:
    """CANCELED, for nothing; what a card reserved is let go. Cancelled twice it is cancelled once.

    Raises:
        Refusal: `role_not_allowed`, `trip_not_found`, `trip_status`.
    """
    must(staff_rules.may_treat(command.role))
    return await cancel_trip(
        rt,
        cards,
        CancelTrip(operator=command.operator, trip_id=command.trip_id, actor=command.actor, reason=command.reason),
    )


async def staff_end_trip(rt: Runtime, cards: Cards, command: StaffCloseTrip) -> Trip:
    """ENDED, with its bill. Ended twice it is ended once.

    Raises:
        Refusal: `role_not_allowed`, `trip_not_found`, `trip_status`.
    """
    must(staff_rules.may_treat(command.role))
    return await end_trip(
        rt,
        cards,
        EndTrip(
            operator=command.operator,
            trip_id=command.trip_id,
            actor=command.actor,
            reason=command.reason,
            as_quoted=command.as_quoted,
        ),
    )
