"""Makes the demo city: the tables and the maps of the folder `isotope/demo_city` (see `main`).

It is the same on every run.

    python -m isotope.provisioning.demo src/isotope/demo_city

Central Helsinki. The YAML files beside them are written by hand. The zones are drawn around real places but are
invented; the vehicles stand in streets and squares around the places in `SPOTS`, never in the sea.
"""

import csv
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from io import StringIO
from math import cos, pi, radians, sin, sqrt
from pathlib import Path
from random import Random
from typing import Any, Final

CENTRE: Final = (60.1699, 24.9384)
SERVICE_RADIUS_M: Final = 12_000
FIRST_NR: Final = 1001
SEED: Final = 1812

_LAT_M: Final = 111_195.0

# (lat, lon): places on land, at least 100 m from the shore.
SPOTS: Final = {
    "central-station": (60.1712, 24.9408),
    "kamppi": (60.1689, 24.9316),
    "lasipalatsi": (60.1701, 24.9358),
    "kluuvi": (60.1693, 24.9479),
    "kruununhaka": (60.1722, 24.9545),
    "katajanokka": (60.1668, 24.9662),
    "kaartinkaupunki": (60.1648, 24.9489),
    "ullanlinna": (60.1596, 24.9497),
    "eira": (60.1580, 24.9388),
    "punavuori": (60.1618, 24.9387),
    "kamppi-west": (60.1668, 24.9251),
    "hietalahti": (60.1630, 24.9295),
    "ruoholahti": (60.1631, 24.9145),
    "jatkasaari": (60.1571, 24.9196),
    "etu-toolo": (60.1744, 24.9262),
    "taka-toolo": (60.1826, 24.9213),
    "ooppera": (60.1818, 24.9285),
    "meilahti": (60.1893, 24.9076),
    "hakaniemi": (60.1796, 24.9502),
    "kallio": (60.1842, 24.9493),
    "sornainen": (60.1872, 24.9604),
    "alppila": (60.1895, 24.9440),
    "kalasatama": (60.1886, 24.9770),
    "vallila": (60.1951, 24.9566),
    "pasila": (60.1987, 24.9336),
    "kumpula": (60.2053, 24.9637),
    "arabia": (60.2076, 24.9752),
    "kapyla": (60.2146, 24.9487),
    "munkkiniemi": (60.1978, 24.8786),
    "haaga": (60.2204, 24.8967),
    "lauttasaari": (60.1596, 24.8795),
}

_CENTRAL: Final = (
    "central-station",
    "kamppi",
    "lasipalatsi",
    "kluuvi",
    "kruununhaka",
    "kaartinkaupunki",
    "punavuori",
    "kamppi-west",
    "hietalahti",
    "etu-toolo",
    "hakaniemi",
    "kallio",
)
_STATIONS: Final = (
    "central-station",
    "kamppi",
    "kluuvi",
    "katajanokka",
    "ruoholahti",
    "ooppera",
    "hakaniemi",
    "sornainen",
    "kalasatama",
    "pasila",
)
# Where cars are rented for given dates: see `stations`.
RENTAL_SPOTS: Final = {
    "eliel-square": (60.1720, 24.9382),
    "pasila-car-park": (60.1991, 24.9330),
    "ruoholahti-car-park": (60.1645, 24.9128),
}

_CAR_SPOTS: Final = (
    "ruoholahti",
    "jatkasaari",
    "taka-toolo",
    "pasila",
    "kapyla",
    "munkkiniemi",
    "lauttasaari",
    "vallila",
)


@dataclass(frozen=True, slots=True)
class Batch:
    """So many vehicles of a model, around these spots in turn."""

    model: str
    count: int
    spots: Sequence[str]
    scatter_m: float
    battery: tuple[int, int]
    has_locker: bool = False


BATCHES: Final = (
    Batch("kite-s", 70, _CENTRAL, 60, (35, 100)),
    Batch("kite-s", 40, tuple(SPOTS), 60, (35, 100)),
    Batch("kite-xl", 50, tuple(SPOTS), 60, (40, 100)),
    Batch("gull", 50, _STATIONS, 18, (60, 100), has_locker=True),
    Batch("gull-e", 40, _STATIONS, 18, (30, 100)),
    Batch("pelican", 10, _STATIONS, 18, (50, 100)),
    Batch("swift", 25, _CENTRAL, 50, (35, 100)),
    Batch("puffin", 15, _CAR_SPOTS, 50, (45, 100)),
    Batch("eider", 4, tuple(RENTAL_SPOTS), 25, (60, 100)),
    Batch("heron", 6, tuple(RENTAL_SPOTS), 25, (60, 100)),
    Batch("osprey", 6, tuple(RENTAL_SPOTS), 25, (70, 100)),
    Batch("crane", 4, tuple(RENTAL_SPOTS), 25, (60, 100)),
)


def vehicles() -> list[dict[str, str]]:
    """The rows of `vehicles.csv`."""
    random = Random(SEED)  # noqa: S311 - a picture of a city, not a secret
    spots = {**SPOTS, **RENTAL_SPOTS}
    rows: list[dict[str, str]] = []
    for batch in BATCHES:
        for index in range(batch.count):
            nr = str(FIRST_NR + len(rows))
            lat, lon = _scatter(random, spots[batch.spots[index % len(batch.spots)]], batch.scatter_m)
            low, high = batch.battery
            identity = f"demo-{nr}"
            rows.append(
                {
                    "nr": nr,
                    "model": batch.model,
                    "lat": f"{lat:.6f}",
                    "lon": f"{lon:.6f}",
                    "battery_pct": str(low + int(random.random() * (high - low + 1))),
                    "device_identity": identity,
                    # Known to everybody, as the demo's keys are: production makes its own.
                    "device_secret": sha256(f"isotope demo unit {identity}".encode()).hexdigest()[:24],
                    "manual_locker_code": f"{int(random.random() * 10_000):04d}" if batch.has_locker else "",
                }
            )
    return rows


@dataclass(frozen=True, slots=True)
class TaxiBatch:
    """So many cars of a make, each with a driver."""

    title: str
    seats: int
    classes: str
    count: int


TAXIS: Final = (
    TaxiBatch("Toyota Corolla", 4, "standard", 20),
    TaxiBatch("Skoda Octavia", 4, "standard", 14),
    TaxiBatch("Tesla Model 3", 4, "standard green", 12),
    TaxiBatch("Mercedes-Benz E 300", 4, "standard business", 8),
    TaxiBatch("Mercedes-Benz Vito", 8, "standard van", 6),
)
_COLORS_OF_CARS: Final = ("white", "black", "grey", "silver", "blue", "red")
_FIRST: Final = ("Aino", "Eero", "Emil", "Helmi", "Iida", "Jari", "Kaisa", "Leo", "Mikko", "Noora", "Oskari", "Venla")
_LAST: Final = ("Virtanen", "Mäkinen", "Nieminen", "Lindqvist", "Saarinen")


def taxi_vehicles() -> list[dict[str, str]]:
    """The rows of `taxi_vehicles.csv`."""
    rows: list[dict[str, str]] = []
    for batch in TAXIS:
        for _ in range(batch.count):
            number = len(rows)
            rows.append(
                {
                    "plate": f"TXI-{101 + number}",
                    "title": batch.title,
                    "color": _COLORS_OF_CARS[number % len(_COLORS_OF_CARS)],
                    "seats": str(batch.seats),
                    "classes": batch.classes,
                }
            )
    return rows


def drivers() -> list[dict[str, str]]:
    """The rows of `drivers.csv`: one a car, every first name with every last one. Nobody is called so by us."""
    return [
        {
            "phone_prefix": "358",
            "phone": f"45190{number:04d}",
            "name": f"{_FIRST[number % len(_FIRST)]} {_LAST[number // len(_FIRST)]}",
            "language": ("en", "fi", "sv")[number % 3],
            # Every tenth takes no cash, and every fifteenth has a share of their own.
            "cash": "false" if number % 10 == 9 else "true",  # noqa: PLR2004
            "commission_pct": "15" if number % 15 == 0 else "",
            "vehicles": car["plate"],
        }
        for number, car in enumerate(taxi_vehicles())
    ]


def zones() -> dict[str, Any]:
    """The FeatureCollection of `zones.geojson`."""
    return {"type": "FeatureCollection", "features": list(_features())}


_SCOOTERS: Final = ("SCOOTER",)
_BIKES: Final = ("BIKE", "E_BIKE", "E_CARGO_BIKE")
_LIGHT: Final = (*_SCOOTERS, *_BIKES)
_MOTOR: Final = ("MOPED", "CAR")
_ALL: Final = (*_LIGHT, *_MOTOR)

_WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri")

_COLORS: Final = {
    "PARKING_ZONE": "21C378",
    "PAID_PARKING_ZONE": "2F80ED",
    "PARK_PLACE_ZONE": "6FCF97",
    "NO_PARKING_ZONE": "F2994A",
    "NO_GO_ZONE": "EB5757",
    "SPEED_LIMIT_ZONE": "F2C94C",
    "BONUS_ZONE": "9B51E0",
}

LatLon = tuple[float, float]


def _features() -> Iterator[dict[str, Any]]:
    yield from _parking()
    yield from _park_places()
    yield from _no_parking()
    yield from _no_go()
    yield from _speed_limits()
    yield from _bonuses()


def stations() -> dict[str, Any]:
    """The FeatureCollection of `rental_zones.geojson`."""
    return {"type": "FeatureCollection", "features": list(_stations())}


def _stations() -> Iterator[dict[str, Any]]:
    yield _feature(
        {
            "ref": "eliel-square",
            "title": "Helsinki, Eliel Square",
            "address": "Elielinaukio 1, 00100 Helsinki",
            "phone": "+358 00 000 0001",
            "instructions": "The marked places west of the railway station.",
            "opening": [{"from": "06:00", "to": "24:00"}],
            "closed": ["2026-12-25", "2027-12-25"],
        },
        polygon=[_box(60.1716, 24.9368, 60.1724, 24.9396)],
    )
    yield _feature(
        {
            "ref": "pasila-car-park",
            "title": "Helsinki, Pasila",
            "address": "Ratapihantie 6, 00520 Helsinki",
            "phone": "+358 00 000 0002",
            "instructions": "Level 2 of the car park, behind the barrier.",
            "opening": [
                {"weekdays": list(_WEEKDAYS), "from": "07:00", "to": "20:00"},
                {"weekdays": ["sat"], "from": "09:00", "to": "16:00"},
            ],
            "lead_min": 30,
        },
        circle=(RENTAL_SPOTS["pasila-car-park"], 70),
    )
    # Open at any hour: nobody works there.
    yield _feature(
        {
            "ref": "ruoholahti-car-park",
            "title": "Helsinki, Ruoholahti",
            "address": "Itämerenkatu 9, 00180 Helsinki",
            "instructions": "In the yard; the app unlocks the vehicle.",
        },
        circle=(RENTAL_SPOTS["ruoholahti-car-park"], 80),
    )


def _parking() -> Iterator[dict[str, Any]]:
    suomenlinna = _box(60.1420, 24.9720, 60.1510, 24.9990)
    yield _zone(
        "parking-scooters",
        "PARKING_ZONE",
        "Helsinki, scooters",
        _SCOOTERS,
        # A little inside the service area, so that the nearest legal place is never on its border.
        polygon=[_disc(CENTRE, SERVICE_RADIUS_M - 200), suomenlinna],
    )
    districts = {
        "centre": ("Centre, bikes", _box(60.1660, 24.9240, 60.1740, 24.9580)),
        "punavuori": ("Punavuori, bikes", _box(60.1570, 24.9270, 60.1665, 24.9460)),
        "toolo": ("Töölö, bikes", _box(60.1735, 24.9160, 60.1850, 24.9320)),
        "kallio": ("Kallio, bikes", [(60.1775, 24.9455), (60.1788, 24.9540), (60.1880, 24.9640), (60.1920, 24.9480)]),
        "pasila": ("Pasila, bikes", _box(60.1950, 24.9260, 60.2020, 24.9420)),
    }
    for ref, (title, corners) in districts.items():
        yield _zone(f"parking-bikes-{ref}", "PARKING_ZONE", title, _BIKES, polygon=[corners])
    core = _box(60.1664, 24.9455, 60.1682, 24.9535)
    yield _zone(
        "parking-mopeds",
        "PARKING_ZONE",
        "Helsinki, mopeds",
        ("MOPED",),
        polygon=[_disc(CENTRE, 5_000), core],
        priority=1,
    )
    yield _zone("parking-cars", "PARKING_ZONE", "Helsinki, cars", ("CAR",), polygon=[_disc(CENTRE, 6_500), core])
    business_hours = [{"weekdays": list(_WEEKDAYS), "from": "09:00", "to": "19:00"}]
    yield _zone(
        "paid-centre",
        "PAID_PARKING_ZONE",
        "Centre, paid street parking",
        _MOTOR,
        polygon=[_box(60.1650, 24.9290, 60.1735, 24.9560)],
        windows=business_hours,
        fee_minor=200,
        priority=2,
    )
    yield _zone(
        "paid-ruoholahti",
        "PAID_PARKING_ZONE",
        "Ruoholahti, paid street parking",
        ("CAR",),
        polygon=[_box(60.1600, 24.9060, 60.1665, 24.9210)],
        windows=business_hours,
        fee_minor=100,
        priority=2,
    )


def _park_places() -> Iterator[dict[str, Any]]:
    for spot in _STATIONS:
        title = f"Bike station {spot.replace('-', ' ').title()}"
        yield _zone(f"station-{spot}", "PARK_PLACE_ZONE", title, _BIKES, circle=(SPOTS[spot], 35), priority=3)


def _no_parking() -> Iterator[dict[str, Any]]:
    always: dict[str, tuple[str, list[LatLon]]] = {
        "railway-square": ("Railway Square", _box(60.1710, 24.9432, 60.1719, 24.9450)),
        "senate-square": ("Senate Square", _box(60.1690, 24.9516, 60.1698, 24.9534)),
        "esplanade-park": ("Esplanade Park", _box(60.1672, 24.9462, 60.1677, 24.9508)),
    }
    for ref, (title, corners) in always.items():
        # Who is in a hurry may leave it there for a fine.
        yield _zone(
            f"no-parking-{ref}", "NO_PARKING_ZONE", title, _LIGHT, polygon=[corners], fine_minor=1_500, priority=5
        )
    circles: dict[str, tuple[str, LatLon, float]] = {
        "rock-church": ("Rock Church", (60.1730, 24.9252), 50),
        "observatory-hill": ("Observatory Hill", (60.1613, 24.9527), 110),
        "hospital": ("Hospital, ambulance ways", (60.1879, 24.9062), 60),
    }
    for ref, (title, centre, radius_m) in circles.items():
        yield _zone(f"no-parking-{ref}", "NO_PARKING_ZONE", title, _LIGHT, circle=(centre, radius_m), priority=5)
    yield _zone(
        "no-parking-hakaniemi-market",
        "NO_PARKING_ZONE",
        "Hakaniemi market, market hours",
        _ALL,
        polygon=[_box(60.1788, 24.9516, 60.1794, 24.9532)],
        windows=[{"weekdays": [*_WEEKDAYS, "sat"], "from": "06:00", "to": "16:00"}],
        priority=5,
    )
    yield _zone(
        "no-parking-school",
        "NO_PARKING_ZONE",
        "School yard, school hours",
        _ALL,
        circle=((60.1637, 24.9431), 60),
        windows=[{"weekdays": list(_WEEKDAYS), "from": "07:30", "to": "16:30"}],
        priority=5,
    )
    yield _zone(
        "no-parking-kaivopuisto",
        "NO_PARKING_ZONE",
        "Kaivopuisto, at night",
        _ALL,
        # A pond in the middle of the park, drawn as a hole.
        polygon=[_box(60.1545, 24.9540, 60.1580, 24.9610), _box(60.1560, 24.9570, 60.1566, 24.9582)],
        windows=[{"from": "22:00", "to": "06:00"}],
        priority=5,
    )


def _no_go() -> Iterator[dict[str, Any]]:
    yield _zone(
        "service-area",
        "NO_GO_ZONE",
        "Outside the service area",
        _ALL,
        polygon=[_box(59.95, 24.45, 60.40, 25.45), _disc(CENTRE, SERVICE_RADIUS_M)],
        priority=10,
    )
    yield _zone(
        "no-go-suomenlinna",
        "NO_GO_ZONE",
        "Suomenlinna fortress",
        _ALL,
        polygon=[_box(60.1420, 24.9720, 60.1510, 24.9990)],
        priority=10,
    )
    yield _zone(
        "no-go-hietaniemi",
        "NO_GO_ZONE",
        "Hietaniemi cemetery",
        _ALL,
        polygon=[[(60.1655, 24.9120), (60.1660, 24.9170), (60.1695, 24.9165), (60.1710, 24.9115), (60.1690, 24.9095)]],
        priority=10,
    )
    yield _zone(
        "no-go-seurasaari",
        "NO_GO_ZONE",
        "Seurasaari open-air museum",
        (*_SCOOTERS, *_MOTOR),
        circle=((60.1820, 24.8840), 380),
        priority=10,
    )
    yield _zone(
        "no-go-pedestrian-core",
        "NO_GO_ZONE",
        "Pedestrian streets",
        _MOTOR,
        polygon=[_box(60.1668, 24.9460, 60.1679, 24.9525)],
        priority=10,
    )


def _speed_limits() -> Iterator[dict[str, Any]]:
    yield _zone(
        "slow-centre-night",
        "SPEED_LIMIT_ZONE",
        "Centre, weekend nights",
        _SCOOTERS,
        polygon=[_box(60.1640, 24.9250, 60.1735, 24.9560)],
        windows=[{"weekdays": ["fri", "sat"], "from": "22:00", "to": "05:00"}],
        speed_limit_kmh=10,
        priority=4,
    )
    slow: dict[str, tuple[str, list[LatLon], int]] = {
        "toolonlahti": ("Töölönlahti park", _box(60.1735, 24.9325, 60.1805, 24.9400), 15),
        "harbour": ("South harbour", _box(60.1650, 24.9520, 60.1685, 24.9600), 12),
        "karhupuisto": ("Karhupuisto", _box(60.1837, 24.9515, 60.1845, 24.9535), 10),
    }
    for ref, (title, corners, limit_kmh) in slow.items():
        yield _zone(
            f"slow-{ref}", "SPEED_LIMIT_ZONE", title, _LIGHT, polygon=[corners], speed_limit_kmh=limit_kmh, priority=4
        )


def _bonuses() -> Iterator[dict[str, Any]]:
    stations: dict[str, LatLon] = {
        "pasila": (60.1987, 24.9336),
        "kalasatama": (60.1880, 24.9772),
        "arabia": (60.2076, 24.9752),
        "ruoholahti": (60.1631, 24.9145),
    }
    for ref, centre in stations.items():
        title = f"Bonus at {ref.title()}"
        yield _zone(f"bonus-{ref}", "BONUS_ZONE", title, _LIGHT, circle=(centre, 120), bonus_pct=10, priority=1)


def _zone(
    ref: str,
    zone_type: str,
    title: str,
    vehicle_types: Sequence[str],
    *,
    polygon: Sequence[Sequence[LatLon]] | None = None,
    circle: tuple[LatLon, float] | None = None,
    **spec: Any,
) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "ref": ref,
        "zone_type": zone_type,
        "title": title,
        "color": _COLORS[zone_type],
        "vehicle_types": list(vehicle_types),
        **spec,
    }
    return _feature(properties, polygon=polygon, circle=circle)


def _feature(
    properties: dict[str, Any],
    *,
    polygon: Sequence[Sequence[LatLon]] | None = None,
    circle: tuple[LatLon, float] | None = None,
) -> dict[str, Any]:
    geometry: dict[str, Any]
    if circle is not None:
        centre, radius_m = circle
        geometry = {"type": "Point", "coordinates": _position(centre)}
        properties = {**properties, "radius_m": radius_m}
    else:
        rings = [[_position(corner) for corner in (*ring, ring[0])] for ring in polygon or ()]
        geometry = {"type": "Polygon", "coordinates": rings}
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def _position(point: LatLon) -> list[float]:
    return [round(point[1], 6), round(point[0], 6)]


def _box(south: float, west: float, north: float, east: float) -> list[LatLon]:
    return [(south, west), (south, east), (north, east), (north, west)]


def _disc(centre: LatLon, radius_m: float, corners: int = 48) -> list[LatLon]:
    return [_moved(centre, radius_m, 2 * pi * corner / corners) for corner in range(corners)]


def _moved(start: LatLon, distance_m: float, bearing: float) -> LatLon:
    north_m, east_m = distance_m * cos(bearing), distance_m * sin(bearing)
    return start[0] + north_m / _LAT_M, start[1] + east_m / (_LAT_M * cos(radians(start[0])))


def _scatter(random: Random, middle: LatLon, radius_m: float) -> LatLon:
    """A place in the circle, everywhere alike."""
    distance_m, bearing = radius_m * sqrt(random.random()), 2 * pi * random.random()
    return _moved(middle, distance_m, bearing)


def zones_text() -> str:
    return _text(zones())


def stations_text() -> str:
    return _text(stations())


def _text(collection: dict[str, Any]) -> str:
    """One feature a line: a fault's line is then the feature's, and a change shows as one line."""
    features = ",\n".join(json.dumps(feature, ensure_ascii=False) for feature in collection["features"])
    return f'{{"type": "FeatureCollection", "features": [\n{features}\n]}}\n'


def vehicles_text() -> str:
    return _table(vehicles())


def taxi_vehicles_text() -> str:
    return _table(taxi_vehicles())


def drivers_text() -> str:
    return _table(drivers())


def _table(rows: Sequence[dict[str, str]]) -> str:
    out = StringIO()
    writer = csv.DictWriter(out, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def main(folder: Path) -> None:
    (folder / "zones.geojson").write_text(zones_text(), encoding="utf-8")
    (folder / "vehicles.csv").write_text(vehicles_text(), encoding="utf-8")
    (folder / "rental_zones.geojson").write_text(stations_text(), encoding="utf-8")
    (folder / "taxi_vehicles.csv").write_text(taxi_vehicles_text(), encoding="utf-8")
    (folder / "drivers.csv").write_text(drivers_text(), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
