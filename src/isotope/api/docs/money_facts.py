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
    A.RIDER_DEPOSIT: "What of a rider's balance is kept while a booked vehicle is out, and until staff have looked at it. "
    "Deposits on cards are reserved there and stand in no account. Never below zero.",
    A.DRIVER_BALANCE: "What a driver has earned, less the cash that riders gave them. Below zero the driver owes it.",
    A.REVENUE: "What rides, fines, subscriptions, bookings and trips brought, without tax, less what drivers earned.",
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
    "booking": "A vehicle is booked. Its price is taken from bonus, then balance; the rest is awaited from the card. Debt "
    "only where the operator's own system books and lets the rider owe it.",
    "booking_extension": "A booking is given more time. As a booking.",
    "booking_unpaid": "The card did not pay a booking, or more time: all of it is taken back, and nothing was bought.",
    "booking_settlement": "A booked vehicle came back: what came up by then (kilometres, late time, missing charge or fuel). "
    "Taken as the price of a ride is; what nothing pays is debt.",
    "booking_claim": "Staff charge a booking for something, such as damage. As above. A deposit pays the debt.",
    "booking_refund": "A booking was cancelled, nobody came, it was brought back early, the card paid too late, or staff give "
    "something back: as a refund.",
    "trip": "A taxi trip ended that is not paid in cash, or not all of it. As a ride.",
    "trip_fee": "A rider cancelled a trip too late, or did not come: the fee, as above.",
    "trip_cash": "A driver was given the fare of a trip, or a part, in cash: they have it, so they owe it.",
    "trip_earning": "What of a trip's price, or of its fee, is the driver's: all but the operator's commission.",
    "trip_refund": "Staff give back a part or all of a trip: as a refund. Cash comes back as balance; the driver's share stays.",
    "driver_paid": "The operator paid a driver, or a driver handed cash over, outside of the ledger.",
    "driver_adjusted": "Staff correct what a driver is owed.",
    "deposit_kept": "A vehicle is picked up by a rider who pays from the wallet: the deposit is set aside of the balance.",
    "deposit_returned": "It is let go: it settles debt first, and so what is owed for the booking; the rest is balance.",
    "card_captured": "The card paid: what it was awaited for, or a top-up, which settles debt first; so does what is "
    "taken of a deposit.",
    "card_refused": "The card did not pay a ride, a fine, or what came up with a booking: what was awaited is debt.",
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
    Step(
        "She books a car for 60.00: bonus and balance first",
        "booking",
        {A.RIDER_BONUS: -800, A.RIDER_BALANCE: -240, A.RIDER_IN_TRANSIT: -4960, A.REVENUE: 4781, A.TAX: 1219},
    ),
    Step(
        "The card refuses: nothing was booked",
        "booking_unpaid",
        {A.RIDER_BONUS: 800, A.RIDER_BALANCE: 240, A.RIDER_IN_TRANSIT: 4960, A.REVENUE: -4781, A.TAX: -1219},
    ),
    Step("She tops up 100.00", "card_captured", {A.PROVIDER_CLEARING: -10_000, A.RIDER_BALANCE: 10_000}),
    Step(
        "and books it again, from the wallet",
        "booking",
        {A.RIDER_BONUS: -800, A.RIDER_BALANCE: -5200, A.REVENUE: 4781, A.TAX: 1219},
    ),
    Step(
        "She picks it up; 30.00 are kept as a deposit", "deposit_kept", {A.RIDER_BALANCE: -3000, A.RIDER_DEPOSIT: 3000}
    ),
    Step("One hour more, for 8.00", "booking_extension", {A.RIDER_BALANCE: -800, A.REVENUE: 637, A.TAX: 163}),
    Step(
        "She brings it back 14 km over what was included: 7.00",
        "booking_settlement",
        {A.RIDER_BALANCE: -700, A.REVENUE: 558, A.TAX: 142},
    ),
    Step(
        "Staff find a scratch: 15.00, of which she has 5.40",
        "booking_claim",
        {A.RIDER_BALANCE: -540, A.RIDER_DEBT: -960, A.REVENUE: 1195, A.TAX: 305},
    ),
    Step(
        "The deposit is let go: it pays the rest",
        "deposit_returned",
        {A.RIDER_DEPOSIT: -3000, A.RIDER_DEBT: 960, A.RIDER_BALANCE: 2040},
    ),
    Step(
        "It was an old scratch: they give 15.00 back",
        "booking_refund",
        {A.REVENUE: -1195, A.TAX: -305, A.RIDER_BALANCE: 1500},
    ),
    Step("She takes a taxi for 12.00, from the wallet", "trip", {A.RIDER_BALANCE: -1200, A.REVENUE: 956, A.TAX: 244}),
    Step("Dora drove it; the commission is 20 %", "trip_earning", {A.REVENUE: -960, A.DRIVER_BALANCE: 960}),
    Step(
        "Her way back costs 10.00, which she gives Dora in cash",
        "trip_cash",
        {A.DRIVER_BALANCE: -1000, A.REVENUE: 797, A.TAX: 203},
    ),
    Step("Dora has earned of it, too", "trip_earning", {A.REVENUE: -800, A.DRIVER_BALANCE: 800}),
    Step("She cancels a third one too late: 5.00", "trip_fee", {A.RIDER_BALANCE: -500, A.REVENUE: 398, A.TAX: 102}),
    Step("Nobody had to wait: it is given back", "trip_refund", {A.REVENUE: -398, A.TAX: -102, A.RIDER_BALANCE: 500}),
    Step("Dora is promised 1.00 for her trouble", "driver_adjusted", {A.ADJUSTMENTS: -100, A.DRIVER_BALANCE: 100}),
    Step("On Monday she is paid", "driver_paid", {A.DRIVER_BALANCE: -860, A.ADJUSTMENTS: 860}),
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
    C.AUTHORISE: "Reserve an amount, before a ride starts; a deposit, before a booked vehicle is picked up.",
    C.CAPTURE: "Take what was reserved, or a part, when the ride has ended; of a deposit, what is owed for the booking.",
    C.RELEASE: "Let go what was reserved: the ride was free, or did not start; nothing is taken of the deposit.",
    C.CHARGE: "Take an amount at once: a top-up, a debt, a booking, or what a ride cost above the reservation.",
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
        "The card pays a booking when it was given up already",
        "A payment of something that is not to be had any more.",
        "All of it is given back to the card. If it then says no, what the wallet paid is posted back.",
    ),
    (
        "The reservation of a deposit has run out at the bank when something is taken of it",
        "A capture that is refused.",
        "Nothing was taken: what is owed stays a debt, and is collected as any other.",
    ),
    (
        "A webhook is lost, late, doubled or forged",
        "Nothing depends on it.",
        "Webhooks only make the worker look sooner; what is true is asked of the provider. Without a valid signature: 400.",
    ),
    ("A worker, or the machine", "Everything is in the store.", "The next worker takes over within half a minute."),
)
