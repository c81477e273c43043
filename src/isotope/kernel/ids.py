"""Identifiers as distinct types, so that a rider's number is never taken for a vehicle's.

All are positive 63-bit integers. Each is unique in the installation, and still no query
uses one without its operator's id beside it.
"""

from typing import Final, NewType

OperatorId = NewType("OperatorId", int)
StaffId = NewType("StaffId", int)
RiderId = NewType("RiderId", int)
ModelId = NewType("ModelId", int)
VehicleId = NewType("VehicleId", int)
DeviceId = NewType("DeviceId", int)
CommandId = NewType("CommandId", int)
ZoneId = NewType("ZoneId", int)
TariffId = NewType("TariffId", int)
AddonId = NewType("AddonId", int)
RideId = NewType("RideId", int)
BookingId = NewType("BookingId", int)
DriverId = NewType("DriverId", int)
TripId = NewType("TripId", int)
TaxiClassId = NewType("TaxiClassId", int)
TaxiVehicleId = NewType("TaxiVehicleId", int)
SubaccountId = NewType("SubaccountId", int)
TaskId = NewType("TaskId", int)
TaskTypeId = NewType("TaskTypeId", int)

MAX_ID: Final = 2**63 - 1
