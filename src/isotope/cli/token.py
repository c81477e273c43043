"""`isotope token`."""

import json
import secrets
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Annotated, Any, Final

import typer

from isotope.cli._failures import CommandError

_PREFIX: Final = "358"
_WITHOUT_CARD: Final = 20


def command(
    url: Annotated[str, typer.Option(envvar="ISOTOPE_API_URL", help="address of the API")] = "http://127.0.0.1:8080",
    public_key: Annotated[str, typer.Option(help="the operator's App-Public-Key")] = "demo-public",
    secret_key: Annotated[str, typer.Option(help="the operator's secret key")] = "demo-secret",  # noqa: S107 - the demo's
    money: Annotated[
        int | None,
        typer.Option(min=0, help="put so much into a new rider's wallet, in whole units; default 20, with --card 0"),
    ] = None,
    card: Annotated[
        str | None, typer.Option(metavar="NAME", help="the rider who has this test card; `list` names the cards")
    ] = None,
) -> None:
    """Register a rider through the API, without a phone, and print its token: for trying things out.

    With --card it is always the same rider for one card, with the card saved at the test provider.

    Example:

        isotope token --url http://127.0.0.1:8080

        isotope token --card declined
    """
    from isotope.card_sandbox.cards import CARDS

    if card == "list":
        for known in CARDS.values():
            typer.echo(f"{known.name:28} {known.brand} {known.last4}  {known.does}")
        return
    if card is not None and card not in CARDS:
        raise CommandError(f"no test card is named {card!r}; `isotope token --card list` names them")
    call = _Caller(url.rstrip("/") + "/openapi/v1.0", public_key, secret_key)
    if card is None:
        token, user_id, _is_new = _sign_in(call, f"50{secrets.randbelow(10**7):07d}", "Curious Rider")
        _give(call, user_id, _WITHOUT_CARD if money is None else money)
    else:
        token, user_id, is_new = _sign_in(call, phone_of(list(CARDS).index(card)), f"Rider with {card}")
        if is_new:
            _give(call, user_id, money or 0)
        _save(call, token, card)
    typer.echo(token)


def phone_of(nr: int) -> str:
    """The number, after +358, of the rider who has the card `nr`, counted from 0."""
    return f"50900{nr + 1:04d}"


def _sign_in(call: "_Caller", phone: str, name: str) -> tuple[str, int, bool]:
    """The rider's token and number, and whether they were registered just now."""
    form = {"name": name, "email": f"rider{phone}@example.test"}
    try:
        rider = call("authorization/register", {"phone_token": _prove(call, phone, "REGISTER"), **form})
    except _RefusedError as refused:
        if refused.code != "already_registered":
            raise
        known = call("authorization/login", {"phone_token": _prove(call, phone, "LOGIN")})
        return known["token"], known["user_id"], False
    return rider["token"], rider["user_id"], True


def _prove(call: "_Caller", phone: str, flow: str) -> str:
    free = {"skip_otp": True, "skip_ip_address_check": True}
    asked = {"phone_prefix": _PREFIX, "phone": phone, "flow": flow, **free}
    requested = call("authorization/request-phone-verification", asked, call.secret_key)
    body = {"phone_token": requested["phone_token"], "skip_ip_address_check": True}
    return str(call("authorization/verify-phone-code", body, call.secret_key)["phone_token"])


def _give(call: "_Caller", user_id: int, money: int) -> None:
    if money:
        call("user/add-money", {"amount": money, "money_type": "BALANCE", "user_id": user_id}, call.secret_key)


def _save(call: "_Caller", token: str, card: str) -> None:
    """Choose the card on the test provider's page, as a browser would, unless the rider has one."""
    if _cards(call, token):
        return
    page = call("user/add-payment-method", {}, token)["redirect_url"]
    form = urllib.parse.urlencode({"action": "save", "card": card}).encode()
    try:
        # The provider sends the browser back to us.
        with urllib.request.urlopen(page, form, timeout=20):  # noqa: S310 - the address that the API names
            pass
    except OSError as error:
        raise CommandError(f"{page}: {error}; cards are saved with the test provider only") from error
    if not _cards(call, token):
        typer.echo(f"the provider did not save the card {card}; that is what it is for", err=True)


def _cards(call: "_Caller", token: str) -> list[Mapping[str, Any]]:
    methods = call("user/get-user-payment-methods", {"flow": "SHARING"}, token)["payment_methods"]
    return [method for method in methods if method["type"] == "CARD"]


class _RefusedError(CommandError):
    """The API said no."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class _Caller:
    def __init__(self, base: str, public_key: str, secret_key: str) -> None:
        self._base = base
        self._public_key = public_key
        self.secret_key = secret_key

    def __call__(self, path: str, body: dict[str, Any], authorization: str | None = None) -> dict[str, Any]:
        headers = {"App-Public-Key": self._public_key, "Content-Type": "application/json"}
        if authorization is not None:
            headers["Authorization"] = f"Bearer {authorization}"
        asked = urllib.request.Request(  # noqa: S310 - the address that the caller names
            f"{self._base}/{path}", data=json.dumps(body).encode(), headers=headers, method="POST"
        )
        try:
            with urllib.request.urlopen(asked, timeout=20) as answer:  # noqa: S310 - the same
                answered: dict[str, Any] = json.load(answer)
        except urllib.error.HTTPError as error:
            said = error.read()
            message = f"{path}: {error.code} {said.decode(errors='replace')}"
            raise _RefusedError(message, _code(said)) from error
        except (OSError, ValueError) as error:
            raise CommandError(f"{self._base} does not answer ({error}); is `isotope up` running there?") from error
        return answered


def _code(said: bytes) -> str:
    try:
        body = json.loads(said)
    except ValueError:
        return ""
    return str(body.get("code", "")) if isinstance(body, dict) else ""
