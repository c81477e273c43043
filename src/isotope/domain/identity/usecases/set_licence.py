"""The operator says what is known of a rider's right to drive."""

from dataclasses import dataclass

from isotope.domain.identity import errors, store
from isotope.domain.identity.model import Licence
from isotope.domain.tenants.model import Operator
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import Actor
from isotope.kernel.ids import RiderId


@dataclass(frozen=True, slots=True, kw_only=True)
class SetLicence:
    """`licence` is all that is known; an empty one: nothing is."""

    operator: Operator
    rider_id: RiderId
    licence: Licence
    actor: Actor


async def set_licence(rt: Runtime, command: SetLicence) -> Licence:
    """As it is known from now on; what was known before is forgotten. Bookings that were made stand.

    Raises:
        Refusal: `user_not_found`; a birthday that is still to come is a fault.
    """
    operator, now, licence = command.operator, rt.clock.now(), command.licence
    if licence.born_on is not None and licence.born_on > now.date():
        raise errors.born_later()
    async with rt.db.write() as tx:
        rider = await store.lock_rider(tx, operator.id, command.rider_id)
        await store.forget_licence(tx, rider)
        if licence != Licence():
            await store.insert_licence(tx, rider, licence, command.actor, now)
    return licence
