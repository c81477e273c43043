"""The page about money, at `/api/docs/money`."""

from collections.abc import Mapping
from importlib import resources
from typing import Final

from isotope.api.docs import money_facts as facts
from isotope.api.docs.html import Markup, inline, join, prose, table, tag
from isotope.api.docs.money_pictures import ledger_picture, states_picture
from isotope.domain.payments.model import PaymentStatus
from isotope.domain.tenants.model import PaymentSettings
from isotope.domain.wallet.model import AccountKind

_SECTIONS: Final = (
    ("How money moves", "moves"),
    ("Accounts", "accounts"),
    ("What is posted", "reasons"),
    ("An example", "example"),
    ("What pays a ride", "order"),
    ("The life of a card payment", "life"),
    ("Debt", "debt"),
    ("Never twice", "keys"),
    ("When something dies", "deaths"),
    ("Proving it", "proof"),
)
_HOUR_MIN: Final = 60
_DAY_MIN: Final = 1_440
_MANY_DAYS: Final = 2


def render_money() -> str:
    """The whole page."""
    style = resources.files("isotope.api.static").joinpath("docs.css").read_text(encoding="utf-8")
    head = join(
        [
            Markup('<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'),
            tag("title", "Money - Isotope API"),
            tag("style", Markup(style)),
        ]
    )
    main = tag("main", tag("section", *_body(), id="top"), class_="wide")
    return "<!doctype html>" + tag("html", tag("head", head), tag("body", _navigation(), main), lang="en")


def _navigation() -> Markup:
    return tag(
        "nav",
        tag("a", "Isotope API", href="/api/docs", class_="brand"),
        tag("a", "Money", href="#top", class_="section"),
        tag("ul", *(tag("li", tag("a", title, href=f"#{anchor}")) for title, anchor in _SECTIONS)),
    )


def _body() -> list[Markup]:
    moves, accounts, reasons, example, order, life, debt, keys, deaths, proof = (
        tag("h2", title, id=anchor) for title, anchor in _SECTIONS
    )
    return [
        tag("h1", "Money"),
        prose(
            "Every amount is a whole number of the currency's smallest unit, and every movement is a transaction of a "
            "double-entry ledger: its entries sum to zero, and nothing of it is ever changed. A rider's balance is the "
            "sum of what happened to it, kept by the database. Cards belong to a provider; what is asked of it is "
            "written down before it is asked, so nothing is charged twice and nothing that was charged is lost."
        ),
        moves,
        ledger_picture(),
        tag(
            "p", "An arrow goes from the account that gives to the one that receives, and carries the posting's reason."
        ),
        accounts,
        prose("Credits are positive: what a rider has is above zero, because the operator owes it."),
        table(
            ("Account", "What stands there"),
            [(tag("code", kind.value, class_="name"), inline(text)) for kind, text in facts.ACCOUNTS.items()],
        ),
        reasons,
        prose("`get-wallet-entries` and the exported journal name the same reasons. They never change."),
        table(
            ("Reason", "What happened"),
            [(tag("code", reason, class_="name"), inline(text)) for reason, text in facts.REASONS.items()],
        ),
        example,
        prose("In euros, prices with 25.5 % tax in them. Every row sums to zero, and so does the last one."),
        _example(),
        _clearing(),
        order,
        *_order(),
        life,
        *_life(),
        debt,
        *_debt(PaymentSettings()),
        keys,
        prose("Three keys stand between a rider and paying twice. Each is enough where the others cannot see."),
        table(("Key", "Who makes it", "What it does"), [tuple(map(inline, row)) for row in facts.KEYS]),
        deaths,
        prose("A process may be killed, and a line may go dead, between any two steps."),
        table(("What dies", "What is left", "What comes of it"), [tuple(map(inline, row)) for row in facts.DEATHS]),
        proof,
        *_proof(),
    ]


def _example() -> Markup:
    kinds = list(facts.ACCOUNTS)
    heads = ("What happens", "Reason", *(_short(kind) for kind in kinds))
    rows: list[tuple[str, ...]] = []
    for step in facts.EXAMPLE:
        amounts = (_signed(step.entries.get(kind, 0)) for kind in kinds)
        rows.append((step.what, tag("code", step.reason), *amounts))
    sums = (tag("strong", _signed(balance) or "0.00") for balance in _balances().values())
    rows.append((tag("strong", "In the end"), "", *sums))
    return table(heads, rows, class_="amounts")


def _short(kind: AccountKind) -> str:
    return kind.value.removeprefix("RIDER_").removeprefix("PROVIDER_").replace("_", " ").capitalize()


def _balances() -> Mapping[AccountKind, int]:
    return {kind: sum(step.entries.get(kind, 0) for step in facts.EXAMPLE) for kind in facts.ACCOUNTS}


def _clearing() -> Markup:
    held = -_balances()[AccountKind.PROVIDER_CLEARING]
    taken = -sum(
        step.entries[AccountKind.PROVIDER_CLEARING] for step in facts.EXAMPLE if step.reason == "card_captured"
    )
    back = sum(step.entries[AccountKind.PROVIDER_CLEARING] for step in facts.EXAMPLE if step.reason == "card_refunded")
    return prose(
        f"The provider's own records must say the same as the account that clears with it: {_plain(taken)} taken from "
        f"cards, {_plain(back)} given back, a dispute that was won, and so {_plain(held)} that it holds for the operator. "
        "`isotope reconcile` compares the two, movement by movement."
    )


def _order() -> list[Markup]:
    return [
        prose(
            "From first to last; each pays what it can, and the next one pays the rest. A ride keeps what came from where."
        ),
        table(
            ("Source", "In payment_info", "Remarks"),
            [
                ("Bonus", tag("code", "charged_bonus"), "The lot that ends first is spent first. Pays no fines."),
                ("Balance", tag("code", "charged_balance"), ""),
                (
                    "Card",
                    join([tag("code", "charged_card"), ", ", tag("code", "pending")]),
                    inline("If the ride was started with one. `pending` is what it is still asked for."),
                ),
                ("Debt", tag("code", "debt"), "What nothing was left for."),
            ],
        ),
        prose("Money that comes in goes the other way: it settles debt first, and what is left of it becomes balance."),
    ]


def _life() -> list[Markup]:
    calls = {
        call: [(outcome, after) for kind, outcome, after in facts.TRANSITIONS if kind is call] for call in facts.CALLS
    }
    rows = [
        (
            tag("code", call.value, class_="name"),
            inline(facts.CALLS[call]),
            inline("; ".join(f"{outcome.lower().replace('_', ' ')}: {_after(after)}" for outcome, after in known)),
        )
        for call, known in calls.items()
    ]
    return [
        states_picture(),
        prose(
            "A ride asks its card before its vehicle: an amount (of the model, or the operator; more where the ride "
            "costs more as it begins) is reserved when it starts. When it ends, the price is captured and the rest is let go. What costs more than was reserved is a "
            "second payment. The vehicle is free whether or not the card answers. A top-up or a debt is charged at once."
        ),
        table(
            ("State", "Meaning"),
            [(tag("code", state.value, class_="name"), inline(text)) for state, text in facts.STATES.items()],
        ),
        prose(
            "Each state is the outcome of a call to the provider. A call is decided and stored in one transaction, made "
            "outside of any, and its answer is recorded in another, together with the ledger and the ride."
        ),
        table(("Call", "What it asks", "What an answer makes of the payment"), rows),
    ]


def _after(state: PaymentStatus | None) -> str:
    return "as before" if state is None else f"`{state.value}`"


def _debt(settings: PaymentSettings) -> list[Markup]:
    times = ", ".join(_span(minutes) for minutes in settings.debt_after_min)
    return [
        prose(
            "Who owes cannot start a ride (`debt_open`) until it is paid: by a top-up, by `pay-debt`, or by the worker, "
            f"which tries the rider's card by the operator's schedule. Unless `payments.debt_after_min` says otherwise "
            f"that is, from when the debt arose: {times}. Times that were missed are not made up for, and one charge for "
            "a debt is under way at most. After the last time it is tried again when the rider saves a card or owes more."
        ),
    ]


def _span(minutes: int) -> str:
    if minutes == 0:
        return "at once"
    if minutes % _DAY_MIN == 0 and minutes >= _MANY_DAYS * _DAY_MIN:
        return f"{minutes // _DAY_MIN} days"
    return f"{minutes // _HOUR_MIN} h" if minutes % _HOUR_MIN == 0 else f"{minutes} min"


def _proof() -> list[Markup]:
    return [
        table(
            ("Who", "What"),
            [
                (
                    "The database",
                    "Refuses entries that do not sum to zero, any change of them, and balances below zero.",
                ),
                (tag("code", "isotope ledger check"), "Adds up every account from its entries, and compares."),
                (
                    tag("code", "isotope reconcile"),
                    "Compares ledger, calls and the provider's own records of a period.",
                ),
                (tag("code", "isotope ledger export"), "Writes the journal of a period for bookkeepers, with totals."),
                (
                    inline("`get-wallet-entries`, `get-receipts`"),
                    "Show the rider every movement, and every bill as data and on paper.",
                ),
            ],
        )
    ]


def _signed(minor: int) -> str:
    return "" if minor == 0 else f"{'-' if minor < 0 else '+'}{_plain(abs(minor))}".replace("-", "\N{MINUS SIGN}")


def _plain(minor: int) -> str:
    return f"{minor / 100:.2f}"
