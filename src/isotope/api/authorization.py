"""The section Authorization: by a phone code to a rider's token, by a password to the dashboard."""

from typing import Final

from isotope.api.authorization_types import (
    DashboardLoginRequest,
    DashboardSession,
    LoggedIn,
    LoginRequest,
    PhoneVerification,
    Registered,
    RegisterRequest,
    RequestPhoneVerificationRequest,
    VerifiedPhone,
    VerifyPhoneCodeRequest,
)
from isotope.api.operation import Auth, Call, operation
from isotope.domain import identity, tenants
from isotope.kernel.errors import Kind

_TAG: Final = "Authorization"
_BASE: Final = "/openapi/v1.0/authorization"
_TOKEN_REFUSALS: Final = (
    (Kind.INVALID, "phone_token_invalid"),
    (Kind.INVALID, "phone_token_expired"),
)


@operation(
    id="request_phone_verification",
    tag=_TAG,
    title="Request phone verification",
    method="POST",
    path=f"{_BASE}/request-phone-verification",
    auth=Auth.PUBLIC,
    request=RequestPhoneVerificationRequest,
    response=PhoneVerification,
    refusals=(
        (Kind.TOO_MANY, "code_sent_recently"),
        (Kind.TOO_MANY, "too_many_codes_number"),
        (Kind.TOO_MANY, "too_many_codes_address"),
        (Kind.TOO_MANY, "too_many_codes_prefix"),
        (Kind.INVALID, "sms_undeliverable"),
        (Kind.UNAVAILABLE, "sms_unavailable"),
    ),
    request_example={"phone_prefix": "358", "phone": "401234567", "flow": "REGISTER"},
    response_example={"phone_token": "Zk3v…", "left_seconds": 60, "phone": "401234567"},
)
async def request_phone_verification(call: Call[RequestPhoneVerificationRequest]) -> PhoneVerification:
    """First step: a code of 6 digits is sent to the phone, and a `phone_token` given for the next step.

    The answer is the same for known and unknown numbers; whether the number is registered is told only after the
    right code. A new code ends the one before it.
    """
    body = call.body
    token = await identity.request_phone_verification(
        call.services.rt,
        call.services.sms,
        identity.RequestPhoneVerification(
            operator=call.operator,
            phone_prefix=body.phone_prefix,
            phone=body.phone,
            flow=identity.Flow(body.flow.value),
            address=call.address,
            skip_otp=bool(body.skip_otp),
            skip_address_check=bool(body.skip_ip_address_check),
        ),
    )
    return PhoneVerification(phone_token=token.phone_token, left_seconds=token.left_seconds, phone=token.phone)


@operation(
    id="verify_phone_code",
    tag=_TAG,
    title="Verify phone code",
    method="POST",
    path=f"{_BASE}/verify-phone-code",
    auth=Auth.PUBLIC,
    request=VerifyPhoneCodeRequest,
    response=VerifiedPhone,
    refusals=(*_TOKEN_REFUSALS, (Kind.INVALID, "wrong_code"), (Kind.TOO_MANY, "too_many_checks")),
    request_example={"code": "123456", "phone_token": "Zk3v…"},
    response_example={"phone_token": "b81Q…"},
)
async def verify_phone_code(call: Call[VerifyPhoneCodeRequest]) -> VerifiedPhone:
    """Second step: the code is checked, and another `phone_token` given for the last step.

    A few wrong codes end the token; a new one must be asked for then.
    """
    token = await identity.verify_phone_code(
        call.services.rt,
        identity.VerifyPhoneCode(operator=call.operator, phone_token=call.body.phone_token, code=call.body.code),
    )
    return VerifiedPhone(phone_token=token)


@operation(
    id="register",
    tag=_TAG,
    title="Register new user",
    method="POST",
    path=f"{_BASE}/register",
    auth=Auth.PUBLIC,
    request=RegisterRequest,
    response=Registered,
    refusals=(*_TOKEN_REFUSALS, (Kind.INVALID, "phone_token_other_flow"), (Kind.CONFLICT, "already_registered")),
    request_example={"name": "John Doe", "email": "john.doe@example.com", "phone_token": "b81Q…"},
    response_example={"token": "uT0x…", "user_id": 7},
)
async def register(call: Call[RegisterRequest]) -> Registered:
    """Last step for a new rider: the account is made, and its token given."""
    body = call.body
    session = await identity.register_rider(
        call.services.rt,
        identity.RegisterRider(
            operator=call.operator,
            phone_token=body.phone_token,
            name=body.name,
            email=body.email,
            device_os=body.device_os,
            agree_marketing=bool(body.agree_marketing),
        ),
    )
    return Registered(token=session.token, user_id=session.rider_id)


@operation(
    id="login",
    tag=_TAG,
    title="User login",
    method="POST",
    path=f"{_BASE}/login",
    auth=Auth.PUBLIC,
    request=LoginRequest,
    response=LoggedIn,
    refusals=(*_TOKEN_REFUSALS, (Kind.INVALID, "phone_token_other_flow"), (Kind.NOT_FOUND, "user_not_found")),
    request_example={"phone_token": "b81Q…"},
    response_example={"token": "uT0x…", "phone_token": "b81Q…", "user_id": 7},
)
async def login(call: Call[LoginRequest]) -> LoggedIn:
    """Last step for a known rider: a token is given. It also undoes a deletion that was asked for."""
    session = await identity.log_in_rider(
        call.services.rt, identity.LogInRider(operator=call.operator, phone_token=call.body.phone_token)
    )
    return LoggedIn(token=session.token, phone_token=call.body.phone_token, user_id=session.rider_id)


@operation(
    id="dashboard_login",
    tag=_TAG,
    title="Dashboard authorization",
    method="POST",
    path="/api/v2/admin/login/openapi",
    auth=Auth.NONE,
    request=DashboardLoginRequest,
    response=DashboardSession,
    refusals=(
        (Kind.UNAUTHORIZED, "wrong_credentials"),
        (Kind.TOO_MANY, "login_locked"),
        (Kind.UNAVAILABLE, "logins_busy"),
    ),
    request_example={"email": "admin@demo.test", "password": "demo-password"},
    response_example={"access_token": "9fWc…", "expires_in": 259200, "flow": None},
)
async def dashboard_login(call: Call[DashboardLoginRequest]) -> DashboardSession:
    """A member of staff logs in; the token opens what is under `/api/v2/admin`.

    Needs no key: the address alone says whose staff it is. Wrong passwords lock the address for a while.
    """
    session = await tenants.log_in_staff(
        call.services.rt, tenants.LogInStaff(email=call.body.email, password=call.body.password)
    )
    return DashboardSession(access_token=session.access_token, expires_in=session.expires_in_s)
