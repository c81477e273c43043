"""Drivers come in, go out, and look at what is known of them."""

from typing import Final

from isotope.api.caller import DriverCaller
from isotope.api.driver import views
from isotope.api.driver_types import DriverLoggedIn, DriverLoginRequest, DriverProfile, Nothing
from isotope.api.operation import Auth, Call, operation
from isotope.api.sharing_types import Done
from isotope.domain import drivers, taxi
from isotope.kernel.errors import Kind

TAG: Final = "Driver"
BASE: Final = "/openapi/v1.0/driver"
_DONE: Final = 1


@operation(
    id="driver_login",
    tag=TAG,
    title="Driver login",
    method="POST",
    path=f"{BASE}/login",
    auth=Auth.PUBLIC,
    request=DriverLoginRequest,
    response=DriverLoggedIn,
    refusals=(
        (Kind.INVALID, "phone_token_invalid"),
        (Kind.INVALID, "phone_token_expired"),
        (Kind.INVALID, "phone_token_other_flow"),
        (Kind.NOT_FOUND, "driver_not_found"),
    ),
    request_example={"phone_token": "b81Q…"},
    response_example={"token": "uT0x…", "driver_id": 7},
)
async def driver_login(call: Call[DriverLoginRequest]) -> DriverLoggedIn:
    """Last step of the code flow for a driver: a token is given.

    The steps before it are `request-phone-verification` with the flow `DRIVER`, and `verify-phone-code`. Who is a driver
    is said by the operator; a rider's account of the same number is another thing.
    """
    session = await drivers.log_in_driver(
        call.services.rt, drivers.LogInDriver(operator=call.operator, phone_token=call.body.phone_token)
    )
    return DriverLoggedIn(token=session.token, driver_id=session.driver_id)


@operation(
    id="driver_logout",
    tag=TAG,
    title="Driver logout",
    method="POST",
    path=f"{BASE}/logout",
    auth=Auth.DRIVER,
    request=Nothing,
    response=Done,
    refusals=((Kind.CONFLICT, "driver_busy"),),
)
async def driver_logout(call: Call[Nothing]) -> Done:
    """Goes offline and ends the token with which it is called."""
    caller = call.caller
    if isinstance(caller, DriverCaller):
        rt, operator, driver_id = call.services.rt, call.operator, caller.driver.id
        await drivers.log_out_driver(rt, operator.id, driver_id, caller.token)
        await taxi.decline_open_offers(rt, operator, driver_id, "offline")
    return Done(status=_DONE, message=call.text("driver_logged_out"))


@operation(
    id="get_driver_profile",
    tag=TAG,
    title="Driver profile",
    method="POST",
    path=f"{BASE}/get-profile",
    auth=Auth.DRIVER,
    request=Nothing,
    response=DriverProfile,
)
async def get_driver_profile(call: Call[Nothing]) -> DriverProfile:
    """Who the driver is, what they may drive, what papers are missing, and whether they work now."""
    rt, operator, taxi_settings = call.services.rt, call.operator, call.operator.settings.taxi
    shown = await drivers.read_driver(rt, operator, call.driver().id)
    async with rt.db.read() as tx:
        classes = {known.id: known for known in await taxi.list_classes(tx, operator.id)}
        trip = await taxi.find_driven_trip(tx, operator.id, shown.driver.id)
    driver = shown.driver
    commission = driver.commission_pct
    return DriverProfile(
        driver_id=driver.id,
        name=driver.name,
        email=driver.email,
        phone_prefix=driver.phone_prefix,
        phone=driver.phone,
        language=driver.language,
        status="ACTIVE" if driver.status is drivers.DriverStatus.ACTIVE else "BLOCKED",
        rating=driver.rating(taxi_settings.ratings_shown_from),
        rating_count=driver.rating_count,
        cash_allowed=driver.cash_allowed,
        commission_percent=float(taxi_settings.commission_pct if commission is None else commission),
        currency_code=operator.currency,
        time_zone=operator.time_zone,
        missing_documents=list(shown.missing),
        vehicles=[views.vehicle_of(vehicle, classes) for vehicle in shown.vehicles],
        presence=views.presence_of(shown.state, shown.presence, taxi_settings),
        trip_id=None if trip is None else trip.id,
    )
