"""What this room tells other processes."""

from collections.abc import Sequence
from typing import Final

from isotope.infra.db import Tx
from isotope.kernel.ids import OperatorId, VehicleId

VEHICLE_CHANGED: Final = "vehicle_changed"
"""NOTIFY channel: `<operator_id>:<vehicle_id>,...`; a row of vehicle or vehicle_state was written."""

CATALOG_CHANGED: Final = "catalog_changed"
"""NOTIFY channel: the operator's id; a tariff, add-on or model was written."""

# The longest pair of ids has 40 bytes with its comma; a payload may have 7,999.
IDS_PER_NOTICE: Final = 190


async def tell_vehicles_changed(tx: Tx, operator_id: OperatorId, vehicle_ids: Sequence[VehicleId]) -> None:
    """At the commit, to every process that shows vehicles."""
    for first in range(0, len(vehicle_ids), IDS_PER_NOTICE):
        chunk = vehicle_ids[first : first + IDS_PER_NOTICE]
        await tx.notify(VEHICLE_CHANGED, ",".join(f"{operator_id}:{vehicle_id}" for vehicle_id in chunk))
