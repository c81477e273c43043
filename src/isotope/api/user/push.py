"""Where a rider's app can be sent notifications."""

from isotope.api.operation import Auth, Call, operation
from isotope.api.user.account import BASE, NO_RIDER, TAG
from isotope.api.user_types import Message, SetPushTokenRequest
from isotope.domain import identity
from isotope.kernel.errors import Kind


@operation(
    id="set_push_token",
    tag=TAG,
    title="Set push token",
    method="POST",
    path=f"{BASE}/set-push-token",
    auth=Auth.PUBLIC_AND_CALLER,
    request=SetPushTokenRequest,
    response=Message,
    refusals=(NO_RIDER, (Kind.CONFLICT, "deletion_requested")),
    request_example={"push_token": "dGhpcyBpcyBhbiBhcHA:APA91bE"},
    response_example={"message": "Notifications come to this device."},
)
async def set_push_token(call: Call[SetPushTokenRequest]) -> Message:
    """The app on this device gets notifications for the rider from now on, or none any more.

    To be called at each start of the app and when its token changes; with `is_on` false before the rider logs out. A
    device is of the rider who said it last, and of a rider's devices the last ten count.
    """
    body = call.body
    is_on = body.is_on is not False
    await identity.set_push_token(
        call.services.rt,
        identity.SetPushToken(operator=call.operator, rider_id=call.rider_id(), token=body.push_token, is_on=is_on),
    )
    return Message(message=call.text("push_on" if is_on else "push_off"))
