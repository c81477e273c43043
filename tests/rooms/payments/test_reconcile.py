"""The ledger beside the provider's records: every difference is found, and nothing else."""

from datetime import timedelta

from isotope.domain.payments import CardDifference, Purpose, Reconcile, Reconciled, reconcile, record_dispute
from isotope.domain.wallet import AccountKind, Entry, Posting, post
from isotope.kernel.actor import SYSTEM
from tests.kit.clock import START
from tests.kit.shop import CAUSE, LATE_S, Shop

HOUR = timedelta(hours=1)


async def differences(shop: Shop) -> tuple[list[CardDifference], Reconciled]:
    told: list[Reconciled] = []
    command = Reconcile(operator=shop.kit.operator, since=START - HOUR, until=shop.clock.now() + HOUR)
    found = [one async for one in reconcile(shop.rt, shop.cards, command, told.append)]
    return found, told[-1]


async def brief(shop: Shop) -> list[tuple[str, int | None, int | None]]:
    found, counted = await differences(shop)
    assert counted.differences == len(found)
    return [(one.kind.value, one.provider_minor, one.ledger_minor) for one in found]


async def paid(shop: Shop, amount_minor: int = 800) -> None:
    await shop.do(await shop.open(1_000))
    await shop.owes(amount_minor)
    await shop.do(*await shop.collect(amount_minor))


async def test_nothing_differs_after_a_full_life(shop: Shop) -> None:
    await paid(shop)
    payment = await shop.payment()
    await shop.do(await shop.refund(payment, 300))
    dispute = shop.sandbox.dispute(payment.provider_ref or "", 200)
    await record_dispute(shop.rt, shop.cards, shop.kit.operator, dispute)
    shop.sandbox.end_dispute(dispute, won=True)
    await record_dispute(shop.rt, shop.cards, shop.kit.operator, dispute)
    found, counted = await differences(shop)
    assert found == []
    assert (counted.movements, counted.calls) == (4, 2)
    assert counted.provider_minor == {"EUR": 500}
    assert counted.ledger_minor == {"EUR": 500}


async def test_money_that_moved_unheard_is_open_until_the_worker_looked(shop: Shop) -> None:
    call = await shop.open(500, reserve=False, purpose=Purpose.TOP_UP)
    shop.sandbox.add_fault("charge", "error_done")
    await shop.do(call)
    assert await brief(shop) == [("not_recorded", 500, 0), ("open", None, 0)]
    shop.clock.advance(seconds=LATE_S)
    await shop.look()
    assert await brief(shop) == []


async def test_money_of_which_nothing_is_known_here(shop: Shop) -> None:
    await paid(shop)
    async with shop.rt.db.write() as tx:
        await tx.execute("update card_call set key = key || '-gone' where operator_id = %s", [shop.kit.operator.id])
    assert await brief(shop) == [("missing_here", 800, None), ("missing_there", None, 800)]


async def test_an_amount_that_differs(shop: Shop) -> None:
    await paid(shop)
    async with shop.rt.db.write() as tx:
        await tx.execute(
            "update card_call set done_minor = 700 where operator_id = %s and kind = 'CAPTURE'", [shop.kit.operator.id]
        )
    assert await brief(shop) == [("amount", 800, 700), ("not_posted", 700, 800)]


async def test_a_dispute_that_nobody_wrote_down(shop: Shop) -> None:
    await paid(shop)
    shop.sandbox.dispute((await shop.payment()).provider_ref or "", 200)
    assert await brief(shop) == [("missing_here", -200, None)]


async def test_a_posting_without_a_call(shop: Shop) -> None:
    await paid(shop)
    async with shop.rt.db.write() as tx:
        await post(
            tx,
            Posting(
                operator_id=shop.kit.operator.id,
                currency="EUR",
                reason="test",
                actor=SYSTEM,
                cause="by_hand:1",
                now=shop.clock.now(),
                entries=(
                    Entry(kind=AccountKind.PROVIDER_CLEARING, amount_minor=-5),
                    Entry(kind=AccountKind.ADJUSTMENTS, amount_minor=5),
                ),
            ),
        )
    [found] = (await differences(shop))[0]
    assert (found.kind, found.ours, found.ledger_minor) == ("stray_posting", "by_hand:1", 5)


async def test_the_edge_of_a_period_makes_no_difference(shop: Shop) -> None:
    """Taken at the provider before midnight, heard of after it: on neither day anything is missing."""
    call = await shop.open(500, reserve=False, purpose=Purpose.TOP_UP)
    shop.sandbox.add_fault("charge", "error_done")
    await shop.do(call)
    midnight = shop.clock.now() + timedelta(seconds=10)
    shop.clock.advance(seconds=LATE_S)
    await shop.look()
    for since, until in ((START - HOUR, midnight), (midnight, midnight + HOUR)):
        command = Reconcile(operator=shop.kit.operator, since=since, until=until)
        assert [one async for one in reconcile(shop.rt, shop.cards, command)] == [], CAUSE
