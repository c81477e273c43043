"""The page about money says what the code does: no reason, account or state is missing, and its example is right."""

import ast
import re
from collections.abc import Iterator

import pytest

from isotope.api.docs import money_facts as facts
from isotope.api.docs.money import render_money
from isotope.domain.payments.model import (
    Answer,
    CallKind,
    CallStatus,
    CardCall,
    CardCallId,
    CardId,
    CardPayment,
    CardPaymentId,
    PaymentStatus,
    Purpose,
)
from isotope.domain.payments.rules import GIVE_UP_S, after_answer
from isotope.domain.payments.store import LEFT_TO_CALLER
from isotope.domain.pricing.tax import proportional_tax, tax_lines
from isotope.domain.tenants.model import PaymentSettings
from isotope.domain.wallet.model import AccountKind, Charge, Entry, MoneyKind, Standing
from isotope.domain.wallet.rules import charge_entries, credit_entries, gift_entries, settle_entries, split_charge
from isotope.kernel.actor import SYSTEM
from isotope.kernel.ids import OperatorId, RiderId
from tests.architecture.source import modules
from tests.kit.clock import START
from tests.kit.http import Api

A = AccountKind
ADA = RiderId(1)
_CHARGES = {
    "ride",
    "fine",
    "reservation",
    "subscription",
    "booking",
    "booking_extension",
    "booking_settlement",
    "booking_claim",
    "trip",
    "trip_fee",
}
# Money that comes in, by the account that gives it.
_CREDITS = {
    "card_captured": A.PROVIDER_CLEARING,
    "refund_to_wallet": A.RIDER_IN_TRANSIT,
    "deposit_returned": A.RIDER_DEPOSIT,
}
_REASON = re.compile(r"[a-z]+(_[a-z]+)*")


def posted_reasons() -> set[str]:
    """Every reason in the code: where postings and charges are made, it is written out, a constant, or handed over."""
    found: set[str] = set()
    for tree in modules().values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _name(node.func) in (
                "Posting",
                "Charge",
                "UndoPurchase",
                "payments.GiveBack",
                "BillTrip",
            ):
                [reason] = [word.value for word in node.keywords if word.arg == "reason"]
                if isinstance(reason, ast.Constant):
                    found.add(str(reason.value))
                elif isinstance(reason, ast.Subscript):
                    found.update(_values_of_table(tree, _name(reason.value)))
                elif isinstance(reason, ast.Name):
                    found.update(_values(tree, reason.id))
    return found


def _name(func: ast.expr) -> str:
    if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name):
        return f"{func.value.id}.{func.attr}"
    return func.id if isinstance(func, ast.Name) else ""


def _values_of_table(tree: ast.Module, name: str) -> Iterator[str]:
    """What stands in the module's constant table of that name."""
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and _name(node.target) == name and isinstance(node.value, ast.Dict):
            yield from (str(value.value) for value in node.value.values if isinstance(value, ast.Constant))


def _values(tree: ast.Module, name: str) -> Iterator[str]:
    """The module's constant of that name; or, of a variable, what comes first in a pair or is handed to `_post`."""
    constants = [
        node.value.value
        for node in tree.body
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Name)
        and node.target.id == name
        and isinstance(node.value, ast.Constant)
    ]
    if constants:
        yield from map(str, constants)
        return
    for node in ast.walk(tree):
        handed: list[ast.expr] = []
        if isinstance(node, ast.Tuple) and node.elts:
            handed = node.elts[:1]
        elif isinstance(node, ast.Call) and _name(node.func) == "_post":
            handed = node.args
        for value in handed:
            if isinstance(value, ast.Constant) and isinstance(value.value, str) and _REASON.fullmatch(value.value):
                yield value.value
            elif isinstance(value, ast.Name) and value.id != name and value.id.isupper():
                yield from _values(tree, value.id)


def test_every_reason_that_is_posted_is_explained() -> None:
    assert posted_reasons() - {"reason"} == set(facts.REASONS)


def test_every_account_state_and_call_is_explained() -> None:
    assert set(facts.ACCOUNTS) == set(AccountKind)
    assert set(facts.STATES) == set(PaymentStatus)
    assert set(facts.CALLS) == set(CallKind)
    page = render_money()
    for word in (*facts.REASONS, *AccountKind, *PaymentStatus, *CallKind):
        assert f">{word}</code>" in page, word


def test_the_picture_carries_every_reason() -> None:
    figure = render_money().split("<figure")[1].split("</figure>")[0]
    drawn = {
        word for text in re.findall(r"<text[^>]*class=\"reason\"[^>]*>([^<]*)<", figure) for word in text.split(", ")
    }
    assert drawn == set(facts.REASONS)


def test_the_example_has_every_reason_and_sums_to_zero() -> None:
    assert {step.reason for step in facts.EXAMPLE} == set(facts.REASONS)
    balances = dict.fromkeys(AccountKind, 0)
    for step in facts.EXAMPLE:
        assert sum(step.entries.values()) == 0, step
        for kind, amount in step.entries.items():
            balances[kind] += amount
        assert balances[A.RIDER_BALANCE] >= 0, step
        assert balances[A.RIDER_BONUS] >= 0, step
        assert balances[A.RIDER_DEBT] <= 0, step
        assert balances[A.RIDER_DEPOSIT] >= 0, step
        assert balances[A.PROVIDER_CLEARING] <= 0, step
    assert balances[A.RIDER_IN_TRANSIT] == 0


def test_the_example_posts_what_the_rules_post() -> None:
    balances = dict.fromkeys(AccountKind, 0)
    [first_ride] = tax_lines([("0.255", 540)], inclusive=True)
    refunded, before = 0, facts.EXAMPLE[0]
    for step in facts.EXAMPLE:
        standing = Standing(
            currency="EUR",
            balance_minor=balances[A.RIDER_BALANCE],
            bonus_minor=balances[A.RIDER_BONUS],
            debt_minor=-balances[A.RIDER_DEBT],
            in_transit_minor=balances[A.RIDER_IN_TRANSIT],
        )
        expected: dict[AccountKind, int] = dict(step.entries)
        match step.reason:
            case reason if reason in _CHARGES:
                expected = _by_kind(_charged(standing, step))
            case reason if reason in _CREDITS and step.entries.get(A.RIDER_IN_TRANSIT, 0) <= 0:
                gives = _CREDITS[reason]
                came = credit_entries(ADA, standing, -step.entries[gives])
                expected = {gives: step.entries[gives], **_by_kind(came)}
            case "money_added" | "zone_bonus":
                kind = MoneyKind.BONUS if A.RIDER_BONUS in step.entries else MoneyKind.BALANCE
                expected = _by_kind(gift_entries(ADA, standing, -step.entries[A.ADJUSTMENTS], kind))
            case "booking_unpaid":
                expected = {kind: -amount for kind, amount in before.entries.items()}
            case "debt_settled":
                expected = _by_kind(settle_entries(ADA, standing))
            case "refund":
                amount = step.entries[A.RIDER_IN_TRANSIT]
                [tax] = proportional_tax([first_ride], refunded, amount)
                refunded += amount
                expected = {A.REVENUE: -tax.net_minor, A.TAX: -tax.tax_minor, A.RIDER_IN_TRANSIT: amount}
        assert dict(step.entries) == expected, step
        before = step
        for kind_, amount in step.entries.items():
            balances[kind_] += amount


def _charged(standing: Standing, step: facts.Step) -> tuple[Entry, ...]:
    tax = step.entries.get(A.TAX, 0)
    total = step.entries[A.REVENUE] + tax
    if step.reason != "fine":
        assert tax == tax_lines([("0.255", total)], inclusive=True)[0].tax_minor, step
    charge = Charge(
        operator_id=OperatorId(1),
        rider_id=ADA,
        currency="EUR",
        total_minor=total,
        tax_minor=tax,
        reason=step.reason,
        actor=SYSTEM,
        cause="example:1",
        now=START,
        on_card=A.RIDER_DEBT not in step.entries,
        from_bonus=step.reason not in ("fine", "subscription"),
    )
    return charge_entries(charge, split_charge(standing, charge))


def _by_kind(entries: tuple[Entry, ...]) -> dict[AccountKind, int]:
    return {entry.kind: entry.amount_minor for entry in entries}


def test_the_states_follow_the_rules() -> None:
    for kind, outcome, state in facts.TRANSITIONS:
        before = PaymentStatus.AUTHORISED if kind in (CallKind.CAPTURE, CallKind.RELEASE) else PaymentStatus.CAPTURED
        payment = CardPayment(
            operator_id=OperatorId(1),
            id=CardPaymentId(1),
            rider_id=ADA,
            card_id=CardId(1),
            purpose=Purpose.RIDE,
            cause="ride:1",
            currency="EUR",
            amount_minor=500,
            status=before,
            actor=SYSTEM,
            created_at=START,
        )
        call = CardCall(
            operator_id=OperatorId(1),
            id=CardCallId(1),
            payment_id=CardPaymentId(1),
            kind=kind,
            amount_minor=500,
            key="key",
            cause="ride:1",
            actor=SYSTEM,
            status=CallStatus.OPEN,
            created_at=START,
        )
        after = after_answer(payment, call, Answer(outcome=outcome, amount_minor=500))  # type: ignore[arg-type]
        assert after.payment == (state or before), (kind, outcome)
    assert {kind for kind, _outcome, _state in facts.TRANSITIONS} == set(CallKind)


def test_its_numbers_are_those_of_the_code() -> None:
    assert LEFT_TO_CALLER.total_seconds() == facts.LEFT_TO_CALLER_S
    assert facts.GIVE_UP_MIN * 60 == GIVE_UP_S
    assert PaymentSettings().debt_after_min == (0, 60, 1_440, 7_200, 14_400)
    assert "at once, 1 h, 24 h, 5 days, 10 days" in render_money()


@pytest.mark.asyncio
async def test_it_is_served_alone_and_for_everybody(api: Api) -> None:
    shown = await api.client.get("/api/docs/money")
    assert (shown.status_code, shown.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert shown.headers["content-security-policy"].startswith("default-src 'none'")
    page = shown.text
    assert "<script" not in page
    assert not re.search(r"(src|href|url\()=?[\"']?(https?:)?//", page)
    # Who does not see the pictures is told what is on them.
    pictures = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(pictures) == 2
    for picture in pictures:
        assert 'role="img"' in picture
        [labels] = re.findall(r'aria-labelledby="([^"]*)"', picture)
        for label in labels.split():
            assert f'id="{label}"' in picture
    assert len(re.findall(r' id="[^"]*"', page)) == len(set(re.findall(r' id="[^"]*"', page)))
    for target in re.findall(r'href="#([^"]+)"', page):
        assert f'id="{target}"' in page
    assert 'href="/api/docs/money"' in (await api.client.get("/api/docs")).text
