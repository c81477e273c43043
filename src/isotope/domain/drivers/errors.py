"""The noes of this room; their texts are in `texts/en.toml`."""

from collections.abc import Sequence
from datetime import date

from isotope.kernel.errors import Fault, Kind, Refusal, invalid
from isotope.kernel.ids import TaxiClassId


def driver_not_found() -> Refusal:
    """No such driver of this operator."""
    return Refusal(Kind.NOT_FOUND, "driver_not_found")


def driver_blocked() -> Refusal:
    """The operator does not let them work."""
    return Refusal(Kind.FORBIDDEN, "driver_blocked")


def driver_offline() -> Refusal:
    """For what only drivers do who work now."""
    return Refusal(Kind.CONFLICT, "driver_offline")


def driver_busy() -> Refusal:
    """They are in a trip."""
    return Refusal(Kind.CONFLICT, "driver_busy")


def taxi_vehicle_not_found() -> Refusal:
    """Not theirs to drive, retired, or none at all: deliberately one answer."""
    return Refusal(Kind.NOT_FOUND, "taxi_vehicle_not_found")


def taxi_vehicle_taken() -> Refusal:
    """Another driver is online in it."""
    return Refusal(Kind.CONFLICT, "taxi_vehicle_taken")


def classes_not_driven(class_ids: Sequence[TaxiClassId], driven: Sequence[TaxiClassId]) -> Refusal:
    """The vehicle is not of these classes."""
    wrong, right = (", ".join(map(str, sorted(ids))) for ids in (class_ids, driven))
    return invalid(Fault("class_ids", f"the vehicle does not drive {wrong}; it drives {right or 'none'}"))


def documents_needed(kinds: Sequence[str]) -> Refusal:
    """Staff have approved none of these kinds, or it has run out."""
    return Refusal(
        Kind.CONFLICT, "driver_documents_needed", {"kinds": ", ".join(sorted(kinds))}, {"kinds": sorted(kinds)}
    )


def document_not_found() -> Refusal:
    """No such document of this operator's drivers."""
    return Refusal(Kind.NOT_FOUND, "driver_document_not_found")


def document_reviewed(status: str) -> Refusal:
    """Somebody has decided already."""
    return Refusal(Kind.CONFLICT, "driver_document_reviewed", {"status": status}, {"status": status})


def too_many_documents(most: int) -> Refusal:
    """So many wait for staff already."""
    return Refusal(Kind.CONFLICT, "too_many_driver_documents", {"most": most}, {"most": most})


def document_ran_out(today: date) -> Refusal:
    """It counts no more."""
    return invalid(Fault("expires_on", f"a day from {today.isoformat()} on is expected: the document has run out"))


def reason_needed() -> Refusal:
    """The driver is told why."""
    return invalid(Fault("reason", "a reason is needed to reject a document; the driver reads it"))
