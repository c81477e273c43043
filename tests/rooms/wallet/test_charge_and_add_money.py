"""Money as riders see it, on the real ledger."""

import pytest

from isotope.domain.wallet import (
    MAX_AMOUNT_MINOR,
    MAX_BALANCE_MINOR,
    AccountKind,
    Charge,
    Charged,
    Entry,
    MoneyKind,
    Posting,
    SettleDebt,
    Standing,
    check_ledger,
    lock_standing,
    post,
    settle_debt,
    trial_balance,
)
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM
from isotope.kernel.errors import Kind, Refusal
from isotope.kernel.ids import OperatorId, RiderId
from tests.kit.books import open_books
from tests.kit.clock import START


async def test_a_rider_without_accounts_has_nothing(rt: Runtime) -> None:
    books = await open_books(rt)
    assert await books.standing() == Standing(currency="EUR")
    assert await books.differences() == []


async def test_a_ride_is_paid_from_bonus_then_balance_and_the_rest_is_owed(rt: Runtime) -> None:
    books = await open_books(rt)
    await books.add(500)
    await books.add(200, MoneyKind.BONUS)

    charged = await books.charge(800, tax_minor=163)

    assert charged == Charged(bonus_minor=200, balance_minor=500, debt_minor=100)
    assert await books.standing() == Standing(currency="EUR", debt_minor=100)
    assert await books.sums() == {"RIDER_DEBT": -100, "REVENUE": 637, "TAX": 163, "ADJUSTMENTS": -700}
    assert await books.differences() == []


async def test_a_top_up_settles_debt_before_it_is_spendable(rt: Runtime) -> None:
    books = await open_books(rt)
    await books.charge(300)

    part = await books.add(100)
    rest = await books.add(500)

    assert (part.debt_settled_minor, part.standing.debt_minor, part.standing.balance_minor) == (100, 200, 0)
    assert (rest.debt_settled_minor, rest.standing.debt_minor, rest.standing.balance_minor) == (200, 0, 300)


async def test_bonus_leaves_debt_alone(rt: Runtime) -> None:
    books = await open_books(rt)
    await books.charge(300)
    added = await books.add(500, MoneyKind.BONUS)
    assert added.standing == Standing(currency="EUR", bonus_minor=500, debt_minor=300)
    assert added.debt_settled_minor == 0


async def test_what_a_card_is_asked_for_is_in_transit_and_not_owed(rt: Runtime) -> None:
    books = await open_books(rt)
    await books.add(500)

    charged = await books.charge(800, tax_minor=163, cause="ride:1", on_card=True)

    assert charged == Charged(balance_minor=500, card_minor=300)
    assert await books.standing() == Standing(currency="EUR", in_transit_minor=-300)
    assert await books.sums() == {"RIDER_IN_TRANSIT": -300, "REVENUE": 637, "TAX": 163, "ADJUSTMENTS": -500}
    assert await books.charge(800, tax_minor=163, cause="ride:1", on_card=True) == charged
    await books.charge(200, on_card=True)
    assert await books.standing() == Standing(currency="EUR", in_transit_minor=-500)
    assert await books.differences() == []


async def test_money_in_transit_stands_on_both_sides_of_zero(rt: Runtime) -> None:
    books = await open_books(rt)
    await books.charge(300, on_card=True)
    await books.post(
        Entry(kind=AccountKind.RIDER_IN_TRANSIT, amount_minor=500, rider_id=books.rider),
        Entry(kind=AccountKind.PROVIDER_CLEARING, amount_minor=-500),
    )
    assert await books.standing() == Standing(currency="EUR", in_transit_minor=200)
    assert await books.differences() == []


async def test_a_locked_wallet_tells_what_is_in_transit_and_needs_no_account_for_it(rt: Runtime) -> None:
    books = await open_books(rt)
    operator = books.operator
    async with rt.db.write() as tx:
        before = await lock_standing(tx, operator.id, books.rider, "EUR")
        accounts = await tx.scalar("select count(*) from ledger_account where operator_id = %s", [operator.id])
    assert (before, accounts) == (Standing(currency="EUR"), 3)
    await books.charge(300, on_card=True)
    async with rt.db.write() as tx:
        after = await lock_standing(tx, operator.id, books.rider, "EUR")
    assert after == await books.standing() == Standing(currency="EUR", in_transit_minor=-300)


async def test_debt_that_arose_beside_a_balance_is_settled_once_from_it(rt: Runtime) -> None:
    books = await open_books(rt)
    await books.charge(300, on_card=True)
    await books.add(1000)
    await books.post(
        Entry(kind=AccountKind.RIDER_IN_TRANSIT, amount_minor=300, rider_id=books.rider),
        Entry(kind=AccountKind.RIDER_DEBT, amount_minor=-300, rider_id=books.rider),
    )
    for settled in (300, 0):
        async with rt.db.write() as tx:
            command = SettleDebt(
                operator_id=books.operator.id,
                rider_id=books.rider,
                currency="EUR",
                actor=SYSTEM,
                cause="ride:1",
                now=START,
            )
            assert await settle_debt(tx, command) == settled
        assert await books.standing() == Standing(currency="EUR", balance_minor=700)
    assert await books.differences() == []


async def test_a_fine_is_not_paid_from_bonus(rt: Runtime) -> None:
    books = await open_books(rt)
    await books.add(500, MoneyKind.BONUS)
    await books.add(100)
    assert await books.charge(300, from_bonus=False) == Charged(balance_minor=100, debt_minor=200)
    assert await books.charge(300, from_bonus=False, on_card=True) == Charged(card_minor=300)
    assert (await books.standing()).bonus_minor == 500


async def test_a_price_of_nothing_posts_nothing(rt: Runtime) -> None:
    books = await open_books(rt)
    assert await books.charge(0) == Charged()
    assert await books.postings() == 0


async def test_a_price_that_is_all_tax_or_without_tax_posts_no_empty_side(rt: Runtime) -> None:
    books = await open_books(rt)
    await books.add(100)
    await books.charge(1, tax_minor=1)
    await books.charge(1, tax_minor=0)
    assert (await books.sums())[AccountKind.TAX] == 1
    assert (await books.sums())[AccountKind.REVENUE] == 1


async def test_the_same_cause_is_charged_once_and_told_again(rt: Runtime) -> None:
    books = await open_books(rt)
    await books.add(500)
    first = await books.charge(800, cause="ride:1")
    await books.add(1000)

    again = await books.charge(800, cause="ride:1")

    assert again == first == Charged(balance_minor=500, debt_minor=300)
    assert (await books.standing()).balance_minor == 700
    assert await books.postings() == 3


async def test_a_cause_that_another_rider_paid_is_a_bug_and_not_a_gift(rt: Runtime) -> None:
    books = await open_books(rt, riders=2)
    await books.charge(800, cause="ride:1")
    with pytest.raises(ValueError, match="another rider"):
        await books.charge(800, cause="ride:1", rider=books.riders[1])
    assert await books.sums() == {"RIDER_DEBT": -800, "REVENUE": 800}


async def test_one_cause_is_charged_once_for_each_reason(rt: Runtime) -> None:
    books = await open_books(rt)
    entries = (
        Entry(kind=AccountKind.RIDER_DEBT, amount_minor=-5, rider_id=books.rider),
        Entry(kind=AccountKind.REVENUE, amount_minor=5),
    )
    for reason, is_new in (("fine", True), ("fee", True), ("fine", False)):
        async with rt.db.write() as tx:
            posting = books.posting(*entries, cause="ride:1")
            posted = await post(
                tx,
                Posting(
                    operator_id=posting.operator_id,
                    currency=posting.currency,
                    reason=reason,
                    actor=posting.actor,
                    cause=posting.cause,
                    now=START,
                    entries=entries,
                ),
            )
        assert posted.is_new is is_new
        assert posted.entries == entries


async def test_a_key_adds_money_once(rt: Runtime) -> None:
    books = await open_books(rt)
    first = await books.add(500, key="top-up-1")
    again = await books.add(500, key="top-up-1")
    other = await books.add(500, key="top-up-2")
    assert (first.is_new, again.is_new, other.is_new) == (True, False, True)
    assert again.standing.balance_minor == 500
    assert other.standing.balance_minor == 1000


async def test_without_a_key_every_call_adds(rt: Runtime) -> None:
    books = await open_books(rt)
    await books.add(500)
    await books.add(500)
    assert (await books.standing()).balance_minor == 1000


@pytest.mark.parametrize("other", ["amount", "kind", "rider"])
async def test_a_key_that_was_used_for_something_else_is_refused(rt: Runtime, other: str) -> None:
    books = await open_books(rt, riders=2)
    await books.add(500, key="k")
    with pytest.raises(Refusal) as refused:
        await books.add(
            501 if other == "amount" else 500,
            MoneyKind.BONUS if other == "kind" else MoneyKind.BALANCE,
            rider=books.riders[1] if other == "rider" else None,
            key="k",
        )
    assert refused.value.code == "idempotency_key_reused"
    assert await books.sums() == {"RIDER_BALANCE": 500, "ADJUSTMENTS": -500}


@pytest.mark.parametrize("key", ["", "k" * 256])
async def test_a_key_has_a_length(rt: Runtime, key: str) -> None:
    books = await open_books(rt)
    with pytest.raises(Refusal) as refused:
        await books.add(500, key=key)
    assert [fault.field for fault in refused.value.faults] == ["Idempotency-Key"]


@pytest.mark.parametrize("amount", [-(2**70), -1, 0, MAX_AMOUNT_MINOR + 1, 2**63, 2**70])
async def test_amounts_that_are_none_are_refused_with_the_field(rt: Runtime, amount: int) -> None:
    books = await open_books(rt)
    with pytest.raises(Refusal) as refused:
        await books.add(amount)
    assert refused.value.kind is Kind.INVALID
    assert [fault.field for fault in refused.value.faults] == ["amount"]
    assert await books.postings() == 0


async def test_a_charge_above_all_limits_is_refused_and_not_overflown(rt: Runtime) -> None:
    books = await open_books(rt)
    for total in (MAX_AMOUNT_MINOR + 1, 2**63, 2**70):
        with pytest.raises(Refusal):
            await books.charge(total)
    assert await books.postings() == 0


async def test_a_full_wallet_refuses_more_but_answers_repetitions(rt: Runtime) -> None:
    books = await open_books(rt)
    await books.add(1, key="early")
    brim = MAX_BALANCE_MINOR - 1
    async with rt.db.write() as tx:
        await post(
            tx,
            books.posting(
                Entry(kind=AccountKind.RIDER_BALANCE, amount_minor=brim, rider_id=books.rider),
                Entry(kind=AccountKind.ADJUSTMENTS, amount_minor=-brim),
            ),
        )

    with pytest.raises(Refusal) as refused:
        await books.add(1)

    assert refused.value.code == "wallet_limit_reached"
    assert refused.value.params == {"limit": "90071992547409.91 EUR"}
    assert not (await books.add(1, key="early")).is_new
    assert (await books.standing()).balance_minor == MAX_BALANCE_MINOR


async def test_debt_has_the_same_limit_and_repetitions_are_answered_too(rt: Runtime) -> None:
    books = await open_books(rt)
    await books.charge(3, cause="ride:early")
    rest = MAX_BALANCE_MINOR - 3
    async with rt.db.write() as tx:
        await post(
            tx,
            books.posting(
                Entry(kind=AccountKind.RIDER_DEBT, amount_minor=-rest, rider_id=books.rider),
                Entry(kind=AccountKind.REVENUE, amount_minor=rest),
            ),
        )
    with pytest.raises(Refusal) as refused:
        await books.charge(1)
    assert refused.value.code == "wallet_limit_reached"
    assert await books.charge(3, cause="ride:early") == Charged(debt_minor=3)


async def test_nobody_has_no_wallet(rt: Runtime) -> None:
    books = await open_books(rt)
    with pytest.raises(Refusal) as refused:
        await books.add(500, rider=RiderId(2**62))
    assert (refused.value.kind, refused.value.code) == (Kind.NOT_FOUND, "user_not_found")


async def test_the_rider_of_another_operator_is_nobody(rt: Runtime) -> None:
    mine, other = await open_books(rt), await open_books(rt)
    await other.add(700)
    with pytest.raises(Refusal) as refused:
        await mine.add(500, rider=other.rider)
    assert refused.value.code == "user_not_found"
    assert await mine.standing(other.rider) == Standing(currency="EUR")
    assert await other.standing() == Standing(currency="EUR", balance_minor=700)


async def test_operators_post_the_same_cause_independently(rt: Runtime) -> None:
    mine, other = await open_books(rt), await open_books(rt)
    await mine.charge(100, cause="ride:1")
    await other.charge(300, cause="ride:1")
    assert (await mine.standing()).debt_minor == 100
    assert (await other.standing()).debt_minor == 300
    assert (await mine.sums())[AccountKind.REVENUE] == 100


@pytest.mark.parametrize("currency", ["JPY", "EUR", "KWD"])
async def test_currencies_with_any_number_of_decimals(rt: Runtime, currency: str) -> None:
    books = await open_books(rt, currency=currency)
    await books.add(1001)
    assert await books.charge(2002, tax_minor=2) == Charged(balance_minor=1001, debt_minor=1001)
    with pytest.raises(Refusal) as refused:
        await books.add(0)
    limit = {"JPY": "1000000000000", "EUR": "10000000000.00", "KWD": "1000000000.000"}[currency]
    assert refused.value.faults[0].info.endswith(f"{limit} {currency}")
    assert await books.differences() == []


async def test_a_rider_has_one_wallet_per_currency(rt: Runtime) -> None:
    books = await open_books(rt)
    await books.add(500)
    async with rt.db.write() as tx:
        await post(
            tx,
            books.posting(
                Entry(kind=AccountKind.RIDER_BALANCE, amount_minor=3, rider_id=books.rider),
                Entry(kind=AccountKind.ADJUSTMENTS, amount_minor=-3),
                currency="JPY",
            ),
        )
    assert (await books.standing()).balance_minor == 500
    assert await books.sums() == {"RIDER_BALANCE": 500, "ADJUSTMENTS": -500}
    async with rt.db.read() as tx:
        yen = await trial_balance(tx, books.operator.id, "JPY")
        assert yen[AccountKind.RIDER_BALANCE] == 3
        assert await check_ledger(tx, books.operator.id) == []


@pytest.mark.parametrize(("total", "tax"), [(-1, 0), (10, 11), (10, -1)])
def test_a_charge_with_a_tax_that_is_no_part_of_it_is_a_bug(total: int, tax: int) -> None:
    with pytest.raises(ValueError, match="of total"):
        Charge(
            operator_id=OperatorId(1),
            rider_id=RiderId(1),
            currency="EUR",
            total_minor=total,
            tax_minor=tax,
            reason="ride_charged",
            actor=SYSTEM,
            cause="ride:1",
            now=START,
        )


@pytest.mark.parametrize(
    "entries",
    [
        (),
        (Entry(kind=AccountKind.REVENUE, amount_minor=1),),
        (Entry(kind=AccountKind.REVENUE, amount_minor=1), Entry(kind=AccountKind.TAX, amount_minor=-2)),
        (Entry(kind=AccountKind.REVENUE, amount_minor=0), Entry(kind=AccountKind.TAX, amount_minor=0)),
        (Entry(kind=AccountKind.RIDER_DEBT, amount_minor=-1), Entry(kind=AccountKind.TAX, amount_minor=1)),
        (
            Entry(kind=AccountKind.REVENUE, amount_minor=-1, rider_id=RiderId(1)),
            Entry(kind=AccountKind.TAX, amount_minor=1),
        ),
    ],
)
def test_entries_that_are_no_transaction_are_a_bug(entries: tuple[Entry, ...]) -> None:
    with pytest.raises(ValueError):
        Posting(
            operator_id=OperatorId(1),
            currency="EUR",
            reason="test",
            actor=SYSTEM,
            cause="test:1",
            now=START,
            entries=entries,
        )
