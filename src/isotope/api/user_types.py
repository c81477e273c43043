"""Requests and answers of the section User."""

from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from isotope.api.fields import Phone, PhonePrefix, UserId

Amount = Annotated[Decimal, Meta(description="In the currency's unit, exact.", examples=[1.5])]

IsoDay = Annotated[
    str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$", extra={"accepted": "a date such as 2031-12-24"}, examples=["1990-05-17"])
]
LicenceCategory = Annotated[str, Meta(pattern="^[A-Z0-9]{1,5}$", extra={"accepted": "a category such as B or AM"})]


class UserRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Whom it is about."""

    user_id: UserId = None


class UserData(msgspec.Struct, frozen=True, kw_only=True):
    """A rider as the operator knows them."""

    user_id: int
    user_name: str
    user_email: str
    user_phone_prefix: Annotated[str, Meta(examples=["358"])]
    user_phone: Annotated[str, Meta(examples=["401234567"])]
    user_balance: Annotated[Amount, Meta(description="Money that was paid in and is not spent; never negative.")]
    user_bonus: Annotated[Amount, Meta(description="Given by the operator; spent before the balance.")]
    user_debt: Annotated[Amount, Meta(description="What is owed, as a positive amount; 0 if nothing.")]
    user_language: Annotated[str, Meta(description="ISO 639 code.", examples=["en"])]
    currency_code: Annotated[str, Meta(description="ISO 4217 code.", examples=["EUR"])]


class PaymentMethodsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be paid."""

    user_id: UserId = None
    flow: Annotated[Literal["SHARING", "TAXI", "RENTAL"], Meta(examples=["SHARING"])]


class PaymentMethod(msgspec.Struct, frozen=True, kw_only=True):
    """A way to pay."""

    payment_method_id: Annotated[
        str, Meta(description="For `payment_method_id` of `start-ride` and others.", examples=["card_12"])
    ]
    type: Annotated[str, Meta(description="`WALLET`, `CARD` or `CASH`.", examples=["CARD"])]
    title: Annotated[str, Meta(examples=["Visa •••• 4242"])]
    is_selected: Annotated[bool, Meta(description="Taken when a call names none.")]
    balance: Annotated[Amount | None, Meta(description="What it holds, bonus left out; null for cards.")] = None
    bonus: Annotated[Amount | None, Meta(description="Bonus that is spent first; null for cards.")] = None
    currency_code: Annotated[str, Meta(examples=["EUR"])]
    brand: Annotated[str | None, Meta(description="Null for all but cards.", examples=["Visa"])] = None
    last4: Annotated[str | None, Meta(description="The card's last four digits.", examples=["4242"])] = None
    expiry_month: Annotated[int | None, Meta(description="1 to 12.", examples=[12])] = None
    expiry_year: Annotated[int | None, Meta(examples=[2031])] = None
    is_expired: Annotated[bool | None, Meta(description="The card's last month is over.")] = None


class PaymentMethods(msgspec.Struct, frozen=True, kw_only=True):
    """The ways to pay, the selected one first."""

    payment_methods: list[PaymentMethod]


class RegisterUserRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A person who filled in a form."""

    email: Annotated[str, Meta(min_length=3, max_length=128, examples=["john.doe@example.com"])]
    first_name: Annotated[str, Meta(min_length=1, max_length=128, examples=["John"])]
    last_name: Annotated[str, Meta(min_length=1, max_length=128, examples=["Doe"])]
    phone_prefix: PhonePrefix
    phone: Phone


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """It is done."""

    message: str


class AddMoneyRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Money for a rider's wallet."""

    amount: Annotated[
        Decimal,
        Meta(description="Above 0, with at most the currency's decimals. A text is taken too.", examples=[1.0]),
    ]
    money_type: Annotated[Literal["BONUS", "BALANCE"], Meta(description="`BALANCE` settles debt first.")]
    user_id: UserId = None


class DeletedUser(msgspec.Struct, frozen=True, kw_only=True):
    """The deletion is on its way, or done."""

    status: Annotated[int, Meta(description="1: done as asked.", examples=[1])]
    message: Annotated[str | None, Meta(description="What happens when.")] = None


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """A new token; the one that asked for it has ended."""

    token: str


class SetPushTokenRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The app on one device."""

    push_token: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=1024,
            pattern=r"^[!-~]+$",
            description="As the provider of notifications gave it to the app.",
            examples=["dGhpcyBpcyBhbiBhcHA:APA91bE"],
            extra={"accepted": "the token that the provider gave the app"},
        ),
    ]
    is_on: Annotated[bool | None, Meta(description="False: no notifications come there any more.")] = None
    user_id: UserId = None


class Licence(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a rider's right to drive."""

    date_of_birth: IsoDay | None
    licence_categories: Annotated[list[LicenceCategory], Meta(description="Empty: no licence was seen.")]
    licence_valid_until: Annotated[IsoDay | None, Meta(description="The last day; null: for ever.")]


class SetLicenceRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen of somebody's right to drive. What is left out is not known."""

    user_id: UserId = None
    date_of_birth: IsoDay | None = None
    licence_categories: Annotated[
        list[LicenceCategory], Meta(max_length=20, description="Of a licence that was seen.", examples=[["AM", "B"]])
    ] = []
    licence_valid_until: Annotated[IsoDay | None, Meta(description="The last day; null: for ever.")] = None
