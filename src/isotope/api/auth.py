"""Who calls, and whether they may say what they say.

| declared | App-Public-Key | Authorization |
|---|---|---|
| NONE | not read | not read |
| PUBLIC | required | read if usable, else nobody |
| PUBLIC_IF_OPEN | required | required, unless the operator's setting opens it |
| PUBLIC_AND_CALLER | required | a rider's token or the secret key |
| SECRET | required | the secret key (a rider's token: 403) |
| STAFF | not read | a dashboard token |
| DRIVER | required | a driver's token |

A credential comes as `Bearer <t>`, bare, or `Basic base64("<t>:")`. It belongs to one operator: the token of another
one is no credential at all.
"""

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping
from typing import Any, Final

from isotope.api.caller import Anonymous, Caller, DriverCaller, RiderCaller, SecretCaller, StaffCaller
from isotope.api.context import Services
from isotope.api.errors import no_access, secret_key_only, secret_key_required, unauthorized, user_id_required
from isotope.api.operation import Auth, Operation
from isotope.domain.drivers import find_driver_by_token
from isotope.domain.identity import find_rider_by_token, read_rider
from isotope.domain.tenants import Operator, find_staff_by_token, may, whole_operator_only
from isotope.domain.tenants.model import Staff
from isotope.kernel.ids import RiderId

MOST_CREDENTIAL: Final = 512


def credential_of(header: str) -> str | None:
    """The credential in an `Authorization` header, in any of its three forms; None if there is no usable one."""
    scheme, _, rest = header.strip().partition(" ")
    match scheme.lower():
        case "bearer":
            found = rest.strip()
        case "basic":
            found = _user_of_basic(rest.strip())
        case _:
            found = header.strip()
    is_usable = 0 < len(found) <= MOST_CREDENTIAL and found.isascii() and found.isprintable() and " " not in found
    return found if is_usable else None


def _user_of_basic(encoded: str) -> str:
    try:
        return b64decode(encoded, validate=True).decode("ascii").removesuffix(":")
    except (Base64Error, UnicodeDecodeError, ValueError):
        return ""


async def find_operator(services: Services, operation: Operation, headers: Mapping[str, str]) -> Operator | None:
    """Whose system is called, by the public key; None where the operation takes no key.

    Raises:
        Refusal: `no_access`.
    """
    if operation.auth in (Auth.NONE, Auth.STAFF):
        return None
    key = headers.get("app-public-key", "").strip()
    operator = await services.operators.find_by_public_key(key) if 0 < len(key) <= MOST_CREDENTIAL else None
    if operator is None:
        raise no_access()
    return operator


async def find_caller(
    services: Services, operation: Operation, operator: Operator | None, headers: Mapping[str, str]
) -> Caller:
    """Who calls, by `Authorization`.

    Raises:
        Refusal: `unauthorized`, `secret_key_required`.
    """
    if operation.auth is Auth.NONE:
        return Anonymous()
    credential = credential_of(headers.get("authorization", ""))
    if operation.auth is Auth.STAFF:
        return await _staff_caller(services, credential)
    if operator is None:
        raise no_access()
    if operation.auth is Auth.DRIVER:
        return await _driver_caller(services, operator, credential)
    caller = await _openapi_caller(services, operator, credential)
    match operation.auth:
        case Auth.PUBLIC:
            pass
        case Auth.PUBLIC_IF_OPEN if operator.settings.public_vehicles:
            pass
        case _ if isinstance(caller, Anonymous):
            raise unauthorized()
        case Auth.SECRET if not isinstance(caller, SecretCaller):
            raise secret_key_required()
    return caller


async def _openapi_caller(services: Services, operator: Operator, credential: str | None) -> Caller:
    if credential is None:
        return Anonymous()
    if await services.operators.is_secret_key(operator, credential):
        return SecretCaller()
    rider = await find_rider_by_token(services.rt, operator.id, credential)
    return Anonymous() if rider is None else RiderCaller(rider, credential)


async def _staff_caller(services: Services, credential: str | None) -> Caller:
    found = None if credential is None else await find_staff_by_token(services.rt, credential)
    if found is None:
        raise unauthorized()
    return StaffCaller(*found)


def judge_staff(operation: Operation, staff: Staff) -> None:
    """What the role may not, and what is not for a subaccount, is refused before anything else is looked at.

    Raises:
        Refusal: `role_not_allowed`, `whole_operator_only`.
    """
    if operation.right is not None and (no := may(staff.role, operation.right)):
        raise no
    if staff.subaccount_id is not None and not operation.subaccounts:
        raise whole_operator_only()


async def _driver_caller(services: Services, operator: Operator, credential: str | None) -> Caller:
    driver = None if credential is None else await find_driver_by_token(services.rt, operator.id, credential)
    if driver is None or credential is None:
        raise unauthorized()
    return DriverCaller(driver, credential)


async def settle(
    services: Services, operation: Operation, operator: Operator | None, caller: Caller, body: Any
) -> Caller:
    """Judge the fields that work with the secret key only, and find out whom the secret key means.

    | caller | `user_id` | another such field is set |
    |---|---|---|
    | secret key | required, must be a rider of the operator | honoured |
    | rider | absent or their own; else refused | refused |
    | nobody | refused if set | refused |

    "Set" is neither null nor false: both say what leaving the field out says.

    Raises:
        Refusal: `secret_key_only`, `validation_failed` (no user_id), `user_not_found`.
    """
    if not operation.secret_only:
        return caller
    sent = {name: getattr(body, name) for name in operation.secret_only}
    if isinstance(caller, SecretCaller):
        if not operation.takes_user_id or operator is None:
            return caller
        user_id = sent["user_id"]
        if user_id is None:
            raise user_id_required()
        return SecretCaller(await read_rider(services.rt, operator.id, RiderId(user_id)))
    own = caller.rider.id if isinstance(caller, RiderCaller) else None
    refused = [
        name
        for name, value in sent.items()
        if value is not None and value is not False and not (name == "user_id" and value == own)
    ]
    if refused:
        raise secret_key_only(refused)
    return caller
