"""Promo and referral codes for tests."""

from isotope.domain import sharing
from isotope.domain.benefits import PromoDraft, PromoKind, PromoSpec, RedeemCode, Redeemed, redeem_code, upsert_promo
from isotope.domain.payments import NO_CARDS, Cards
from isotope.domain.tenants import Operator
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM, rider_actor
from isotope.kernel.errors import Refusal
from isotope.kernel.ids import RiderId

BONUS = PromoSpec(kind=PromoKind.BONUS, amount_minor=500)
DISCOUNT = PromoSpec(kind=PromoKind.RIDE_DISCOUNT, pct=20, rides=2)


async def put_code(rt: Runtime, operator: Operator, code: str, spec: PromoSpec = BONUS) -> None:
    """As the operator's folder would."""
    async with rt.db.write() as tx:
        draft = PromoDraft(code=code, title=code.title(), spec=spec)
        await upsert_promo(tx, operator.id, draft, SYSTEM, rt.clock.now())


async def redeem(
    rt: Runtime,
    operator: Operator,
    rider_id: RiderId,
    code: str,
    *,
    address: str | None = None,
    cards: Cards = NO_CARDS,
    skip_save_card_check: bool = False,
) -> Redeemed:
    """As the rider."""
    command = RedeemCode(
        operator=operator,
        rider_id=rider_id,
        actor=rider_actor(rider_id),
        code=code,
        address=address,
        skip_save_card_check=skip_save_card_check,
    )
    return await redeem_code(rt, cards, sharing.has_ridden, command)


async def refused(
    rt: Runtime, operator: Operator, rider_id: RiderId, code: str, *, address: str | None = None
) -> Refusal | None:
    """What the rider is told; None: the code gave something."""
    try:
        await redeem(rt, operator, rider_id, code, address=address)
    except Refusal as refusal:
        return refusal
    return None
