"""A rider for a test, made without the code flow."""

import itertools
from dataclasses import dataclass
from datetime import timedelta

from isotope.domain.identity import get_rider, hash_token, store
from isotope.domain.identity.model import Phone, Rider
from isotope.domain.tenants.model import Operator
from isotope.infra.runtime import Runtime
from isotope.infra.tokens import new_token
from isotope.kernel.ids import RiderId

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class RiderKit:
    """A rider and a token that works."""

    rider: Rider
    token: str

    @property
    def id(self) -> RiderId:
        return self.rider.id


def new_phone() -> Phone:
    """A valid Finnish mobile number that no other test of this process was given."""
    return Phone(prefix="358", number=f"401{next(_numbers):06d}")


async def make_rider(
    rt: Runtime,
    operator: Operator,
    *,
    phone: Phone | None = None,
    name: str = "Rita Rider",
    email: str = "rita@example.test",
    verified: bool = True,
) -> RiderKit:
    """A rider with a live token."""
    now = rt.clock.now()
    token = new_token()
    async with rt.db.write() as tx:
        rider_id = await store.insert_rider(
            tx,
            operator_id=operator.id,
            name=name,
            email=email,
            phone=phone or new_phone(),
            language=operator.languages[0],
            device_os="WEB",
            agree_marketing=False,
            phone_verified_at=now if verified else None,
            now=now,
        )
        assert rider_id is not None, "the number has a rider already"
        days = operator.settings.rider_token_days
        await store.insert_token(tx, operator.id, rider_id, hash_token(token), now, now + timedelta(days=days))
        rider = await get_rider(tx, operator.id, rider_id)
    return RiderKit(rider=rider, token=token)
