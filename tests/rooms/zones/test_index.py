from collections.abc import Sequence
from datetime import UTC, datetime

from isotope.domain.zones import Zone, ZoneSpec, ZoneType
from isotope.domain.zones.index import MAX_PREPARED
from isotope.kernel.time_windows import TimeWindow
from isotope.kernel.vehicle_types import VehicleType
from tests.kit.fleet import zone_draft
from tests.kit.zones import index_of

NOON = datetime(2026, 6, 1, 9, tzinfo=UTC)
NIGHT = datetime(2026, 6, 1, 21, tzinfo=UTC)

INDEX = index_of(
    zone_draft(ZoneType.PARKING_ZONE, ref="all"),
    zone_draft(ZoneType.PARKING_ZONE, ref="bikes", vehicle_types=(VehicleType.BIKE, VehicleType.E_BIKE)),
    zone_draft(ZoneType.NO_GO_ZONE, ref="cars", vehicle_types=(VehicleType.CAR,)),
    zone_draft(ZoneType.BONUS_ZONE, ref="model", spec=ZoneSpec(models=("m",))),
    zone_draft(ZoneType.NO_PARKING_ZONE, ref="night", spec=ZoneSpec(windows=(TimeWindow(start="22:00", end="06:00"),))),
)


def refs(zones: Sequence[Zone]) -> list[str]:
    return [zone.ref for zone in zones]


def test_select() -> None:
    assert refs(INDEX.select(at=NOON)) == ["all", "bikes", "cars", "model"]
    assert refs(INDEX.select(at=NIGHT)) == ["all", "bikes", "cars", "model", "night"]
    assert refs(INDEX.select(at=NOON, vehicle_types=["BIKE"])) == ["all", "bikes", "model"]
    assert refs(INDEX.select(at=NOON, vehicle_types=["E_BIKE", "CAR"])) == ["all", "bikes", "cars", "model"]
    assert refs(INDEX.select(at=NOON, vehicle_types=["a type of tomorrow"])) == ["all", "model"]
    assert refs(INDEX.select(at=NOON, vehicle_types=[])) == ["all", "model"]
    assert refs(INDEX.select(at=NOON, zone_types=[ZoneType.PARKING_ZONE])) == ["all", "bikes"]
    assert refs(INDEX.select(at=NOON, zone_types=[])) == []
    assert refs(INDEX.select(at=NOON, model_ref="other")) == ["all", "bikes", "cars"]
    assert refs(INDEX.select(at=NOON, model_ref="m")) == ["all", "bikes", "cars", "model"]


def test_prepared_answers_are_made_once_for_each_filter_and_state_of_the_windows() -> None:
    made: list[list[str]] = []

    def encode(zones: tuple[Zone, ...]) -> bytes:
        made.append(refs(zones))
        return ",".join(refs(zones)).encode()

    index = index_of(
        zone_draft(ZoneType.PARKING_ZONE, ref="a"),
        zone_draft(ZoneType.NO_GO_ZONE, ref="b", spec=ZoneSpec(windows=(TimeWindow(start="22:00", end="06:00"),))),
    )
    assert index.prepared(encode, at=NOON) == b"a"
    assert index.prepared(encode, at=NOON) == b"a"
    assert made == [["a"]]
    assert index.prepared(encode, at=NIGHT) == b"a,b"
    assert index.prepared(encode, at=NOON) == b"a"
    assert len(made) == 2
    assert index.prepared(encode, at=NIGHT, zone_types=[ZoneType.NO_GO_ZONE]) == b"b"
    assert index.prepared(encode, at=NIGHT, vehicle_types=["BIKE", "CAR"]) == b"a,b"
    assert index.prepared(encode, at=NIGHT, vehicle_types=["CAR", "BIKE"]) == b"a,b"
    assert index.prepared(encode, at=NIGHT, model_ref="m") == b"a,b"
    assert len(made) == 5
    for number in range(3 * MAX_PREPARED):
        index.prepared(encode, at=NOON, model_ref=str(number))
    assert len(index._prepared) == MAX_PREPARED
