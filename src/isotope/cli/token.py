"""`isotope token`."""

import json
import secrets
import urllib.error
import urllib.request
from typing import Annotated, Any

import typer

from isotope.cli._failures import CommandError


def command(
    url: Annotated[str, typer.Option(envvar="ISOTOPE_API_URL", help="address of the API")] = "http://127.0.0.1:8080",
    public_key: Annotated[str, typer.Option(help="the operator's App-Public-Key")] = "demo-public",
    secret_key: Annotated[str, typer.Option(help="the operator's secret key")] = "demo-secret",  # noqa: S107 - the demo's
    money: Annotated[int, typer.Option(min=0, help="put so much into the rider's wallet, in whole units")] = 20,
) -> None:
    """Register a rider through the API, without a phone, and print its token: for trying things out.

    Example:

        isotope token --url http://127.0.0.1:8080
    """
    call = _Caller(url.rstrip("/") + "/openapi/v1.0", public_key)
    phone = f"50{secrets.randbelow(10**7):07d}"
    free = {"skip_otp": True, "skip_ip_address_check": True}
    requested = call(
        "authorization/request-phone-verification",
        {"phone_prefix": "358", "phone": phone, "flow": "REGISTER", **free},
        secret_key,
    )
    verified = call(
        "authorization/verify-phone-code",
        {"phone_token": requested["phone_token"], "skip_ip_address_check": True},
        secret_key,
    )
    rider = call(
        "authorization/register",
        {"phone_token": verified["phone_token"], "name": "Curious Rider", "email": f"rider{phone}@example.test"},
    )
    if money:
        call("user/add-money", {"amount": money, "money_type": "BALANCE", "user_id": rider["user_id"]}, secret_key)
    typer.echo(rider["token"])


class _Caller:
    def __init__(self, base: str, public_key: str) -> None:
        self._base = base
        self._public_key = public_key

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
            raise CommandError(f"{path}: {error.code} {error.read().decode(errors='replace')}") from error
        except (OSError, ValueError) as error:
            raise CommandError(f"{self._base} does not answer ({error}); is `isotope up` running there?") from error
        return answered
