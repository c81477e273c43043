"""Issue, number, list, correct."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from psycopg.errors import RestrictViolation

from isotope.domain.identity import get_rider
from isotope.domain.identity import store as identity_store
from isotope.domain.pricing import proportional_tax
from isotope.domain.receipts import (
    Paid,
    Receipt,
    ReceiptDraft,
    ReceiptId,
    ReceiptKind,
    check_receipts,
    credit_lines,
    find_receipt_by_cause,
    get_receipt,
    issue_later,
    list_receipts,
    number_receipts,
    read_receipt,
    read_receipts,
)
from isotope.domain.tenants.model import Operator, ReceiptSettings, Settings
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM
from isotope.kernel.ids import RiderId
from tests.kit.clock import START
from tests.kit.receipts import credit_draft, ride_draft
from tests.kit.refusals import refused
from tests.kit.riders import make_rider
from tests.kit.tenants import make_operator

SELLER = ReceiptSettings(
    legal_name="Isotope Mobility Oy",
    address="Mannerheimintie 1\n00100 Helsinki",
    tax_number="FI12345678",
    number_prefix="ISO",
)


async def shop(
    rt: Runtime, receipts: ReceiptSettings = SELLER, time_zone: str = "Europe/Helsinki"
) -> tuple[Operator, RiderId]:
    kit = await make_operator(rt, settings=Settings(receipts=receipts), time_zone=time_zone)
    return kit.operator, (await make_rider(rt, kit.operator)).id


async def issue(rt: Runtime, *drafts: ReceiptDraft) -> list[bool]:
    async with rt.db.write() as tx:
        return [await issue_later(tx, draft) for draft in drafts]


async def by_cause(rt: Runtime, operator: Operator, cause: str) -> Receipt:
    async with rt.db.read() as tx:
        found = await find_receipt_by_cause(tx, operator.id, cause)
    assert found is not None
    return found


async def numbers(rt: Runtime, operator: Operator) -> dict[str, str | None]:
    async with rt.db.read() as tx:
        rows = await tx.tuples("select cause from receipt where operator_id = %s order by id", [operator.id])
        assert await check_receipts(tx, operator.id) == []
    return {cause: (await by_cause(rt, operator, cause)).number for (cause,) in rows}


async def test_what_is_issued_is_what_is_read(rt: Runtime) -> None:
    operator, rider = await shop(rt)
    draft = ride_draft(operator, rider, card_minor=99)
    assert await issue(rt, draft) == [True]
    assert await number_receipts(rt, operator.id) == 1
    found = await by_cause(rt, operator, "ride:1")
    assert (found.number, found.kind, found.issued_on.isoformat()) == ("ISO-2026-000001", "RIDE", "2026-06-01")
    assert (found.lines, found.taxes, found.paid) == (draft.lines, draft.taxes, Paid(balance_minor=400, card_minor=99))
    assert (found.net_minor, found.tax_minor, found.total_minor) == (414, 85, 499)
    assert (found.supplied_from, found.supplied_until, found.subject) == (
        START - timedelta(minutes=10),
        START,
        "A-1023",
    )
    assert found.seller.legal_name == "Isotope Mobility Oy"
    assert found.seller.address == "Mannerheimintie 1\n00100 Helsinki"
    assert found.seller.tax_number == "FI12345678"


async def test_a_cause_has_one_receipt(rt: Runtime) -> None:
    operator, rider = await shop(rt)
    draft = ride_draft(operator, rider)
    assert await issue(rt, draft, msgspec.structs.replace(draft, subject="another")) == [True, False]
    assert await issue(rt, draft) == [False]
    assert await number_receipts(rt, operator.id) == 1
    assert (await by_cause(rt, operator, "ride:1")).subject == "A-1023"


async def test_numbers_follow_the_order_of_issue(rt: Runtime) -> None:
    operator, rider = await shop(rt)
    times = {"ride:late": 30, "ride:first": 10, "ride:second": 20}
    await issue(
        rt, *(ride_draft(operator, rider, cause, at=START + timedelta(seconds=s)) for cause, s in times.items())
    )
    assert await number_receipts(rt, operator.id) == 3
    await issue(rt, ride_draft(operator, rider, "ride:slow", at=START))
    assert await number_receipts(rt, operator.id) == 1
    assert await numbers(rt, operator) == {
        "ride:late": "ISO-2026-000003",
        "ride:first": "ISO-2026-000001",
        "ride:second": "ISO-2026-000002",
        "ride:slow": "ISO-2026-000004",
    }


async def test_many_are_numbered_in_batches(rt: Runtime) -> None:
    operator, rider = await shop(rt)
    await issue(rt, *(ride_draft(operator, rider, f"ride:{nr}") for nr in range(7)))
    assert await number_receipts(rt, operator.id, batch=3) == 7
    assert list((await numbers(rt, operator)).values()) == [f"ISO-2026-00000{nr}" for nr in range(1, 8)]
    assert await number_receipts(rt, operator.id) == 0


@pytest.mark.parametrize(
    ("time_zone", "issued_at", "number"),
    [
        ("UTC", datetime(2026, 12, 31, 23, 0, tzinfo=UTC), "2026-000001"),
        ("Europe/Helsinki", datetime(2026, 12, 31, 21, 59, tzinfo=UTC), "2026-000001"),
        ("Europe/Helsinki", datetime(2026, 12, 31, 22, 0, tzinfo=UTC), "2027-000001"),
        ("America/Los_Angeles", datetime(2027, 1, 1, 7, 59, tzinfo=UTC), "2026-000001"),
        ("America/Los_Angeles", datetime(2027, 1, 1, 8, 0, tzinfo=UTC), "2027-000001"),
    ],
)
async def test_the_year_is_the_operators(rt: Runtime, time_zone: str, issued_at: datetime, number: str) -> None:
    operator, rider = await shop(rt, ReceiptSettings(), time_zone)
    await issue(rt, ride_draft(operator, rider, at=issued_at))
    await number_receipts(rt, operator.id)
    assert await numbers(rt, operator) == {"ride:1": number}


async def test_each_year_and_each_operator_counts_for_itself(rt: Runtime) -> None:
    (one, rider), (two, other) = await shop(rt), await shop(rt)
    new_year = datetime(2027, 1, 5, tzinfo=UTC)
    await issue(
        rt,
        ride_draft(one, rider, "ride:1"),
        ride_draft(one, rider, "ride:2", at=new_year),
        ride_draft(one, rider, "ride:3"),
        ride_draft(two, other, "ride:1"),
    )
    assert await number_receipts(rt) >= 4
    assert list((await numbers(rt, one)).values()) == ["ISO-2026-000001", "ISO-2027-000001", "ISO-2026-000002"]
    assert list((await numbers(rt, two)).values()) == ["ISO-2026-000001"]


async def test_what_the_operator_changes_later_does_not_touch_what_was_issued(rt: Runtime) -> None:
    operator, rider = await shop(rt)
    await issue(rt, ride_draft(operator, rider))
    moved = msgspec.structs.replace(
        operator, time_zone="Asia/Tokyo", settings=Settings(receipts=ReceiptSettings(number_prefix="NEW"))
    )
    await issue(rt, ride_draft(moved, rider, "ride:2", at=START + timedelta(days=1)))
    await number_receipts(rt, operator.id)
    old, new = await by_cause(rt, operator, "ride:1"), await by_cause(rt, operator, "ride:2")
    assert (old.number, old.seller.legal_name, old.time_zone) == (
        "ISO-2026-000001",
        "Isotope Mobility Oy",
        "Europe/Helsinki",
    )
    assert (new.number, new.seller.legal_name, new.time_zone) == ("NEW-2026-000002", "Test City", "Asia/Tokyo")


async def test_a_credit_note_names_what_it_corrects(rt: Runtime) -> None:
    operator, rider = await shop(rt)
    ride = ride_draft(operator, rider)
    note = credit_draft(ride, proportional_tax(ride.taxes, 0, 100))
    await issue(rt, ride, note)
    await number_receipts(rt, operator.id)
    found = await by_cause(rt, operator, "refund:1")
    assert (found.kind, found.corrects, found.corrects_number) == ("CREDIT_NOTE", "ride:1", "ISO-2026-000001")
    assert (found.number, found.total_minor, found.subject) == ("ISO-2026-000002", 100, "The lock did not open")
    assert [(line.code, line.text, line.amount_minor, line.tax_rate) for line in found.lines] == [
        ("refund", "Refund", 40, "0.14"),
        ("refund", "Refund", 60, "0.255"),
    ]


async def test_a_credit_note_of_what_had_no_receipt_names_none(rt: Runtime) -> None:
    operator, rider = await shop(rt)
    ride = ride_draft(operator, rider)
    await issue(rt, credit_draft(ride, ride.taxes))
    assert (await by_cause(rt, operator, "refund:1")).corrects_number is None


async def test_a_draft_that_does_not_add_up_is_a_bug(rt: Runtime) -> None:
    operator, rider = await shop(rt)
    draft = ride_draft(operator, rider)
    change = msgspec.structs.replace
    wrong = {
        "paid of": change(draft, paid=Paid(balance_minor=498)),
        "lines do not sum": change(draft, lines=draft.lines[1:]),
        "tax line": change(draft, taxes=(change(draft.taxes[0], tax_minor=1), draft.taxes[1])),
        "credit note": change(draft, kind=ReceiptKind.CREDIT_NOTE),
        "corrects another": change(draft, corrects="ride:0"),
        "negative": change(draft, paid=Paid(balance_minor=500, card_minor=-1)),
    }
    for message, bad in wrong.items():
        with pytest.raises(ValueError, match=message):
            await issue(rt, bad)


async def test_a_free_ride_has_a_receipt_of_nothing(rt: Runtime) -> None:
    operator, rider = await shop(rt)
    await issue(rt, ride_draft(operator, rider, lines=()))
    await number_receipts(rt, operator.id)
    found = await by_cause(rt, operator, "ride:1")
    assert (found.total_minor, found.taxes, found.lines) == (0, (), ())


async def test_a_rider_reads_own_receipts_page_by_page(rt: Runtime) -> None:
    operator, rider = await shop(rt)
    other = (await make_rider(rt, operator)).id
    await issue(rt, *(ride_draft(operator, rider, f"ride:{nr}") for nr in range(5)))
    await issue(rt, ride_draft(operator, other, "ride:other"))
    # Nobody numbered them yet: who asks does.
    first = await read_receipts(rt, operator.id, rider, limit=2)
    second = await read_receipts(rt, operator.id, rider, first[-1].id, 2)
    third = await read_receipts(rt, operator.id, rider, second[-1].id, 2)
    assert [receipt.cause for receipt in (*first, *second, *third)] == [f"ride:{nr}" for nr in (4, 3, 2, 1, 0)]
    assert [receipt.number for receipt in first] == ["ISO-2026-000005", "ISO-2026-000004"]
    async with rt.db.read() as tx:
        assert await list_receipts(tx, operator.id, rider, limit=0) == []
        assert await list_receipts(tx, operator.id, rider, limit=-3) == []


async def test_one_is_asked_for_before_the_worker_came(rt: Runtime) -> None:
    operator, rider = await shop(rt)
    ride = ride_draft(operator, rider)
    await issue(rt, ride, credit_draft(ride, ride.taxes))
    note = await by_cause(rt, operator, "refund:1")
    read = await read_receipt(rt, operator.id, note.id, rider)
    assert (read.number, read.corrects_number) == ("ISO-2026-000002", "ISO-2026-000001")
    assert await read_receipt(rt, operator.id, note.id) == read


async def test_a_strangers_receipt_is_not_found(rt: Runtime) -> None:
    (operator, rider), (elsewhere, _) = await shop(rt), await shop(rt)
    other = (await make_rider(rt, operator)).id
    await issue(rt, ride_draft(operator, rider))
    receipt = await by_cause(rt, operator, "ride:1")
    for operator_id, receipt_id, who in (
        (operator.id, receipt.id, other),
        (elsewhere.id, receipt.id, None),
        (operator.id, ReceiptId(2**62), None),
    ):
        with refused("receipt_not_found"):
            await read_receipt(rt, operator_id, receipt_id, who)
        async with rt.db.read() as tx:
            with refused("receipt_not_found"):
                await get_receipt(tx, operator_id, receipt_id, who)


async def test_receipts_stay_when_the_rider_goes_and_hold_nothing_of_the_person(rt: Runtime) -> None:
    operator, rider = await shop(rt)
    await issue(rt, ride_draft(operator, rider))
    async with rt.db.write() as tx:
        whole = await tx.scalar("select to_jsonb(receipt)::text from receipt where operator_id = %s", [operator.id])
        person = await get_rider(tx, operator.id, rider)
        await identity_store.erase_rider(tx, person, SYSTEM, START)
    assert not any(fact in whole for fact in ("Rita", "rita@", person.phone))
    assert [receipt.number for receipt in await read_receipts(rt, operator.id, rider)] == ["ISO-2026-000001"]


@pytest.mark.parametrize("numbered", [True, False])
@pytest.mark.parametrize(
    "statement",
    [
        "update receipt set subject = 'B' where operator_id = %s",
        "update receipt set number = 7, numbered_at = issued_at, subject = 'B' where operator_id = %s",
        "update receipt set number = null, numbered_at = null where operator_id = %s",
        "delete from receipt where operator_id = %s",
        "with x as (select %s) select 1; truncate receipt",
    ],
)
async def test_the_database_refuses_to_change_a_receipt(rt: Runtime, statement: str, numbered: bool) -> None:
    operator, rider = await shop(rt)
    await issue(rt, ride_draft(operator, rider))
    if numbered:
        await number_receipts(rt, operator.id)
    before = await by_cause(rt, operator, "ride:1")
    with pytest.raises(RestrictViolation):
        async with rt.db.write() as tx:
            await tx.execute(statement.replace("%s", str(operator.id)))
    assert await by_cause(rt, operator, "ride:1") == before


@pytest.mark.parametrize(
    "statement",
    [
        "update receipt set number = 2 where operator_id = %s",
        "update receipt_counter set last_number = 0 where operator_id = %s",
        "update receipt_counter set year = 2030 where operator_id = %s",
        "delete from receipt_counter where operator_id = %s",
        "with x as (select %s) select 1; truncate receipt_counter",
    ],
)
async def test_the_database_refuses_to_give_a_number_again(rt: Runtime, statement: str) -> None:
    operator, rider = await shop(rt)
    await issue(rt, ride_draft(operator, rider))
    await number_receipts(rt, operator.id)
    with pytest.raises(RestrictViolation):
        async with rt.db.write() as tx:
            await tx.execute(statement.replace("%s", str(operator.id)))


async def test_a_gap_would_be_found(rt: Runtime) -> None:
    """The check is not blind: numbers given past the counter are told."""
    operator, rider = await shop(rt)
    await issue(rt, ride_draft(operator, rider))
    async with rt.db.write() as tx:
        await tx.execute("update receipt set number = 3, numbered_at = issued_at where operator_id = %s", [operator.id])
        assert [(fault.what, fault.year, fault.number) for fault in await check_receipts(tx, operator.id)] == [
            ("counter", 2026, 0),
            ("gap", 2026, 3),
        ]


def test_lines_of_a_credit_note_sum_as_its_taxes() -> None:
    assert credit_lines(()) == ()
