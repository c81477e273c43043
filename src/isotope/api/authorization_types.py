"""Requests and answers of the section Authorization."""

from enum import StrEnum
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from isotope.api.fields import Phone, PhonePrefix, SecretFlag


class Flow(StrEnum):
    """What the code is for."""

    LOGIN = "LOGIN"
    REGISTER = "REGISTER"
    DRIVER = "DRIVER"

    @classmethod
    def _missing_(cls, value: object) -> "Flow | None":
        # Clients in use say so.
        return cls.REGISTER if value == "REGISTRATION" else None


class RequestPhoneVerificationRequest(msgspec.Struct, frozen=True, kw_only=True):
    """To whom a code is sent, and what for."""

    phone_prefix: PhonePrefix
    phone: Phone
    flow: Annotated[
        Flow,
        Meta(
            description="`REGISTRATION` is taken for `REGISTER`; `DRIVER` is for `driver/login`.", examples=["REGISTER"]
        ),
    ]
    skip_ip_address_check: Annotated[
        SecretFlag, Meta(description="Do not count the send against the caller's address. Secret key only.")
    ] = None
    skip_otp: Annotated[
        SecretFlag, Meta(description="Send no code; the next step then needs none. Secret key only.")
    ] = None
    skip_document_verification_check: Annotated[
        SecretFlag, Meta(description="Skip the check of documents where the operator has one. Secret key only.")
    ] = None


class PhoneVerification(msgspec.Struct, frozen=True, kw_only=True):
    """The first step is done."""

    phone_token: Annotated[str, Meta(description="For `verify-phone-code`; single use, bound to phone and flow.")]
    left_seconds: Annotated[int, Meta(ge=0, description="Seconds until another code may be asked for.")]
    phone: Annotated[str, Meta(description="Prefix and number as understood: digits only.")]


class VerifyPhoneCodeRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The code that was received."""

    code: Annotated[
        Annotated[str, Meta(min_length=6, max_length=6)] | None,
        Meta(description="The 6 digits of the message. Left out only after `skip_otp`.", examples=["123456"]),
    ] = None
    phone_token: Annotated[str, Meta(min_length=1, max_length=256, description="From `request-phone-verification`.")]
    skip_ip_address_check: Annotated[
        SecretFlag, Meta(description="Do not judge the caller's address. Secret key only.")
    ] = None


class VerifiedPhone(msgspec.Struct, frozen=True, kw_only=True):
    """The code was right."""

    phone_token: Annotated[str, Meta(description="For `register` or `login`, whichever was asked for; single use.")]


class RegisterRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A new rider whose phone is verified."""

    name: Annotated[str, Meta(min_length=1, max_length=128, examples=["John Doe"])]
    email: Annotated[str, Meta(min_length=3, max_length=128, examples=["john.doe@example.com"])]
    device_os: Annotated[Literal["WEB"] | None, Meta(description="Only WEB calls this API.", examples=["WEB"])] = None
    phone_token: Annotated[str, Meta(min_length=1, max_length=256, description="From `verify-phone-code`.")]
    agree_marketing: Annotated[bool | None, Meta(description="Whether the rider wants the operator's news.")] = None


class Registered(msgspec.Struct, frozen=True, kw_only=True):
    """The rider exists and is logged in."""

    token: Annotated[str, Meta(description="The rider's token, for `Authorization`.")]
    user_id: int


class LoginRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A known rider whose phone is verified."""

    phone_token: Annotated[str, Meta(min_length=1, max_length=256, description="From `verify-phone-code`.")]


class LoggedIn(msgspec.Struct, frozen=True, kw_only=True):
    """The rider is logged in."""

    token: Annotated[str, Meta(description="The rider's token, for `Authorization`.")]
    phone_token: Annotated[str, Meta(description="The token of the request again; it is used up.")]
    user_id: int


class DashboardLoginRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A member of staff."""

    email: Annotated[str, Meta(min_length=1, max_length=254, examples=["admin@demo.test"])]
    password: Annotated[str, Meta(min_length=1, max_length=1024, examples=["demo-password"])]


class DashboardSession(msgspec.Struct, frozen=True, kw_only=True):
    """The member of staff is logged in."""

    access_token: Annotated[str, Meta(description="For `Authorization` under `/api/v2/admin`.")]
    expires_in: Annotated[int, Meta(ge=1, description="Seconds.", examples=[259200])]
    flow: Annotated[str | None, Meta(description="Always null: there is one way in.")] = None
