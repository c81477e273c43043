"""Vehicle types, by the names that clients of the contract know."""

from enum import StrEnum


class VehicleType(StrEnum):
    """An open list in the contract; these are the ones that can be provisioned."""

    SCOOTER = "SCOOTER"
    SEATED_SCOOTER = "SEATED_SCOOTER"
    BIKE = "BIKE"
    E_BIKE = "E_BIKE"
    CARGO_BIKE = "CARGO_BIKE"
    E_CARGO_BIKE = "E_CARGO_BIKE"
    TRICYCLE = "TRICYCLE"
    MOPED = "MOPED"
    MOTORCYCLE = "MOTORCYCLE"
    QUAD = "QUAD"
    CAR = "CAR"
    VAN = "VAN"
    TRUCK = "TRUCK"
    MINIBUS = "MINIBUS"
    CAMPER = "CAMPER"
    TRAILER = "TRAILER"
    GOLF_CART = "GOLF_CART"
    BOAT = "BOAT"
    JET_SKI = "JET_SKI"
    KAYAK = "KAYAK"
    OTHER = "OTHER"
