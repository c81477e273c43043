"""What staff write to riders."""

from isotope.api.admin.notifications_types import PushSent, SendPushRequest
from isotope.api.operation import Auth, Call, operation
from isotope.domain import identity
from isotope.domain.tenants import Right
from isotope.kernel.errors import Kind
from isotope.kernel.ids import RiderId


@operation(
    id="send_push_notification",
    tag="Sharing dashboard",
    title="Send push notification",
    method="POST",
    path="/api/v2/admin/user/send-push-notification",
    auth=Auth.STAFF,
    right=Right.WRITE_TO_RIDERS,
    subaccounts=True,
    request=SendPushRequest,
    response=PushSent,
    refusals=(
        (Kind.NOT_FOUND, "user_not_found"),
        (Kind.CONFLICT, "no_push_device"),
        (Kind.UNAVAILABLE, "push_unavailable"),
    ),
    request_example={"title": "Your ride yesterday", "message": "We gave you 2 EUR back.", "user_id": 7},
    response_example={"status": 1, "message": "Sent to 2 of 2 devices.", "devices": 2, "sent": 2},
    idempotent=True,
)
async def send_push_notification(call: Call[SendPushRequest]) -> PushSent:
    """A notification in all apps of one rider, as it is written.

    Staff of a subaccount write to riders who have ridden there. A rider whose app never told where it can be reached, or
    is not there any more: 409 `no_push_device`.
    """
    body = call.body
    done = await identity.notify_rider(
        call.services.rt,
        call.services.push,
        identity.NotifyRider(
            operator=call.operator,
            subaccount_id=call.staff().subaccount_id,
            rider_id=RiderId(body.user_id),
            title=body.title,
            body=body.message,
            actor=call.actor,
        ),
    )
    return PushSent(
        status=1,
        message=call.text("push_sent", sent=done.sent, devices=done.devices),
        devices=done.devices,
        sent=done.sent,
    )
