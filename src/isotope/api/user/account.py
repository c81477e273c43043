"""The section User: what an operator knows of a rider, their money, their account's end."""

from typing import Final

from isotope.api.amounts import amount_minor_of
from isotope.api.caller import RiderCaller
from isotope.api.operation import Auth, Call, operation
from isotope.api.user_types import (
    AddMoneyRequest,
    DeletedUser,
    Message,
    RegisterUserRequest,
    Token,
    UserData,
    UserRequest,
)
from isotope.domain import identity, wallet
from isotope.kernel.errors import Kind
from isotope.kernel.money import Money, to_decimal

TAG: Final = "User"
BASE: Final = "/openapi/v1.0/user"
NO_RIDER: Final = (Kind.NOT_FOUND, "user_not_found")
_DONE: Final = 1


@operation(
    id="get_user_data",
    tag=TAG,
    title="Get user data",
    method="POST",
    path=f"{BASE}/get-user-data",
    auth=Auth.PUBLIC_AND_CALLER,
    request=UserRequest,
    response=UserData,
    refusals=(NO_RIDER,),
    response_example={
        "user_id": 7,
        "user_name": "John Doe",
        "user_email": "john.doe@example.com",
        "user_phone_prefix": "358",
        "user_phone": "401234567",
        "user_balance": 18.5,
        "user_bonus": 2.0,
        "user_debt": 0.0,
        "user_language": "en",
        "currency_code": "EUR",
    },
)
async def get_user_data(call: Call[UserRequest]) -> UserData:
    """Who the rider is and what is in their wallet. Balance and debt are never both above 0."""
    operator, rider = call.operator, call.rider()
    standing = await wallet.read_standing(call.services.rt, operator, rider.id)
    return UserData(
        user_id=rider.id,
        user_name=rider.name,
        user_email=rider.email,
        user_phone_prefix=rider.phone_prefix,
        user_phone=rider.phone,
        user_balance=to_decimal(standing.balance_minor, standing.currency),
        user_bonus=to_decimal(standing.bonus_minor, standing.currency),
        user_debt=to_decimal(standing.debt_minor, standing.currency),
        user_language=rider.language,
        currency_code=standing.currency,
    )


@operation(
    id="register_user_form",
    tag=TAG,
    title="Register a new user",
    method="POST",
    path=f"{BASE}/register-user",
    auth=Auth.PUBLIC,
    request=RegisterUserRequest,
    response=Message,
    refusals=((Kind.TOO_MANY, "too_many_forms"),),
    request_example={
        "email": "john.doe@example.com",
        "first_name": "John",
        "last_name": "Doe",
        "phone_prefix": "358",
        "phone": "401234567",
    },
    response_example={"message": "Thank you. Log in with a code to use the account."},
    idempotent=True,
)
async def register_user_form(call: Call[RegisterUserRequest]) -> Message:
    """For forms without a text message: the account exists, but nobody can log in by this alone.

    The phone's holder makes it theirs by the code flow. The answer is the same for numbers that are registered
    already, so that forms tell nobody who is a customer.
    """
    body = call.body
    await identity.register_by_form(
        call.services.rt,
        identity.RegisterByForm(
            operator=call.operator,
            email=body.email,
            first_name=body.first_name,
            last_name=body.last_name,
            phone_prefix=body.phone_prefix,
            phone=body.phone,
            # The operator's own server sends the forms of many people.
            address=None if call.is_secret else call.address,
        ),
    )
    return Message(message=call.text("registered_by_form"))


@operation(
    id="add_money",
    tag=TAG,
    title="Add money for user",
    method="POST",
    path=f"{BASE}/add-money",
    auth=Auth.SECRET,
    request=AddMoneyRequest,
    response=Message,
    refusals=(NO_RIDER, (Kind.CONFLICT, "wallet_limit_reached")),
    request_example={"amount": 20.0, "money_type": "BALANCE", "user_id": 7},
    response_example={"message": "20.00 EUR were added."},
    idempotent=True,
)
async def add_money(call: Call[AddMoneyRequest]) -> Message:
    """The operator gives a rider money or bonus. With the secret key only.

    `BALANCE` settles open debt first. An `Idempotency-Key` is never forgotten here: it stands in the ledger.
    """
    body, operator = call.body, call.operator
    amount_minor = amount_minor_of(body.amount, operator.currency)
    added = await wallet.add_money(
        call.services.rt,
        wallet.AddMoney(
            operator=operator,
            rider_id=call.rider_id(),
            amount_minor=amount_minor,
            kind=wallet.MoneyKind(body.money_type),
            actor=call.actor,
            idempotency_key=call.idempotency_key,
        ),
    )
    amount = Money(amount_minor, operator.currency).text()
    if added.debt_settled_minor:
        settled = Money(added.debt_settled_minor, operator.currency).text()
        return Message(message=call.text("money_added_debt_settled", amount=amount, settled=settled))
    return Message(message=call.text("money_added", amount=amount))


@operation(
    id="delete_user",
    tag=TAG,
    title="Delete user",
    method="POST",
    path=f"{BASE}/delete-user",
    auth=Auth.PUBLIC_AND_CALLER,
    request=UserRequest,
    response=DeletedUser,
    refusals=(
        NO_RIDER,
        (Kind.CONFLICT, "ride_running"),
        (Kind.CONFLICT, "debt_open"),
        (Kind.CONFLICT, "payment_running"),
    ),
    response_example={"status": 1, "message": "Your account will be deleted in 30 days. Log in to keep it."},
    idempotent=True,
)
async def delete_user(call: Call[UserRequest]) -> DeletedUser:
    """The rider's account ends.

    With the rider's token it goes after some days, and a login in between keeps it. With the secret key it goes at
    once and for good. All tokens end at once, so a rider who sends it again is told 401. What the law keeps (rides,
    bills, ledger) stays under a pseudonym.
    """
    deletion = await identity.delete_rider(
        call.services.rt,
        call.services.holds,
        identity.DeleteRider(operator=call.operator, rider_id=call.rider_id(), hard=call.is_secret, actor=call.actor),
    )
    if deletion.due_at is None:
        return DeletedUser(status=_DONE, message=call.text("user_deleted"))
    days = call.operator.settings.deletion_days
    return DeletedUser(status=_DONE, message=call.text("user_deletion_requested", days=days))


@operation(
    id="refresh_user_token",
    tag=TAG,
    title="Refresh user token",
    method="POST",
    path=f"{BASE}/refresh-token",
    auth=Auth.PUBLIC_AND_CALLER,
    request=UserRequest,
    response=Token,
    refusals=(NO_RIDER,),
    response_example={"token": "mN7e…"},
)
async def refresh_user_token(call: Call[UserRequest]) -> Token:
    """A new token for the rider. The one that asks ends at once; with the secret key no other one ends."""
    own = call.caller.token if isinstance(call.caller, RiderCaller) else None
    token = await identity.refresh_token(
        call.services.rt,
        identity.RefreshToken(
            operator=call.operator,
            rider_id=call.rider_id(),
            token_hash=None if own is None else identity.hash_token(own),
        ),
    )
    return Token(token=token)
