"""Damage that riders report on booked vehicles."""

from isotope.api.operation import Auth, Call, operation
from isotope.api.pictures import look_at_pictures
from isotope.api.rental_damage_types import ReportBookingDamageRequest, ReportedBookingDamage
from isotope.domain import evidence, rental
from isotope.kernel.errors import Fault, Kind, invalid
from isotope.kernel.ids import BookingId


@operation(
    id="report_booking_damage",
    tag="Rental",
    title="Report damage",
    method="POST",
    path="/openapi/v1.0/rental/report-damage",
    auth=Auth.PUBLIC_AND_CALLER,
    request=ReportBookingDamageRequest,
    response=ReportedBookingDamage,
    content="multipart",
    refusals=(
        (Kind.NOT_FOUND, "booking_not_found"),
        (Kind.CONFLICT, "booking_status"),
        (Kind.CONFLICT, "damage_not_taken"),
        (Kind.TOO_MANY, "too_many_damage_reports"),
        (Kind.UNAVAILABLE, "files_unavailable"),
    ),
    request_example={"booking_id": 7, "category": "frame", "description": "A scratch along the left door"},
    response_example={
        "damage_id": 4,
        "status": "IN_REVIEW",
        "booking_id": 7,
        "vehicle_id": 42,
        "category": "frame",
        "at": 1_780_000_000,
        "message": "Thank you; our team will look at it.",
        "image_faults": [],
    },
    idempotent=True,
)
async def report_booking_damage(call: Call[ReportBookingDamageRequest]) -> ReportedBookingDamage:
    """Tells staff of damage on the vehicle of a booking, with pictures: before driving off, on the way, or afterwards."""
    body, operator, services = call.body, call.operator, call.services
    categories = operator.settings.feedback.damage_categories
    if body.category not in categories:
        raise invalid(Fault("category", f"one of {', '.join(categories)} is expected"))
    booking_id, rider_id = BookingId(body.booking_id), call.rider_id()
    kept: list[evidence.KeptImage] = []
    if body.images:
        # No picture is looked at or stored for a report that is not taken.
        await rental.check_damage(services.rt, operator, rider_id, booking_id)
        images = await look_at_pictures(body.images)
        shows = evidence.Shows(evidence.PictureOf.DAMAGE)
        kept = await evidence.keep_images(services.rt, services.blobs, operator.id, images, shows)
    try:
        if not all(image.is_kept for image in kept):
            raise evidence.files_unavailable()
        new = evidence.NewDamage(
            operator=operator,
            rider_id=rider_id,
            category=body.category,
            description=(body.description or "").strip(),
            images=kept,
        )
        damage = await rental.report_damage(services.rt, new, booking_id)
    finally:
        await evidence.drop_unused_images(services.rt, services.blobs, operator.id, kept)
    return ReportedBookingDamage(
        damage_id=damage.id,
        status="IN_REVIEW",
        booking_id=booking_id,
        vehicle_id=damage.vehicle_id,
        category=damage.category,
        at=int(damage.at.timestamp()),
        message=call.text("damage_reported"),
        image_faults=[list(image.faults) for image in kept],
    )
