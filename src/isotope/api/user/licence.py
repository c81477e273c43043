"""What the operator knows of a rider's right to drive."""

from datetime import date

from isotope.api.operation import Auth, Call, operation
from isotope.api.user.account import BASE, NO_RIDER, TAG
from isotope.api.user_types import Licence, SetLicenceRequest
from isotope.domain import identity
from isotope.kernel.errors import Fault, invalid


@operation(
    id="set_licence",
    tag=TAG,
    title="Set licence",
    method="POST",
    path=f"{BASE}/set-licence",
    auth=Auth.SECRET,
    request=SetLicenceRequest,
    response=Licence,
    refusals=(NO_RIDER,),
    request_example={
        "date_of_birth": "1990-05-17",
        "licence_categories": ["AM", "B"],
        "licence_valid_until": "2031-12-24",
        "user_id": 7,
    },
    response_example={
        "date_of_birth": "1990-05-17",
        "licence_categories": ["AM", "B"],
        "licence_valid_until": "2031-12-24",
    },
    idempotent=True,
)
async def set_licence(call: Call[SetLicenceRequest]) -> Licence:
    """The operator says how old a rider is and what they may drive, for bookings from now on. With the secret key only.

    It is all that is known: what an earlier call said and this one does not is forgotten.
    """
    body = call.body
    licence = await identity.set_licence(
        call.services.rt,
        identity.SetLicence(
            operator=call.operator,
            rider_id=call.rider_id(),
            licence=identity.Licence(
                born_on=_day("date_of_birth", body.date_of_birth),
                categories=tuple(sorted(set(body.licence_categories))),
                expires_on=_day("licence_valid_until", body.licence_valid_until),
            ),
            actor=call.actor,
        ),
    )
    return Licence(
        date_of_birth=None if licence.born_on is None else licence.born_on.isoformat(),
        licence_categories=list(licence.categories),
        licence_valid_until=None if licence.expires_on is None else licence.expires_on.isoformat(),
    )


def _day(field: str, text: str | None) -> date | None:
    """A pattern takes the 31st of February too."""
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise invalid(Fault(field, "a date of the calendar such as 2031-12-24 is accepted")) from error
