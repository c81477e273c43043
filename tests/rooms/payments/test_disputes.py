"""Payments that a bank takes back."""

from typing import Any, cast

import msgspec

from isotope.adapters.cards.sandbox_events import HEADER
from isotope.card_sandbox.webhooks import sign
from isotope.domain.payments import (
    CardProvider,
    Cards,
    Purpose,
    follow_disputes,
    list_cards,
    record_dispute,
    take_card_event,
)
from isotope.domain.payments.model import DisputeFound, DisputeStatus, Merchant
from isotope.domain.wallet import AccountKind, trial_balance
from tests.kit.cards import WEBHOOK_SECRET
from tests.kit.shop import LATE_S, Shop


async def sums(shop: Shop) -> tuple[int, int]:
    """What the provider has of ours, and what banks took back."""
    async with shop.rt.db.read() as tx:
        found = await trial_balance(tx, shop.kit.operator.id)
    return -found[AccountKind.PROVIDER_CLEARING], -found[AccountKind.CHARGEBACKS]


async def tell(shop: Shop, event: dict[str, Any]) -> None:
    """A webhook of the provider."""
    body = msgspec.json.encode(event)
    headers = {HEADER: sign(WEBHOOK_SECRET, shop.clock.now(), body)}
    assert await take_card_event(shop.rt, shop.cards, headers, body)


async def taken(shop: Shop) -> str:
    """A ride paid by card, and the provider's reference of the payment."""
    await shop.owes(800)
    await shop.do(*await shop.collect(800))
    ref = (await shop.payment()).provider_ref
    assert ref is not None
    return ref


async def test_a_dispute_takes_the_money_and_its_end_may_bring_it_back(shop: Shop) -> None:
    dispute = shop.sandbox.dispute(await taken(shop))
    for _again in range(2):
        await record_dispute(shop.rt, shop.cards, shop.kit.operator, dispute)
        assert await sums(shop) == (0, 800)
    async with shop.rt.db.read() as tx:
        assert await list_cards(tx, shop.kit.operator.id, shop.rider.id) == [], "the card is used no more"
    assert (await shop.standing()).debt_minor == 0
    shop.sandbox.end_dispute(dispute, won=True)
    for _again in range(2):
        await record_dispute(shop.rt, shop.cards, shop.kit.operator, dispute)
        assert await sums(shop) == (800, 0)
    await shop.agree()


async def test_a_lost_dispute_stays_lost(shop: Shop) -> None:
    dispute = shop.sandbox.dispute(await taken(shop), 300)
    await record_dispute(shop.rt, shop.cards, shop.kit.operator, dispute)
    shop.sandbox.end_dispute(dispute, won=False)
    await record_dispute(shop.rt, shop.cards, shop.kit.operator, dispute)
    assert await sums(shop) == (500, 300)
    await shop.agree()


async def test_an_appeal_may_win_what_was_lost(shop: Shop) -> None:
    dispute = shop.sandbox.dispute(await taken(shop))
    shop.sandbox.end_dispute(dispute, won=False)
    await record_dispute(shop.rt, shop.cards, shop.kit.operator, dispute)
    assert await sums(shop) == (0, 800)
    provider = cast("CardProvider", WonAfterAll(shop.cards.get_provider()))
    for _again in range(2):
        await record_dispute(shop.rt, Cards(provider=provider), shop.kit.operator, dispute)
        assert await sums(shop) == (800, 0)


class WonAfterAll:
    """The provider, of whose disputes every one was won."""

    def __init__(self, provider: CardProvider) -> None:
        self._provider = provider

    def __getattr__(self, name: str) -> Any:
        return getattr(self._provider, name)

    async def find_dispute(self, merchant: Merchant, dispute_ref: str) -> DisputeFound | None:
        found = await self._provider.find_dispute(merchant, dispute_ref)
        return None if found is None else msgspec.structs.replace(found, status=DisputeStatus.WON)


async def test_a_dispute_that_is_first_heard_of_when_it_is_won(shop: Shop) -> None:
    dispute = shop.sandbox.dispute(await taken(shop))
    shop.sandbox.end_dispute(dispute, won=True)
    await record_dispute(shop.rt, shop.cards, shop.kit.operator, dispute)
    assert await sums(shop) == (800, 0)
    async with shop.rt.db.read() as tx:
        reasons = await tx.tuples(
            "select reason from ledger_transaction where operator_id = %s and cause like 'dispute:%%' order by id",
            [shop.kit.operator.id],
        )
    assert reasons == [("disputed",), ("dispute_won",)]


async def test_open_disputes_are_followed_without_any_webhook(shop: Shop) -> None:
    dispute = shop.sandbox.dispute(await taken(shop))
    await record_dispute(shop.rt, shop.cards, shop.kit.operator, dispute)
    shop.sandbox.end_dispute(dispute, won=True)
    # Those of all operators are, so only what is this one's can be counted.
    assert await follow_disputes(shop.rt, shop.cards, shop.operators) >= 1
    assert await sums(shop) == (800, 0)
    async with shop.rt.db.read() as tx:
        left = await tx.tuples("select status from card_dispute where operator_id = %s", [shop.kit.operator.id])
    assert left == [("WON",)]


async def test_a_webhook_of_a_payment_that_is_not_written_down_yet_is_looked_at_again(shop: Shop) -> None:
    call = await shop.open(500, reserve=False, purpose=Purpose.TOP_UP)
    shop.sandbox.add_fault("charge", "error_done")
    await shop.do(call)
    [seen] = shop.sandbox.payments(shop.kit.operator.id)
    dispute = shop.sandbox.dispute(seen.ref)
    await tell(shop, {"id": f"e-{seen.ref}", "type": "dispute.opened", "data": {"ref": dispute, "payment": seen.ref}})
    await follow_disputes(shop.rt, shop.cards, shop.operators)
    assert await matched_for(shop) == 0, "nobody knows whose it is"
    shop.clock.advance(seconds=LATE_S)
    await shop.look()
    for _again in range(2):
        await follow_disputes(shop.rt, shop.cards, shop.operators)
        assert await matched_for(shop) == 1
        assert await sums(shop) == (0, 500)


async def matched_for(shop: Shop) -> int:
    """Webhooks that were found to be about the operator."""
    async with shop.rt.db.read() as tx:
        found: int = await tx.scalar(
            "select count(*) from card_event where operator_id = %s and done_at is not null", [shop.kit.operator.id]
        )
    return found


async def test_what_is_no_dispute_of_ours_changes_nothing(shop: Shop) -> None:
    await taken(shop)
    await record_dispute(shop.rt, shop.cards, shop.kit.operator, "dispute_of_somebody_else")
    assert await sums(shop) == (800, 0)
