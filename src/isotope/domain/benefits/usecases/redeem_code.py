"""A rider redeems a promo code, or the referral code of somebody else."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from isotope.domain.benefits import codes, errors, rules, store
from isotope.domain.benefits.model import PromoCode, PromoKind, Redeemed, Referrer, RideDiscount
from isotope.domain.benefits.ports import HasRidden
from isotope.domain.benefits.rewards import PROMO, REFERRAL, give_bonus
from isotope.domain.identity import RiderStatus, counted_address
from isotope.domain.payments import Cards, card_needed, list_cards
from isotope.domain.tenants.model import Operator
from isotope.domain.wallet import bonus_expiry
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import Actor
from isotope.kernel.errors import Refusal
from isotope.kernel.ids import RiderId


@dataclass(frozen=True, slots=True, kw_only=True)
class RedeemCode:
    """What a rider typed in. `address` None: wrong codes are counted for the rider alone."""

    operator: Operator
    rider_id: RiderId
    actor: Actor
    code: str
    address: str | None
    skip_save_card_check: bool = False


async def redeem_code(rt: Runtime, cards: Cards, has_ridden: HasRidden, command: RedeemCode) -> Redeemed:
    """What the code gave, at once and once.

    Raises:
        Refusal: `code_not_valid` for every code that gives nothing, by the table of `rules.may_redeem`;
            `too_many_code_tries`; `rider_blocked`; `card_needed` where the operator requires a saved card;
            `user_not_found`, `wallet_limit_reached`.
    """
    now = rt.clock.now()
    async with rt.db.write() as tx:
        outcome = await _redeem(tx, cards, has_ridden, command, now)
    # A wrong try stays counted, so it is committed before it is refused.
    if isinstance(outcome, Refusal):
        raise outcome
    return outcome


async def _redeem(
    tx: Tx, cards: Cards, has_ridden: HasRidden, command: RedeemCode, now: datetime
) -> Redeemed | Refusal:
    operator, rider_id, address = command.operator, command.rider_id, counted_address(command.address)
    if address is not None:
        await codes.lock_address(tx, operator.id, address)
    if await store.lock_rider(tx, operator.id, rider_id) is RiderStatus.BLOCKED:
        raise errors.rider_blocked()
    if not command.skip_save_card_check and not await _has_card(tx, cards, operator, rider_id):
        raise card_needed()
    tries = await codes.get_try_facts(tx, operator.id, rider_id, address, operator.settings.codes)
    if no := rules.may_try_code(tries, operator.settings.codes, now):
        raise no
    facts = await codes.get_code_facts(
        tx,
        operator.id,
        rider_id,
        rules.normal_code(command.code),
        has_ridden=await has_ridden(tx, operator.id, rider_id),
    )
    no = rules.may_redeem(facts, operator.settings.referrals, now)
    if no is None:
        # Between the look and the taking others may have taken what was left: then it gives nothing, as any other.
        if facts.promo is not None:
            redeemed = await _take_promo(tx, command, facts.promo, now)
        else:
            redeemed = await _take_referral(tx, command, facts.referrer, now)
        if redeemed is not None:
            return redeemed
    await codes.insert_try(tx, operator.id, rider_id, address, now)
    return no or errors.code_not_valid()


async def _has_card(tx: Tx, cards: Cards, operator: Operator, rider_id: RiderId) -> bool:
    """Also where none is asked for."""
    if cards.provider is None or not operator.settings.payments.card_required:
        return True
    saved = await list_cards(tx, operator.id, rider_id)
    return any(card.provider == cards.provider.name for card in saved)


async def _take_promo(tx: Tx, command: RedeemCode, promo: PromoCode, now: datetime) -> Redeemed | None:
    spec, operator = promo.spec, command.operator
    ends_at = None if spec.days is None else now + timedelta(days=spec.days)
    redemption_id = await codes.take_promo(tx, promo, command.rider_id, now, ends_at)
    if redemption_id is None:
        return None
    if spec.kind is PromoKind.RIDE_DISCOUNT:
        discount = RideDiscount(
            id=redemption_id, title=promo.title, pct=spec.pct, rides_left=spec.rides, expires_at=ends_at
        )
        return Redeemed(title=promo.title, discount=discount)
    await give_bonus(
        tx,
        operator,
        command.rider_id,
        spec.amount_minor,
        what=PROMO,
        nr=redemption_id,
        actor=command.actor,
        now=now,
        expires_at=ends_at or bonus_expiry(operator.settings.payments, now),
    )
    return Redeemed(title=promo.title, bonus_minor=spec.amount_minor)


async def _take_referral(tx: Tx, command: RedeemCode, referrer: Referrer | None, now: datetime) -> Redeemed | None:
    operator, settings = command.operator, command.operator.settings.referrals
    taken = referrer is not None and await codes.take_referral(
        tx,
        operator.id,
        command.rider_id,
        referrer.rider_id,
        most=settings.most_per_rider,
        referrer_minor=settings.referrer_minor,
        now=now,
    )
    if not taken:
        return None
    if settings.referee_minor:
        await give_bonus(
            tx,
            operator,
            command.rider_id,
            settings.referee_minor,
            what=REFERRAL,
            nr=command.rider_id,
            actor=command.actor,
            now=now,
            expires_at=bonus_expiry(operator.settings.payments, now),
        )
    return Redeemed(title="", is_referral=True, bonus_minor=settings.referee_minor)
