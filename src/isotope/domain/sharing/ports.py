"""What the sharing room needs of the outside world."""

from typing import Protocol

from isotope.kernel.ids import OperatorId, VehicleId


class TakenVehicles(Protocol):
    """This process's picture of what can be rented: told at once when a vehicle was taken."""

    def drop(self, operator_id: OperatorId, vehicle_id: VehicleId) -> None: ...
