"""An installation from before cards: its rides, debts and bonus live on under today's code."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import psycopg
import pytest_asyncio

from isotope.domain.payments import NO_CARDS
from isotope.domain.receipts import number_receipts, read_receipts
from isotope.domain.sharing import RefundRide, find_ride, read_ride_money, refund_ride
from isotope.domain.tenants import Operators
from isotope.domain.tenants.model import Role
from isotope.domain.wallet import AccountKind, check_ledger, get_standing, list_entries, trial_balance
from isotope.domain.wallet.model import Standing
from isotope.infra.db import Database
from isotope.infra.hub import Hub
from isotope.infra.jobs import Jobs
from isotope.infra.migrate import load_migrations, migrate
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import Actor
from isotope.kernel.ids import OperatorId, RideId, RiderId
from tests.kit.clock import START, SettableClock
from tests.kit.postgres import create_database, drop_database, with_database

LAST_BEFORE_CARDS = "0006_sharing.sql"
OPERATOR, RIDER = OperatorId(1), RiderId(1)
ENDED, RUNNING = RideId(1), RideId(3)

# One operator, one rider; a ride of 2.00 paid by bonus (0.20), balance (0.30) and debt (1.50), one that failed, one
# that runs. Written as the version before wrote it: prices that contain 25.5 % tax, no cards, no lots of bonus.
_BEFORE = """
insert into operator (slug, name, currency, time_zone, languages, created_at)
values ('old', 'Old Town', 'EUR', 'Europe/Helsinki', '{en}', %(at)s);
insert into rider (operator_id, name, email, phone_prefix, phone, language, status, created_at)
values (1, 'Rita', 'rita@example.test', '358', '401000001', 'en', 'ACTIVE', %(at)s);
insert into tariff (operator_id, ref, title, spec)
values (1, 't', 'T', '{"unlock_minor": 100, "minute_tiers": [{"price_minor": 20}], "tax_rate": "0.255"}');
insert into vehicle_model (operator_id, ref, title, vehicle_type, tariff_id, spec) values (1, 'm', 'M', 'SCOOTER', 1, '{}');
insert into vehicle (operator_id, nr, model_id, status, status_at, held_by, created_at)
values (1, '1', 1, 'READY', %(at)s, null, %(at)s), (1, '2', 1, 'IN_USE', %(at)s, 'ride:3', %(at)s);
insert into ride (operator_id, rider_id, vehicle_id, model_id, status, place, currency, terms, requested_at, started_at,
                  ended_at, start_lat, start_lon, start_odometer_m, outcome, lines, total_minor, tax_minor,
                  charged_bonus_minor, charged_balance_minor, debt_minor)
select 1, 1, vehicle_id, 1, status, 1, 'EUR',
       '{"tariff": {"unlock_minor": 100, "minute_tiers": [{"price_minor": 20}], "tax_rate": "0.255"}}',
       %(at)s, started, ended, 60.17, 24.94, 0, outcome, lines::jsonb, total, tax, bonus, balance, debt
  from (values
    (1, 'ENDED', %(at)s::timestamptz, %(at)s::timestamptz, 'by_rider',
     '[{"code": "unlock", "text": "Unlock", "unit": "once", "quantity": 1, "unit_price_minor": 100, "amount_minor": 100},
       {"code": "ride_minutes", "text": "Riding", "unit": "minute", "quantity": 5, "unit_price_minor": 20, "amount_minor": 100}]',
     200, 41, 20, 30, 150),
    (1, 'FAILED', null, %(at)s, 'not_unlocked', null, null, null, null, null, null),
    (2, 'ACTIVE', %(at)s, null, null, null, null, null, null, null, null))
    old (vehicle_id, status, started, ended, outcome, lines, total, tax, bonus, balance, debt);
insert into ride_event (operator_id, ride_id, nr, kind, at, actor)
values (1, 1, 1, 'REQUESTED', %(at)s, 'rider:1'), (1, 1, 2, 'STARTED', %(at)s, 'system'), (1, 1, 3, 'ENDED', %(at)s, 'rider:1'),
       (1, 3, 1, 'REQUESTED', %(at)s, 'rider:1'), (1, 3, 2, 'STARTED', %(at)s, 'system');
insert into ledger_account (operator_id, kind, rider_id, currency, balance_minor)
values (1, 'RIDER_BALANCE', 1, 'EUR', 0), (1, 'RIDER_BONUS', 1, 'EUR', 0), (1, 'RIDER_DEBT', 1, 'EUR', 0),
       (1, 'REVENUE', null, 'EUR', null), (1, 'TAX', null, 'EUR', null), (1, 'ADJUSTMENTS', null, 'EUR', null);
insert into ledger_transaction (operator_id, currency, reason, actor, cause, at)
values (1, 'EUR', 'money_added', 'secret_key', 'add_money:1', %(at)s), (1, 'EUR', 'money_added', 'secret_key', 'add_money:2', %(at)s),
       (1, 'EUR', 'ride', 'rider:1', 'ride:1', %(at)s);
insert into ledger_entry (operator_id, transaction_id, nr, account_id, amount_minor) values (1, 1, 1, 1, 30), (1, 1, 2, 6, -30);
insert into ledger_entry (operator_id, transaction_id, nr, account_id, amount_minor) values (1, 2, 1, 2, 50), (1, 2, 2, 6, -50);
insert into ledger_entry (operator_id, transaction_id, nr, account_id, amount_minor)
values (1, 3, 1, 1, -30), (1, 3, 2, 2, -20), (1, 3, 3, 3, -150), (1, 3, 4, 4, 159), (1, 3, 5, 5, 41);
"""


@pytest_asyncio.fixture
async def rt(template_url: str, clock: SettableClock) -> AsyncIterator[Runtime]:
    """On a database that was filled by the version before cards and then brought to today's state."""
    url = with_database(template_url, f"isotope_before_cards_{uuid4().hex[:12]}")
    create_database(url)
    ours = load_migrations()
    migrate(url, [one for one in ours if one.name <= LAST_BEFORE_CARDS])
    with psycopg.connect(url, cursor_factory=psycopg.ClientCursor) as connection:
        connection.execute(_BEFORE, {"at": datetime(2026, 5, 1, tzinfo=UTC)})
    migrate(url, ours)
    database = Database(url)
    await database.open()
    yield Runtime(db=database, clock=clock, hub=Hub(url), jobs=Jobs())
    await database.close()
    drop_database(url)


async def books(rt: Runtime) -> tuple[Standing, dict[AccountKind, int]]:
    async with rt.db.read() as tx:
        assert await check_ledger(tx, OPERATOR) == []
        sums = await trial_balance(tx, OPERATOR)
        return await get_standing(tx, OPERATOR, RIDER, "EUR"), {kind: total for kind, total in sums.items() if total}


async def test_what_was_there_is_there_and_can_be_refunded(rt: Runtime) -> None:
    assert (await books(rt))[0] == Standing(currency="EUR", bonus_minor=30, debt_minor=150)
    async with rt.db.read() as tx:
        assert len(await list_entries(tx, OPERATOR, RIDER, "EUR")) == 3
        ended, running = await find_ride(tx, OPERATOR, ENDED), await find_ride(tx, OPERATOR, RUNNING)
    assert ended is not None
    assert running is not None
    assert (ended.total_minor, ended.charged_card_minor, ended.card_pending_minor, ended.is_settled) == (
        200,
        0,
        0,
        True,
    )
    assert running.is_open

    operator = await Operators(rt).get(OPERATOR)
    refunded: dict[str, Any] = {"operator": operator, "ride_id": ENDED, "role": Role.OWNER, "actor": Actor("staff:1")}
    for amount, key in ((120, "first"), (None, "rest")):
        command = RefundRide(
            **refunded, fine_id=None, amount_minor=amount, reason="Too long ago", to_wallet=False, key=key
        )
        await refund_ride(rt, NO_CARDS, command)
    standing, sums = await books(rt)
    assert standing == Standing(currency="EUR", balance_minor=30, bonus_minor=50)
    # Revenue and tax are back where they were: nothing was sold, and all of it was given.
    assert sums == {AccountKind.RIDER_BALANCE: 30, AccountKind.RIDER_BONUS: 50, AccountKind.ADJUSTMENTS: -80}
    assert (await read_ride_money(rt, operator, ENDED, Role.OWNER)).refundable_minor() == 0
    await number_receipts(rt)
    notes = await read_receipts(rt, OPERATOR, RIDER)
    assert [(note.number, note.total_minor, note.tax_minor) for note in notes] == [
        (f"{START.year}-000002", 80, 16),
        (f"{START.year}-000001", 120, 25),
    ]


async def test_what_was_there_is_counted(rt: Runtime) -> None:
    async with rt.db.read() as tx:
        [vehicle] = await tx.tuples("select vehicle_id, rides, last_ride_id from vehicle_total where operator_id = 1")
        [rider] = await tx.tuples("select subaccount_id, rider_id, rides from rider_total where operator_id = 1")
        days = await tx.tuples(
            "select day::text, what, count, amount_minor from day_total where operator_id = 1 order by what"
        )
        types = await tx.tuples("select ref from task_type where operator_id = 1 order by step_nr")
    assert (vehicle, rider) == ((1, 1, ENDED), (0, RIDER, 1))
    assert days == [("2026-05-01", "ride", 1, 200), ("2026-05-01", "rider", 1, 0)]
    assert (len(types), types[0]) == (12, ("vehicle_is_damaged",))
