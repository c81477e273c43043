"""What the page about money says, as data: tests hold it against the ledger, the payments and the rules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from isotope.domain.payments.model import CallKind, PaymentStatus
from isotope.domain.wallet.model import AccountKind

A = AccountKind
S = PaymentStatus
C = CallKind

ACCOUNTS: Final[Mapping[AccountKind, str]] = {
    A.RIDER_BALANCE: "What a rider has: paid in, or given back. Never below zero.",
    A.RIDER_BONUS: "Rides that a rider was promised. Spent first, may end, never becomes money. Never below zero.",
    A.RIDER_DEBT: "What a rider owes, as a negative number. While it is not zero no ride can be started.",
    A.RIDER_IN_TRANSIT: "What is on its way between a rider's card and us: below zero it is awaited from the card, above "
    "zero it goes back. Zero when nothing is open.",
    A.REVENUE: "What rides, fines and subscriptions brought, without tax.",
    A.TAX: "The tax in it, owed to the state.",
    A.PROVIDER_CLEARING: "What the card provider holds for the operator, as a negative number.",
    A.ADJUSTMENTS: "What the operator gave away, less bonus that ended unused.",
    A.CHARGEBACKS: "What banks took back in disputes, as a negative number.",
}

# What each reason of the ledger says; `card_captured` and `refund` post to different accounts by what they are for.
REASONS: Final[Mapping[str, str]] = {
    "money_added": "The operator gives money (it settles debt first) or bonus.",
    "ride": "A ride ended. Its price is taken from bonus, then balance; the rest is awaited from the card, or is debt.",
    "fine": "Staff fine the rider of a ride. As a ride, but never from bonus, and without tax.",
    "reservation": "A reservation ended unused. Its fee is taken from bonus, then balance; the rest is debt, which a saved "
    "card is tried for. The fee of one that became a ride stands on the ride's bill.",
    "subscription": "A period of a subscription is bought: from balance (bonus first, where the operator lets it); the rest "
    "is awaited from the card. Never debt.",
    "subscription_unpaid": "The card did not pay it: all of it is taken back, and nothing was bought.",
    "card_captured": "The card paid: what it was awaited for, or a top-up, which settles debt first.",
    "card_refused": "The card did not pay a ride or a fine: what was awaited is debt.",
    "debt_settled": "Balance pays debt. Only where money came in while a card was being asked.",
    "refund": "Staff give back a part or all of a ride or a fine, or a second look at a short ride does: revenue and tax shrink, and the money goes back the way "
    "it came. What was owed is forgiven first, then card, balance, bonus.",
    "card_refunded": "The provider gave it back to the card.",
    "refund_to_wallet": "The provider could not give it back to the card: the wallet gets it.",
    "zone_bonus": "A ride ended in a bonus zone: after it was charged its rider gets bonus.",
    "bonus_expired": "Bonus came to its end unused.",
    "promo": "A promo code gives the rider bonus.",
    "referral": "A new rider redeems another one's referral code: bonus.",
    "referral_reward": "The new rider has paid a ride: who brought them gets bonus.",
    "disputed": "A rider's bank took a payment back.",
    "dispute_won": "The bank gave it to us again.",
}


@dataclass(frozen=True, slots=True)
class Step:
    """A line of the worked example: amounts in cents by account, credits positive."""

    what: str
    reason: str
    entries: Mapping[AccountKind, int]


EXAMPLE: Final[Sequence[Step]] = (
    Step(
        "Ada is new and redeems a friend's code: a bonus of 2.00", "referral", {A.RIDER_BONUS: 200, A.ADJUSTMENTS: -200}
    ),
    Step(
        "She rides for 5.40 and pays by card: the bonus first",
        "ride",
        {A.RIDER_BONUS: -200, A.RIDER_IN_TRANSIT: -340, A.REVENUE: 430, A.TAX: 110},
    ),
    Step("The card pays", "card_captured", {A.PROVIDER_CLEARING: -340, A.RIDER_IN_TRANSIT: 340}),
    Step("She tops up 10.00", "card_captured", {A.PROVIDER_CLEARING: -1000, A.RIDER_BALANCE: 1000}),
    Step(
        "She rides for 12.60: the balance first",
        "ride",
        {A.RIDER_BALANCE: -1000, A.RIDER_IN_TRANSIT: -260, A.REVENUE: 1004, A.TAX: 256},
    ),
    Step("The card refuses the rest", "card_refused", {A.RIDER_IN_TRANSIT: 260, A.RIDER_DEBT: -260}),
    Step("An hour later it pays the debt", "card_captured", {A.PROVIDER_CLEARING: -260, A.RIDER_DEBT: 260}),
    Step("Support refunds 2.00 of the first ride", "refund", {A.REVENUE: -159, A.TAX: -41, A.RIDER_IN_TRANSIT: 200}),
    Step("The card has it back", "card_refunded", {A.RIDER_IN_TRANSIT: -200, A.PROVIDER_CLEARING: 200}),
    Step("She is fined 25.00 for where she parked", "fine", {A.RIDER_IN_TRANSIT: -2500, A.REVENUE: 2500}),
    Step("The card refuses it", "card_refused", {A.RIDER_IN_TRANSIT: 2500, A.RIDER_DEBT: -2500}),
    Step(
        "She tops up 30.00: it settles the debt first",
        "card_captured",
        {A.PROVIDER_CLEARING: -3000, A.RIDER_DEBT: 2500, A.RIDER_BALANCE: 500},
    ),
    Step("Support refunds 1.40 more of it", "refund", {A.REVENUE: -112, A.TAX: -28, A.RIDER_IN_TRANSIT: 140}),
    Step(
        "That card is closed: the wallet gets it", "refund_to_wallet", {A.RIDER_IN_TRANSIT: -140, A.RIDER_BALANCE: 140}
    ),
    Step(
        "She rides for 9.00; the card is asked for 2.60",
        "ride",
        {A.RIDER_BALANCE: -640, A.RIDER_IN_TRANSIT: -260, A.REVENUE: 717, A.TAX: 183},
    ),
    Step("Meanwhile the operator gives her 5.00", "money_added", {A.RIDER_BALANCE: 500, A.ADJUSTMENTS: -500}),
    Step("The card refuses", "card_refused", {A.RIDER_IN_TRANSIT: 260, A.RIDER_DEBT: -260}),
    Step("She has both now, so one pays the other", "debt_settled", {A.RIDER_BALANCE: -260, A.RIDER_DEBT: 260}),
    Step("A second bonus of 1.50", "money_added", {A.RIDER_BONUS: 150, A.ADJUSTMENTS: -150}),
    Step("ends unused after 90 days", "bonus_expired", {A.RIDER_BONUS: -150, A.ADJUSTMENTS: 150}),
    Step("A promo code gives her 3.00", "promo", {A.RIDER_BONUS: 300, A.ADJUSTMENTS: -300}),
    Step("She brings a friend herself", "referral_reward", {A.RIDER_BONUS: 500, A.ADJUSTMENTS: -500}),
    Step("Her last ride ended in a bonus zone", "zone_bonus", {A.RIDER_BONUS: 50, A.ADJUSTMENTS: -50}),
    Step(
        "She buys a subscription for 24.90: what she has first",
        "subscription",
        {A.RIDER_BALANCE: -240, A.RIDER_IN_TRANSIT: -2250, A.REVENUE: 1984, A.TAX: 506},
    ),
    Step(
        "The card refuses: nothing was bought",
        "subscription_unpaid",
        {A.RIDER_BALANCE: 240, A.RIDER_IN_TRANSIT: 2250, A.REVENUE: -1984, A.TAX: -506},
    ),
    Step("Her bank takes the first top-up back", "disputed", {A.PROVIDER_CLEARING: 1000, A.CHARGEBACKS: -1000}),
    Step("and returns it", "dispute_won", {A.PROVIDER_CLEARING: -1000, A.CHARGEBACKS: 1000}),
    Step("A reservation for 0.50 expires unused", "reservation", {A.RIDER_BONUS: -50, A.REVENUE: 40, A.TAX: 10}),
)

STATES: Final[Mapping[PaymentStatus, str]] = {
    S.AUTHORISING: "The first call is under way, or nobody knows yet what became of it.",
    S.ACTION_REQUIRED: "The bank wants the rider to confirm it on a page (3-D Secure). Not confirmed in an hour: `FAILED`.",
    S.AUTHORISED: "The amount is reserved; no money moved.",
    S.CAPTURED: "Money was taken, maybe less than was reserved; the provider lets the rest go. Refunds follow from here.",
    S.RELEASED: "Nothing was taken.",
    S.FAILED: "The provider said no. `reason` tells the rider why.",
}

CALLS: Final[Mapping[CallKind, str]] = {
    C.AUTHORISE: "Reserve an amount, before a ride starts.",
    C.CAPTURE: "Take what was reserved, or a part, when the ride has ended.",
    C.RELEASE: "Let go what was reserved: the ride was free, or did not start.",
    C.CHARGE: "Take an amount at once: a top-up, a debt, or what a ride cost above the reservation.",
    C.REFUND: "Give back what was taken, or a part.",
}

# What an answer makes of a payment: call, outcome, state after it (None: as before).
TRANSITIONS: Final[Sequence[tuple[CallKind, str, PaymentStatus | None]]] = (
    (C.AUTHORISE, "DONE", S.AUTHORISED),
    (C.AUTHORISE, "REFUSED", S.FAILED),
    (C.AUTHORISE, "ACTION_REQUIRED", S.ACTION_REQUIRED),
    (C.CHARGE, "DONE", S.CAPTURED),
    (C.CHARGE, "REFUSED", S.FAILED),
    (C.CHARGE, "ACTION_REQUIRED", S.ACTION_REQUIRED),
    (C.CAPTURE, "DONE", S.CAPTURED),
    (C.CAPTURE, "REFUSED", S.FAILED),
    (C.RELEASE, "DONE", S.RELEASED),
    (C.RELEASE, "REFUSED", None),
    (C.REFUND, "DONE", None),
    (C.REFUND, "REFUSED", None),
)

# How long a call belongs to the request that stored it, and how long a reservation nobody has seen is waited for.
LEFT_TO_CALLER_S: Final = 20
GIVE_UP_MIN: Final = 15

KEYS: Final[Sequence[tuple[str, str, str]]] = (
    (
        "`Idempotency-Key` of a request",
        "the client, one for each thing that is to be done",
        "The same answer for 24 hours, and nothing is done again. A top-up and `add-money` are never done again.",
    ),
    (
        "The key of a call",
        "we, at random, stored with the call before it is sent",
        "The provider does it once, however often it is sent.",
    ),
    (
        "Reason and cause of a posting",
        "the code: `ride` of `ride:12`, `card_captured` of `card_call:7`",
        "The ledger has each pair once. A second posting changes nothing and answers what stands there.",
    ),
)

DEATHS: Final[Sequence[tuple[str, str, str]]] = (
    ("Before the call is stored", "Nothing.", "Nothing happened. Whoever asked asks again."),
    (
        "After it is stored, before it is sent",
        "An open call; the amount stands in transit.",
        (
            f"After {LEFT_TO_CALLER_S} s the worker asks the provider by the call's key, learns that it never came, and sends it "
            f"with the same key. A reservation is not sent again: after {GIVE_UP_MIN} min it is given up."
        ),
    ),
    (
        "After the provider did it, before we wrote it down",
        "An open call, and money taken.",
        "The worker asks by the key, is told, and writes it down: one charge, one posting.",
    ),
    (
        "While we write it down",
        "Either all or nothing of it.",
        "Call, payment, ledger and ride change in one transaction.",
    ),
    (
        "The provider does not answer",
        "A start is refused (`card_no_answer`), an end is not: its amount is `pending`.",
        "As above. A reservation that turns out to exist is let go.",
    ),
    (
        "A webhook is lost, late, doubled or forged",
        "Nothing depends on it.",
        "Webhooks only make the worker look sooner; what is true is asked of the provider. Without a valid signature: 400.",
    ),
    ("A worker, or the machine", "Everything is in the store.", "The next worker takes over within half a minute."),
)
