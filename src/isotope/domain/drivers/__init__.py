"""Room: drivers. Who drives for an operator, in what, with which papers, and where they are."""

from isotope.domain.drivers.catalog import (
    DriverDraft,
    TaxiVehicleDraft,
    insert_drivers,
    retire_drivers,
    retire_taxi_vehicles,
    save_drivers,
    upsert_taxi_vehicles,
)
from isotope.domain.drivers.errors import driver_blocked, driver_busy, driver_not_found, driver_offline
from isotope.domain.drivers.model import (
    DocumentStatus,
    Driver,
    DriverDocument,
    DriverDocumentId,
    DriverPosition,
    DriverSession,
    DriverState,
    DriverStatus,
    Presence,
    TaxiVehicle,
)
from isotope.domain.drivers.queries import (
    find_driver,
    find_state,
    get_driver,
    get_drivers,
    get_vehicles,
    list_held_kinds,
    list_vehicles_of,
)
from isotope.domain.drivers.rules import MOST_POSITIONS, is_busy, masked_phone, told_at
from isotope.domain.drivers.store import lock_state, save_rating, set_busy, set_idle
from isotope.domain.drivers.usecases.find_driver_by_token import find_driver_by_token
from isotope.domain.drivers.usecases.forget_ended_driver_tokens import forget_ended_driver_tokens
from isotope.domain.drivers.usecases.go_offline import go_offline
from isotope.domain.drivers.usecases.go_online import GoOnline, go_online
from isotope.domain.drivers.usecases.log_in_driver import LogInDriver, log_in_driver
from isotope.domain.drivers.usecases.log_out_driver import log_out_driver
from isotope.domain.drivers.usecases.read_documents import (
    ShownDocument,
    StaffListDocuments,
    read_documents,
    staff_list_documents,
    staff_read_document,
)
from isotope.domain.drivers.usecases.read_driver import ShownDriver, read_driver
from isotope.domain.drivers.usecases.rest_drivers import forget_documents, rest_drivers
from isotope.domain.drivers.usecases.review_document import ReviewDocument, review_document
from isotope.domain.drivers.usecases.take_positions import TakePositions, take_positions
from isotope.domain.drivers.usecases.upload_document import UploadDocument, upload_document

__all__ = [
    "MOST_POSITIONS",
    "DocumentStatus",
    "Driver",
    "DriverDocument",
    "DriverDocumentId",
    "DriverDraft",
    "DriverPosition",
    "DriverSession",
    "DriverState",
    "DriverStatus",
    "GoOnline",
    "LogInDriver",
    "Presence",
    "ReviewDocument",
    "ShownDocument",
    "ShownDriver",
    "StaffListDocuments",
    "TakePositions",
    "TaxiVehicle",
    "TaxiVehicleDraft",
    "UploadDocument",
    "driver_blocked",
    "driver_busy",
    "driver_not_found",
    "driver_offline",
    "find_driver",
    "find_driver_by_token",
    "find_state",
    "forget_documents",
    "forget_ended_driver_tokens",
    "get_driver",
    "get_drivers",
    "get_vehicles",
    "go_offline",
    "go_online",
    "insert_drivers",
    "is_busy",
    "list_held_kinds",
    "list_vehicles_of",
    "lock_state",
    "log_in_driver",
    "log_out_driver",
    "masked_phone",
    "read_documents",
    "read_driver",
    "rest_drivers",
    "retire_drivers",
    "retire_taxi_vehicles",
    "review_document",
    "save_drivers",
    "save_rating",
    "set_busy",
    "set_idle",
    "staff_list_documents",
    "staff_read_document",
    "take_positions",
    "told_at",
    "upload_document",
    "upsert_taxi_vehicles",
]
