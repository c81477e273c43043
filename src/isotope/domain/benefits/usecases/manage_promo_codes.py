"""Staff make, stop and look at promo codes."""

from dataclasses import dataclass

from isotope.domain.benefits import codes, errors, rules
from isotope.domain.benefits.model import PromoCode, PromoCodeId, PromoDraft
from isotope.domain.tenants.model import Operator, Role
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class Manager:
    """Which member of staff, in which role."""

    operator: Operator
    role: Role
    actor: Actor


async def make_promo_code(rt: Runtime, by: Manager, draft: PromoDraft) -> PromoCode:
    """A code that `isotope apply` leaves alone.

    Raises:
        Refusal: `role_not_allowed`, `promo_code_taken`: codes are never used twice, a stopped one neither.
    """
    if no := rules.may_manage_codes(by.role):
        raise no
    async with rt.db.write() as tx:
        return await codes.insert_promo(tx, by.operator.id, draft, by.actor, rt.clock.now())


async def stop_promo_code(rt: Runtime, by: Manager, code: str) -> PromoCode:
    """Nobody redeems it any more; what riders have redeemed they keep. Twice changes nothing.

    Raises:
        Refusal: `role_not_allowed`, `promo_code_not_found`.
    """
    if no := rules.may_manage_codes(by.role):
        raise no
    normal = rules.normal_code(code)
    if normal is None:
        raise errors.promo_code_not_found()
    async with rt.db.write() as tx:
        await codes.retire_promos(tx, by.operator.id, [normal], by.actor, rt.clock.now())
        found = await codes.find_promo(tx, by.operator.id, normal)
    if found is None:
        raise errors.promo_code_not_found()
    return found


async def list_promo_codes(rt: Runtime, by: Manager, before_id: PromoCodeId | None, limit: int) -> list[PromoCode]:
    """Newest first, stopped ones too.

    Raises:
        Refusal: `role_not_allowed`.
    """
    if no := rules.may_manage_codes(by.role):
        raise no
    async with rt.db.glance() as tx:
        return await codes.list_promos(tx, by.operator.id, before_id=before_id, limit=limit)
