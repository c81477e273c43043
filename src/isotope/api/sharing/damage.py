"""Damage that riders report."""

from isotope.api.history_types import ReportDamageRequest, ReportedDamage
from isotope.api.operation import Auth, Call, operation
from isotope.api.pictures import look_at_pictures
from isotope.domain import evidence, sharing
from isotope.kernel.errors import Fault, Kind, invalid
from isotope.kernel.ids import RideId, VehicleId


@operation(
    id="report_damage",
    tag="Sharing",
    title="Report damage",
    method="POST",
    path="/openapi/v1.0/sharing/report-damage",
    auth=Auth.PUBLIC_AND_CALLER,
    request=ReportDamageRequest,
    response=ReportedDamage,
    content="multipart",
    refusals=(
        (Kind.NOT_FOUND, "ride_not_found"),
        (Kind.NOT_FOUND, "vehicle_not_found"),
        (Kind.CONFLICT, "damage_not_taken"),
        (Kind.TOO_MANY, "too_many_damage_reports"),
        (Kind.UNAVAILABLE, "files_unavailable"),
    ),
    request_example={"vehicle_number": "1001", "category": "brakes", "description": "The brake squeaks"},
    response_example={
        "damage_id": 4,
        "status": "IN_REVIEW",
        "vehicle_id": 42,
        "ride_id": None,
        "category": "brakes",
        "at": 1_780_000_000,
        "message": "Thank you; our team will look at it.",
        "image_faults": [],
    },
    idempotent=True,
)
async def report_damage(call: Call[ReportDamageRequest]) -> ReportedDamage:
    """Tells staff of a damaged vehicle, with pictures, where its type takes such reports.

    Which types do: `available_damage_report_vehicle_types` of `get-vehicles`.
    """
    body, operator, services = call.body, call.operator, call.services
    _check(call)
    ref = sharing.DamageRef(
        ride_id=None if body.ride_id is None else RideId(body.ride_id),
        vehicle_id=None if body.vehicle_id is None else VehicleId(body.vehicle_id),
        vehicle_nr=body.vehicle_number,
    )
    kept: list[evidence.KeptImage] = []
    if body.images:
        # No picture is looked at or stored for a report that is not taken.
        await sharing.check_damage(services.rt, operator, call.rider_id(), ref)
        images = await look_at_pictures(body.images)
        shows = evidence.Shows(evidence.PictureOf.DAMAGE)
        kept = await evidence.keep_images(services.rt, services.blobs, operator.id, images, shows)
    try:
        if not all(image.is_kept for image in kept):
            raise evidence.files_unavailable()
        damage = await sharing.report_damage(
            services.rt,
            evidence.NewDamage(
                operator=operator,
                rider_id=call.rider_id(),
                category=body.category,
                description=(body.description or "").strip(),
                images=kept,
            ),
            ref,
        )
    finally:
        await evidence.drop_unused_images(services.rt, services.blobs, operator.id, kept)
    return ReportedDamage(
        damage_id=damage.id,
        status="IN_REVIEW",
        vehicle_id=damage.vehicle_id,
        ride_id=damage.ride_id,
        category=damage.category,
        at=int(damage.at.timestamp()),
        message=call.text("damage_reported"),
        image_faults=[list(image.faults) for image in kept],
    )


def _check(call: Call[ReportDamageRequest]) -> None:
    body, categories = call.body, call.operator.settings.feedback.damage_categories
    faults = []
    if body.category not in categories:
        faults.append(Fault("category", f"one of {', '.join(categories)} is expected"))
    if (body.ride_id, body.vehicle_id, body.vehicle_number) == (None, None, None):
        info = "name the ride by ride_id, or the vehicle by vehicle_id or vehicle_number"
        faults += [Fault(name, info) for name in ("ride_id", "vehicle_id", "vehicle_number")]
    if faults:
        raise invalid(*faults)
