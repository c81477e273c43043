"""Debt and money in transit against deletion."""

from isotope.domain.wallet import AccountKind, DebtHold, Entry, PaymentHold, post
from isotope.infra.runtime import Runtime
from isotope.kernel.errors import Kind, Refusal
from isotope.kernel.ids import RiderId
from isotope.kernel.texts import Texts
from tests.kit.books import Books, open_books


async def hold(books: Books, rider: RiderId | None = None) -> Refusal | None:
    async with books.rt.db.write() as tx:
        return await DebtHold().reason(tx, books.operator.id, rider or books.rider)


async def test_who_owes_is_not_deleted_and_is_told_how_much(rt: Runtime) -> None:
    books = await open_books(rt, riders=2)
    assert await hold(books) is None
    await books.charge(1250)

    no = await hold(books)

    assert no is not None
    assert (no.kind, no.code) == (Kind.CONFLICT, "debt_open")
    assert no.details == {"debt": "12.50", "currency": "EUR"}
    assert Texts().render(no.code, no.params).startswith("There is an open debt of 12.50 EUR.")
    assert await hold(books, books.riders[1]) is None
    await books.add(1250)
    assert await hold(books) is None


async def test_a_debt_in_any_currency_holds(rt: Runtime) -> None:
    books = await open_books(rt)
    async with rt.db.write() as tx:
        await post(
            tx,
            books.posting(
                Entry(kind=AccountKind.RIDER_DEBT, amount_minor=-30, rider_id=books.rider),
                Entry(kind=AccountKind.REVENUE, amount_minor=30),
                currency="JPY",
            ),
        )
    no = await hold(books)
    assert no is not None
    assert no.details == {"debt": "30", "currency": "JPY"}


async def test_who_has_money_in_transit_is_not_deleted_either_way(rt: Runtime) -> None:
    books = await open_books(rt)

    async def payment_hold() -> Refusal | None:
        async with rt.db.write() as tx:
            return await PaymentHold().reason(tx, books.operator.id, books.rider)

    assert await payment_hold() is None
    await books.charge(1250, on_card=True)
    for in_transit in (-1250, 250):
        assert (await books.standing()).in_transit_minor == in_transit
        no = await payment_hold()
        assert no is not None
        assert (no.kind, no.code) == (Kind.CONFLICT, "payment_running")
        assert no.details == {"amount": f"{abs(in_transit) / 100:.2f}", "currency": "EUR"}
        assert Texts().render(no.code, no.params).startswith(f"{abs(in_transit) / 100:.2f} EUR is on its way")
        assert await hold(books) is None
        await move(books, 1500)
    await move(books, -1750)
    assert await payment_hold() is None


async def move(books: Books, amount_minor: int) -> None:
    """Between the card and us."""
    await books.post(
        Entry(kind=AccountKind.RIDER_IN_TRANSIT, amount_minor=amount_minor, rider_id=books.rider),
        Entry(kind=AccountKind.PROVIDER_CLEARING, amount_minor=-amount_minor),
    )
