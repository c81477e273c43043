"""Room: riders, the way in by a phone code, their tokens, their deletion."""

from isotope.domain.identity.errors import (
    already_registered,
    deletion_requested,
    phone_token_expired,
    phone_token_invalid,
    token_refused,
    user_not_found,
    wrong_code,
)
from isotope.domain.identity.model import (
    Deletion,
    Flow,
    Licence,
    Phone,
    PhoneToken,
    Rider,
    RiderStatus,
    Session,
)
from isotope.domain.identity.phones import read_phone
from isotope.domain.identity.ports import DeletionHold, PushFailed, PushSender, SmsFailed, SmsSender
from isotope.domain.identity.queries import get_licence, get_rider, get_riders
from isotope.domain.identity.rules import counted_address
from isotope.domain.identity.spending import spend_token
from isotope.domain.identity.store import lock_rider
from isotope.domain.identity.usecases.delete_rider import DeleteRider, delete_rider
from isotope.domain.identity.usecases.erase_due_riders import erase_due_riders
from isotope.domain.identity.usecases.find_rider_by_token import find_rider_by_token
from isotope.domain.identity.usecases.forget_ended_verifications import forget_ended_verifications
from isotope.domain.identity.usecases.log_in_rider import LogInRider, log_in_rider
from isotope.domain.identity.usecases.notify_rider import Notified, NotifyRider, notify_rider
from isotope.domain.identity.usecases.read_rider import read_rider
from isotope.domain.identity.usecases.refresh_token import RefreshToken, refresh_token
from isotope.domain.identity.usecases.register_by_form import RegisterByForm, register_by_form
from isotope.domain.identity.usecases.register_rider import RegisterRider, register_rider
from isotope.domain.identity.usecases.request_phone_verification import (
    RequestPhoneVerification,
    request_phone_verification,
)
from isotope.domain.identity.usecases.set_licence import SetLicence, set_licence
from isotope.domain.identity.usecases.set_push_token import SetPushToken, set_push_token
from isotope.domain.identity.usecases.tell_rider import TellRider, tell_later, tell_rider
from isotope.domain.identity.usecases.verify_phone_code import VerifyPhoneCode, verify_phone_code
from isotope.infra.tokens import hash_token

__all__ = [
    "DeleteRider",
    "Deletion",
    "DeletionHold",
    "Flow",
    "Licence",
    "LogInRider",
    "Notified",
    "NotifyRider",
    "Phone",
    "PhoneToken",
    "PushFailed",
    "PushSender",
    "RefreshToken",
    "RegisterByForm",
    "RegisterRider",
    "RequestPhoneVerification",
    "Rider",
    "RiderStatus",
    "Session",
    "SetLicence",
    "SetPushToken",
    "SmsFailed",
    "SmsSender",
    "TellRider",
    "VerifyPhoneCode",
    "already_registered",
    "counted_address",
    "delete_rider",
    "deletion_requested",
    "erase_due_riders",
    "find_rider_by_token",
    "forget_ended_verifications",
    "get_licence",
    "get_rider",
    "get_riders",
    "hash_token",
    "lock_rider",
    "log_in_rider",
    "notify_rider",
    "phone_token_expired",
    "phone_token_invalid",
    "read_phone",
    "read_rider",
    "refresh_token",
    "register_by_form",
    "register_rider",
    "request_phone_verification",
    "set_licence",
    "set_push_token",
    "spend_token",
    "tell_later",
    "tell_rider",
    "token_refused",
    "user_not_found",
    "verify_phone_code",
    "wrong_code",
]
