"""As much of Stripe's API as a payment by card meets, with a memory: shapes, refusals and idempotency as documented.

It knows nothing of the adapter. What it does not know of a request it refuses, as Stripe does. Source:
docs.stripe.com/api, version 2026-10-28.endive.
"""

import copy
import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from isotope.infra.clock import Clock

VERSION: Final = "2026-10-28.endive"
Params = Mapping[str, Any]

_WHOLE_HUNDREDS: Final = {"isk", "ugx"}
_WHOLE_TENS: Final = {"bhd", "jod", "kwd", "omr", "tnd"}
_MAX_PAGE: Final = 100


class StripeError(Exception):
    """An answer that is no success. `executed`: the endpoint ran, so that the key keeps this answer."""

    def __init__(self, status: int, kind: str, *, executed: bool = False, **details: Any) -> None:
        super().__init__(details.get("code"))
        self.status = status
        self.body = {"error": {"type": kind, "message": "Sorry, 4242 and pm_secret.", **details}}
        self.executed = executed


def invalid(code: str | None, param: str | None = None, status: int = 400, **details: Any) -> StripeError:
    return StripeError(status, "invalid_request_error", code=code, param=param, **details)


def missing(param: str, status: int = 404) -> StripeError:
    return invalid("resource_missing", param, status)


@dataclass(frozen=True, slots=True, kw_only=True)
class TestCard:
    """What a card does. The `at_` ones are a code and a decline code."""

    __test__ = False

    brand: str = "visa"
    last4: str = "4242"
    exp_month: int = 12
    exp_year: int = 2034
    at_setup: tuple[str, str | None] | None = None
    at_charge: tuple[str, str | None] | None = None
    charges: int = 0
    at_capture: tuple[str, str | None] | None = None
    refund_status: str = "succeeded"
    asks: bool = False


CARDS: Final[Mapping[str, TestCard]] = {
    "ok": TestCard(),
    "ok_mastercard": TestCard(brand="mastercard", last4="4444"),
    "declined": TestCard(last4="0002", at_charge=("card_declined", "generic_decline")),
    "lost_card": TestCard(last4="9987", at_charge=("card_declined", "lost_card")),
    "insufficient_funds": TestCard(last4="9995", at_charge=("card_declined", "insufficient_funds")),
    "expired": TestCard(last4="0069", at_charge=("expired_card", "expired_card"), exp_month=1, exp_year=2020),
    "setup_refused": TestCard(last4="0341", at_setup=("card_declined", "generic_decline")),
    "needs_3ds": TestCard(last4="3220", asks=True),
    "declined_at_capture": TestCard(last4="0259", at_capture=("card_declined", "generic_decline")),
    "charges_decline_after_first": TestCard(last4="0341", at_charge=("card_declined", "generic_decline"), charges=1),
    "refund_refused": TestCard(last4="5126", refund_status="failed"),
    "refund_pending": TestCard(last4="7726", refund_status="pending"),
}


@dataclass
class StripeApi:
    """One account at Stripe (and those connected to it, by `account`), on a clock that the test sets."""

    clock: Clock
    base_url: str = ""
    _objects: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    _card_names: dict[str, str] = field(default_factory=dict)
    _ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _return_urls: dict[str, str] = field(default_factory=dict)

    def call(self, method: str, path: str, params: Params, account: str) -> dict[str, Any]:
        """What an endpoint answers. Raises `StripeError`."""
        parts = path.removeprefix("/v1/").split("/")
        if parts[:2] == ["checkout", "sessions"]:
            parts = ["checkout_sessions", *parts[2:]]
        endpoint = _ENDPOINTS.get((method, parts[0], len(parts), parts[2] if len(parts) > 2 else ""))
        if endpoint is None:
            raise invalid("url_invalid", status=404)
        names, run = endpoint
        for name in params:
            if name not in names:
                raise invalid("parameter_unknown", name)
        return run(self, params, account, *parts[1:2])

    # What the test does, beside the API.

    def add_customer(self, account: str = "") -> dict[str, Any]:
        return self._new(account, "cus", "customer", metadata={})

    def add_card(self, name: str, customer: str, account: str = "") -> dict[str, Any]:
        card = CARDS[name]
        made = self._new(
            account,
            "pm",
            "payment_method",
            type="card",
            customer=customer,
            card={
                "brand": card.brand,
                "last4": card.last4,
                "exp_month": card.exp_month,
                "exp_year": card.exp_year,
            },
        )
        self._card_names[made["id"]] = name
        return made

    def complete_setup(self, session_id: str, card_name: str) -> str | None:
        """The rider enters a card on the page; where the browser goes then, None: nowhere, the card is declined."""
        account, session = self.find(session_id)
        setup = self._objects[account, session["setup_intent"]]
        refusal = CARDS[card_name].at_setup
        if refusal is not None:
            setup["last_setup_error"] = {"type": "card_error", "code": refusal[0], "decline_code": refusal[1]}
            return None
        method = self.add_card(card_name, session["customer"], account)
        setup |= {"status": "succeeded", "payment_method": method["id"], "last_setup_error": None}
        session |= {"status": "complete", "url": None}
        return str(session["success_url"])

    def expire_session(self, session_id: str) -> None:
        account, session = self.find(session_id)
        session |= {"status": "expired", "url": None}
        self._objects[account, session["setup_intent"]]["status"] = "canceled"

    def authenticate(self, intent_id: str, *, agrees: bool) -> str:
        """The rider at their bank (3-D Secure); where the browser goes then."""
        account, intent = self.find(intent_id)
        if intent["status"] == "requires_action":
            intent["next_action"] = None
            if agrees:
                self._take(account, intent)
            else:
                error = {"type": "invalid_request_error", "code": "payment_intent_authentication_failure"}
                intent |= {"status": "requires_payment_method", "last_payment_error": error, "payment_method": None}
        return self._return_urls[intent_id]

    def expire_authorisation(self, intent_id: str) -> None:
        _, intent = self.find(intent_id)
        intent |= {"status": "canceled", "cancellation_reason": "automatic", "amount_capturable": 0}

    def open_dispute(self, intent_id: str, amount: int | None = None, status: str = "needs_response") -> str:
        account, intent = self.find(intent_id)
        charge = self._objects[account, intent["latest_charge"]]
        charge["disputed"] = True
        dispute = self._new(
            account,
            "dp",
            "dispute",
            amount=charge["amount_captured"] - charge["amount_refunded"] if amount is None else amount,
            currency=charge["currency"],
            charge=charge["id"],
            payment_intent=intent_id,
            status=status,
            reason="fraudulent",
        )
        if not status.startswith("warning"):
            self._move(account, dispute, "adjustment", "dispute", -dispute["amount"])
        return str(dispute["id"])

    def end_dispute(self, dispute_id: str, *, won: bool) -> None:
        account, dispute = self.find(dispute_id)
        dispute["status"] = "won" if won else "lost"
        if won:
            self._move(account, dispute, "adjustment", "dispute_reversal", dispute["amount"])

    def settle_refund(self, refund_id: str, *, succeeds: bool) -> None:
        """What was pending is decided, or what had succeeded is sent back by the bank."""
        account, refund = self.find(refund_id)
        if succeeds:
            self._refund_moves(account, refund)
        elif refund["status"] == "succeeded":
            self._move(account, refund, "refund_failure", "refund_failure", refund["amount"])
        refund["status"] = "succeeded" if succeeds else "failed"

    def add_transaction(self, type_: str, reporting_category: str, amount: int, account: str = "") -> None:
        """A payout, a fee: what is none of a payment."""
        source = self._new(account, "po", "payout", amount=amount, currency="eur")
        self._move(account, source, type_, reporting_category, -amount)

    def find(self, ref: str) -> tuple[str, dict[str, Any]]:
        return next((account, found) for (account, id_), found in self._objects.items() if id_ == ref)

    def all_of(self, kind: str) -> list[dict[str, Any]]:
        """Every object of a kind, oldest first."""
        return [found for found in self._objects.values() if found["object"] == kind]

    # The endpoints.

    def create_customer(self, params: Params, account: str) -> dict[str, Any]:
        return self._new(account, "cus", "customer", metadata=params.get("metadata", {}))

    def create_session(self, params: Params, account: str) -> dict[str, Any]:
        if params.get("mode") != "setup" or params.get("allowed_payment_method_types") != ["card"]:
            raise invalid("parameter_invalid_string_empty", "mode")
        self._need(account, params["customer"], "customer", "customer")
        for name in ("success_url", "cancel_url"):
            if not str(params.get(name, "")).startswith(("https://", "http://")):
                raise invalid("url_invalid", name)
        setup = self._new(
            account,
            "seti",
            "setup_intent",
            customer=params["customer"],
            metadata=params.get("setup_intent_data", {}).get("metadata", {}),
            status="requires_payment_method",
            payment_method=None,
            last_setup_error=None,
            usage="off_session",
        )
        session = self._new(
            account,
            "cs",
            "checkout.session",
            mode="setup",
            status="open",
            customer=params["customer"],
            success_url=params["success_url"],
            cancel_url=params["cancel_url"],
            locale=params.get("locale"),
            metadata=params.get("metadata", {}),
            setup_intent=setup["id"],
        )
        session["url"] = f"{self.base_url}/pay/{session['id']}"
        return session

    def retrieve_session(self, params: Params, account: str, ref: str) -> dict[str, Any]:
        return self._expanded(account, self._need(account, ref, "checkout.session"), params.get("expand", []))

    def retrieve_method(self, _params: Params, account: str, ref: str) -> dict[str, Any]:
        return self._need(account, ref, "payment_method")

    def detach(self, _params: Params, account: str, ref: str) -> dict[str, Any]:
        method = self._need(account, ref, "payment_method")
        if method["customer"] is None:
            raise invalid(None, None)
        method["customer"] = None
        return method

    def create_intent(self, params: Params, account: str) -> dict[str, Any]:
        amount, currency = _amount_of(params, "amount"), str(params["currency"])
        _check_amount(amount, currency)
        if params.get("allowed_payment_method_types") != ["card"]:
            raise invalid("parameter_missing", "return_url")
        self._need(account, params["customer"], "customer", "customer")
        method = self._need(account, params["payment_method"], "payment_method", "payment_method")
        if method["customer"] != params["customer"]:
            raise invalid(None, None)
        off_session = params.get("off_session") == "true"
        intent = self._new(
            account,
            "pi",
            "payment_intent",
            amount=amount,
            amount_capturable=0,
            amount_received=0,
            capture_method=params["capture_method"],
            currency=currency,
            customer=params["customer"],
            description=params.get("description"),
            metadata=params.get("metadata", {}),
            payment_method=method["id"],
            payment_method_types=["card"],
            status="requires_confirmation",
            next_action=None,
            last_payment_error=None,
            latest_charge=None,
            cancellation_reason=None,
        )
        intent["client_secret"] = f"{intent['id']}_secret_x"
        card = CARDS[self._card_names[method["id"]]]
        if card.asks and not off_session:
            self._return_urls[intent["id"]] = params["return_url"]
            url = f"{self.base_url}/authenticate/{intent['id']}"
            redirect = {"return_url": params["return_url"], "url": url}
            intent |= {
                "status": "requires_action",
                "next_action": {"type": "redirect_to_url", "redirect_to_url": redirect},
            }
            return intent
        refusal = ("authentication_required", "authentication_required") if card.asks else card.at_charge
        if refusal is not None and (card.asks or self._charges_of(account, method["id"]) >= card.charges):
            raise self._declined(intent, refusal)
        self._take(account, intent)
        return intent

    def list_intents(self, params: Params, account: str) -> dict[str, Any]:
        found = [
            one
            for one in self._mine(account, "payment_intent")
            if one["customer"] == params.get("customer", one["customer"])
        ]
        return self._page(found, params, account)

    def retrieve_intent(self, _params: Params, account: str, ref: str) -> dict[str, Any]:
        return self._need(account, ref, "payment_intent")

    def capture(self, params: Params, account: str, ref: str) -> dict[str, Any]:
        intent = self._need(account, ref, "payment_intent")
        if intent["status"] != "requires_capture":
            raise self._unexpected_state(intent)
        amount = _amount_of(params, "amount_to_capture")
        if amount > intent["amount_capturable"]:
            raise invalid("amount_too_large", "amount_to_capture")
        _check_amount(amount, intent["currency"])
        refusal = CARDS[self._card_names[intent["payment_method"]]].at_capture
        if refusal is not None:
            error = {"code": refusal[0], "decline_code": refusal[1]}
            raise StripeError(402, "card_error", executed=True, **error)
        intent["metadata"] = {**intent["metadata"], **params.get("metadata", {})}
        charge = self._objects[account, intent["latest_charge"]]
        charge |= {"captured": True, "amount_captured": amount}
        intent |= {"status": "succeeded", "amount_received": amount, "amount_capturable": 0}
        self._move(account, charge, "charge", "charge", amount)
        return intent

    def cancel(self, _params: Params, account: str, ref: str) -> dict[str, Any]:
        intent = self._need(account, ref, "payment_intent")
        if intent["status"] in {"canceled", "succeeded", "processing"}:
            raise self._unexpected_state(intent)
        intent |= {"status": "canceled", "amount_capturable": 0, "next_action": None}
        return intent

    def create_refund(self, params: Params, account: str) -> dict[str, Any]:
        intent = self._need(account, params["payment_intent"], "payment_intent", "payment_intent")
        if intent["status"] != "succeeded":
            raise self._unexpected_state(intent)
        charge = self._objects[account, intent["latest_charge"]]
        amount = _amount_of(params, "amount")
        _check_amount(amount, intent["currency"])
        left = charge["amount_captured"] - charge["amount_refunded"]
        if charge["disputed"]:
            raise invalid("charge_disputed")
        if left == 0:
            raise invalid("charge_already_refunded")
        if amount > left:
            raise invalid(None, "amount")
        status = CARDS[self._card_names[intent["payment_method"]]].refund_status
        refund = self._new(
            account,
            "re",
            "refund",
            amount=amount,
            currency=intent["currency"],
            charge=charge["id"],
            payment_intent=intent["id"],
            metadata=params.get("metadata", {}),
            status=status,
        )
        if status == "succeeded":
            self._refund_moves(account, refund)
        return refund

    def list_refunds(self, params: Params, account: str) -> dict[str, Any]:
        intent = self._need(account, params["payment_intent"], "payment_intent", "payment_intent")
        found = [one for one in self._mine(account, "refund") if one["payment_intent"] == intent["id"]]
        return self._page(found, params, account)

    def retrieve_dispute(self, _params: Params, account: str, ref: str) -> dict[str, Any]:
        return self._need(account, ref, "dispute")

    def list_transactions(self, params: Params, account: str) -> dict[str, Any]:
        return self._page(self._mine(account, "balance_transaction"), params, account)

    # What they share.

    def _new(self, account: str, prefix: str, kind: str, **values: Any) -> dict[str, Any]:
        made = {
            "id": f"{prefix}_{next(self._ids):014d}",
            "object": kind,
            "created": int(self.clock.now().timestamp()),
            "livemode": False,
            **values,
        }
        self._objects[account, made["id"]] = made
        return made

    def _need(self, account: str, ref: str, kind: str, param: str | None = None) -> dict[str, Any]:
        found = self._objects.get((account, ref))
        if found is None or found["object"] != kind:
            raise missing(param or "id", 404 if param is None else 400)
        return found

    def _mine(self, account: str, kind: str) -> list[dict[str, Any]]:
        return [one for (owner, _), one in self._objects.items() if owner == account and one["object"] == kind]

    def _charges_of(self, account: str, method: str) -> int:
        return sum(one["payment_method"] == method for one in self._mine(account, "charge"))

    def _take(self, account: str, intent: dict[str, Any]) -> None:
        captured = intent["capture_method"] != "manual"
        charge = self._new(
            account,
            "ch",
            "charge",
            amount=intent["amount"],
            amount_captured=intent["amount"] if captured else 0,
            amount_refunded=0,
            captured=captured,
            currency=intent["currency"],
            disputed=False,
            metadata=dict(intent["metadata"]),
            payment_intent=intent["id"],
            payment_method=intent["payment_method"],
            status="succeeded",
        )
        intent["latest_charge"] = charge["id"]
        if captured:
            intent |= {"status": "succeeded", "amount_received": intent["amount"]}
            self._move(account, charge, "charge", "charge", intent["amount"])
        else:
            intent |= {"status": "requires_capture", "amount_capturable": intent["amount"]}

    def _declined(self, intent: dict[str, Any], refusal: tuple[str, str | None]) -> StripeError:
        error = {"type": "card_error", "code": refusal[0], "decline_code": refusal[1]}
        intent |= {"status": "requires_payment_method", "last_payment_error": error, "payment_method": None}
        details = {"code": refusal[0], "decline_code": refusal[1], "payment_intent": copy.deepcopy(intent)}
        return StripeError(402, "card_error", executed=True, **details)

    def _unexpected_state(self, intent: dict[str, Any]) -> StripeError:
        return invalid("payment_intent_unexpected_state", payment_intent=copy.deepcopy(intent))

    def _refund_moves(self, account: str, refund: dict[str, Any]) -> None:
        self._objects[account, refund["charge"]]["amount_refunded"] += refund["amount"]
        self._move(account, refund, "refund", "refund", -refund["amount"])

    def _move(self, account: str, source: dict[str, Any], type_: str, category: str, amount: int) -> None:
        self._new(
            account,
            "txn",
            "balance_transaction",
            amount=amount,
            fee=0,
            net=amount,
            currency=source["currency"],
            type=type_,
            reporting_category=category,
            source=source["id"],
        )

    def _page(self, oldest_first: list[dict[str, Any]], params: Params, account: str) -> dict[str, Any]:
        """Newest first. `ending_before` gives what is just above it, and `has_more` then says what is above that."""
        limit = int(params.get("limit", 10))
        if not 1 <= limit <= _MAX_PAGE:
            raise invalid("parameter_invalid_integer", "limit")
        bounds = params.get("created", {})
        listed = [
            one
            for one in reversed(oldest_first)
            if int(bounds.get("gte", 0)) <= one["created"] < int(bounds.get("lt", 2**40))
        ]
        order = [one["id"] for one in reversed(oldest_first)]
        if "ending_before" in params:
            place = _place(order, params["ending_before"], "ending_before")
            above = [one for one in listed if order.index(one["id"]) < place]
            data, has_more = above[-limit:], len(above) > limit
        else:
            below = listed
            if "starting_after" in params:
                place = _place(order, params["starting_after"], "starting_after")
                below = [one for one in listed if order.index(one["id"]) > place]
            data, has_more = below[:limit], len(below) > limit
        expand = [path.removeprefix("data.") for path in params.get("expand", [])]
        return {
            "object": "list",
            "url": "/v1",
            "has_more": has_more,
            "data": [self._expanded(account, one, expand) for one in data],
        }

    def _expanded(self, account: str, found: dict[str, Any], paths: list[str]) -> dict[str, Any]:
        """Objects in the place of their ids; a path that this kind of object does not have is passed over."""
        copied = copy.deepcopy(found)
        for path in paths:
            place = copied
            for name in path.split("."):
                if not isinstance(place, dict) or place.get(name) is None:
                    break
                if isinstance(place[name], str):
                    place[name] = copy.deepcopy(self._objects[account, place[name]])
                place = place[name]
        return copied


def _place(order: list[str], ref: str, param: str) -> int:
    if ref not in order:
        raise missing(param, 400)
    return order.index(ref)


def _amount_of(params: Params, name: str) -> int:
    try:
        amount = int(params[name])
    except (KeyError, ValueError):
        raise invalid("parameter_invalid_integer", name) from None
    if amount < 1:
        raise invalid("parameter_invalid_integer", name)
    return amount


def _check_amount(amount: int, currency: str) -> None:
    if (currency in _WHOLE_HUNDREDS and amount % 100) or (currency in _WHOLE_TENS and amount % 10):
        raise invalid("invalid_charge_amount_no_decimal_compatible", "amount")


Run = Callable[..., dict[str, Any]]
_PAGING: Final = frozenset({"limit", "starting_after", "ending_before", "created", "expand"})
_INTENT: Final = frozenset(
    {
        *("amount", "currency", "customer", "payment_method", "allowed_payment_method_types", "capture_method"),
        *("confirm", "description", "metadata", "off_session", "return_url"),
    }
)
_SESSION: Final = frozenset(
    {
        *("mode", "customer", "allowed_payment_method_types", "success_url", "cancel_url", "locale", "metadata"),
        "setup_intent_data",
    }
)
_NONE: Final[frozenset[str]] = frozenset()
# By method, resource, how many parts the path has, and what is done to the object.
_ENDPOINTS: Final[Mapping[tuple[str, str, int, str], tuple[frozenset[str], Run]]] = {
    ("POST", "customers", 1, ""): (frozenset({"metadata"}), StripeApi.create_customer),
    ("POST", "checkout_sessions", 1, ""): (_SESSION, StripeApi.create_session),
    ("GET", "checkout_sessions", 2, ""): (frozenset({"expand"}), StripeApi.retrieve_session),
    ("GET", "payment_methods", 2, ""): (_NONE, StripeApi.retrieve_method),
    ("POST", "payment_methods", 3, "detach"): (_NONE, StripeApi.detach),
    ("POST", "payment_intents", 1, ""): (_INTENT, StripeApi.create_intent),
    ("GET", "payment_intents", 1, ""): (_PAGING | {"customer"}, StripeApi.list_intents),
    ("GET", "payment_intents", 2, ""): (_NONE, StripeApi.retrieve_intent),
    ("POST", "payment_intents", 3, "capture"): (frozenset({"amount_to_capture", "metadata"}), StripeApi.capture),
    ("POST", "payment_intents", 3, "cancel"): (_NONE, StripeApi.cancel),
    ("POST", "refunds", 1, ""): (frozenset({"payment_intent", "amount", "metadata"}), StripeApi.create_refund),
    ("GET", "refunds", 1, ""): (_PAGING | {"payment_intent"}, StripeApi.list_refunds),
    ("GET", "disputes", 2, ""): (_NONE, StripeApi.retrieve_dispute),
    ("GET", "balance_transactions", 1, ""): (_PAGING, StripeApi.list_transactions),
}
