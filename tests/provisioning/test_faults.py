"""What is wrong with a folder is told with its place; a table of slips, one a line."""

import json
import os
from pathlib import Path

import pytest

from isotope.provisioning import FolderRefused, read_folder
from isotope.provisioning.decode import Place, decode
from isotope.provisioning.faults import MAX_FAULTS, Faults
from isotope.provisioning.tree import Node
from tests.provisioning.folders import ENVIRON, documented

SLIPS = [
    # operator.yaml
    ("operator.yaml", "slug: harbour", "slug: Harbour", "operator.yaml:1: slug: 'Harbour' does not fit"),
    ("operator.yaml", "slug: harbour\n", "", "operator.yaml:1: slug: missing"),
    ("operator.yaml", "currency: EUR", "currency: euro", "operator.yaml:3: currency: 'euro' does not fit"),
    (
        "operator.yaml",
        "Europe/Helsinki",
        "Europe/Helsinky",
        "operator.yaml:4: time_zone: 'Europe/Helsinky' is no time zone - did you mean 'Europe/Helsinki'?",
    ),
    ("operator.yaml", "[en, fi]", "english", "operator.yaml:5: languages: 'english' does not fit"),
    ("operator.yaml", "[en, fi]", "[]", "operator.yaml:5: languages: too few entries (accepted: at least 1)"),
    ("operator.yaml", "[en, fi]", "[en, [fi]]", "operator.yaml:5: languages.1: a list stands here"),
    ("operator.yaml", "harbour-app-2026", "short", "operator.yaml:8: keys.public: the value does not fit"),
    (
        "operator.yaml",
        "secret_env: HARBOUR_SECRET_KEY",
        "secret_env: NOT_THERE",
        "operator.yaml:9: keys.secret_env: the environment variable NOT_THERE is not set",
    ),
    (
        "operator.yaml",
        "secret_env: HARBOUR_SECRET_KEY",
        "secret: harbour-app-2026",
        "operator.yaml:7: keys: the public and the secret key are the same",
    ),
    (
        "operator.yaml",
        "secret_env: HARBOUR_SECRET_KEY",
        "public_env: HARBOUR_SECRET_KEY",
        "operator.yaml:7: keys: public and public_env exclude each other",
    ),
    ("operator.yaml", "role: owner", "role: boss", "operator.yaml:14: staff.0.role: 'boss' does not fit"),
    (
        "operator.yaml",
        "staff:\n",
        "staff:\n  - {email: OWNER@harbour.test, role: support, password: long enough}\n",
        "operator.yaml:13: staff.1.email: 'owner@harbour.test' stands twice (first in line 12)",
    ),
    (
        "operator.yaml",
        "start_distance_m: 150",
        "start_distance: 150",
        "operator.yaml:21: settings.rides.start_distance: unknown key - did you mean 'start_distance_m'?",
    ),
    (
        "operator.yaml",
        "start_distance_m: 150",
        "start_distance_m: 0",
        "operator.yaml:21: settings.rides.start_distance_m: '0' does not fit (accepted: a whole number of at least 1)",
    ),
    (
        "operator.yaml",
        "public_vehicles: true",
        "public_vehicles: maybe",
        "'maybe' does not fit (accepted: true or false)",
    ),
    ("operator.yaml", "country: FI", "country:", "operator.yaml:18: settings.country: no value"),
    (
        "operator.yaml",
        "country: FI",
        "country: FI\n  country: SE",
        "operator.yaml:19:3: the key 'country' stands twice",
    ),
    ("operator.yaml", "name: Harbour Bikes", 'name: "a\\0b"', "operator.yaml:2: name: a control character"),
    ("operator.yaml", "name: Harbour Bikes", "name: [unclosed", "operator.yaml:3:9: not YAML:"),
    ("operator.yaml", "name: Harbour Bikes", "\tname: x", "operator.yaml:2:1: not YAML:"),
    ("operator.yaml", "name: Harbour Bikes", "name: &anchor x", "operator.yaml:2:7: anchors (&) and aliases (*)"),
    ("operator.yaml", "name: Harbour Bikes", "name: !!python/object:os.system x", "operator.yaml:2:7: the tag"),
    ("operator.yaml", "name: Harbour Bikes", "name: x\n---\nname: y", "operator.yaml:3:1: a second document"),
    # pricing.yaml
    ("pricing.yaml", "  scooter:", "  Scooter:", "pricing.yaml:2: tariffs.Scooter: 'Scooter' does not fit"),
    (
        "pricing.yaml",
        "price_minor: 22",
        "price_minor: -1",
        "pricing.yaml:6: tariffs.scooter.minute_tiers.0.price_minor: '-1'",
    ),
    (
        "pricing.yaml",
        "price_minor: 22",
        "price_minor: 1" + "0" * 40,
        "pricing.yaml:6: tariffs.scooter.minute_tiers.0.price_minor:",
    ),
    ("pricing.yaml", "price_minor: 22", "price_minor: .nan", "tariffs.scooter.minute_tiers.0.price_minor: '.nan'"),
    (
        "pricing.yaml",
        "- {price_minor: 22}",
        "- {upto_min: 5, price_minor: 22}",
        "pricing.yaml:2: tariffs.scooter: minute_tiers: the last tier must be open",
    ),
    ("pricing.yaml", '"0.255"', '"25.5"', "pricing.yaml:9: tariffs.scooter.tax_rate: '25.5' does not fit"),
    (
        "pricing.yaml",
        "title: Scooter",
        "title: Scooter\n    currency: SEK",
        "pricing.yaml:4: tariffs.scooter.currency: 'SEK' is not the operator's currency (accepted: EUR, or nothing)",
    ),
    (
        "pricing.yaml",
        "minute_tiers:",
        "km_tiers: [{price_minor: 3}, {price_minor: 4}]\n    minute_tiers:",
        "pricing.yaml:2: tariffs.scooter: km_tiers: only the last tier may be open (upto_km null)",
    ),
    (
        "pricing.yaml",
        "unlock_minor: 100",
        "unlock_minor: 100\n    minimum_minor: 300\n    ride_cap_minor: 200",
        "pricing.yaml:2: tariffs.scooter: ride_cap_minor: 200 is less than minimum_minor, 300",
    ),
    (
        "pricing.yaml",
        "unlock_minor: 100",
        "unlock_minor: 100\n    surcharges:\n      - {title: Night}",
        (
            "pricing.yaml:6: tariffs.scooter.surcharges.0: a surcharge asks for something: pct, amount_minor or "
            "per_minute_minor"
        ),
    ),
    (
        "pricing.yaml",
        "unlock_minor: 100",
        (
            "unlock_minor: 100\n    surcharges:\n      - title: Station\n        pct: 5\n        windows:\n"
            "          - {from: '24:00'}"
        ),
        "pricing.yaml:9: tariffs.scooter.surcharges.0.windows.0.from: '24:00' does not fit",
    ),
    (
        "pricing.yaml",
        "unlock_minor: 100",
        "unlock_minor: 100\n    surcharges:\n      - {title: Station, pct: 5, zones: [service-area, staton]}",
        (
            "pricing.yaml:6: tariffs.scooter.surcharges.0.zones.1: there is no zone 'staton' - did you mean 'station'? "
            "(accepted: "
        ),
    ),
    (
        "pricing.yaml",
        "models: [kite]",
        "models: [kyte]",
        "subscriptions.commuter.models.0: there is no model 'kyte' - did you mean 'kite'?",
    ),
    (
        "pricing.yaml",
        "quota: {unlocks: 2, ride_min: 30}\n    pct: 20",
        "quota: {}",
        "subscriptions.commuter: a plan gives something: a quota, or pct above 0",
    ),
    ("pricing.yaml", "tariffs:", "tarifs:", "pricing.yaml:1: tarifs: unknown key - did you mean 'tariffs'?"),
    # models.yaml
    (
        "models.yaml",
        "tariff: scooter",
        "tariff: scoter",
        "models.yaml:15: models.kite.tariff: there is no tariff 'scoter' - did you mean 'scooter'? (accepted: scooter, e-bike)",
    ),
    (
        "models.yaml",
        "[helmet, insurance]",
        "[helmet, inshurance]",
        "models.yaml:16: models.kite.addons.1: there is no add-on 'inshurance' - did you mean 'insurance'?",
    ),
    (
        "models.yaml",
        "[helmet, insurance]",
        "[helmet, helmet]",
        "models.kite.addons.1: the add-on 'helmet' stands twice",
    ),
    (
        "models.yaml",
        "vehicle_type: SCOOTER",
        "vehicle_type: scooter",
        "models.yaml:14: models.kite.vehicle_type: 'scooter' does not fit - did you mean 'SCOOTER'?",
    ),
    ("models.yaml", "kind: FIXED", "kind: ONCE", "models.yaml:4: addons.helmet.kind: 'ONCE' does not fit"),
    ("models.yaml", "max: 20}", "max: 1" + "0" * 30 + "}", "models.kite.capabilities.3.value.max: '1000000"),
    ("models.yaml", "command: ring", "command: rings", "models.kite.capabilities.2.command: 'rings' does not fit"),
    # zones.geojson
    (
        "zones.geojson",
        '"NO_GO_ZONE"',
        '"NOGO_ZONE"',
        "zones.geojson:2: feature 1 (ref 'service-area'): zone_type: 'NOGO_ZONE'",
    ),
    (
        "zones.geojson",
        '"ref": "station"',
        '"ref": "square"',
        "feature 3 (ref 'square'): ref: 'square' stands twice (first in line 8)",
    ),
    ("zones.geojson", '"ref": "station", ', "", "zones.geojson:8: feature 2 (title 'Central station'): ref: missing"),
    ("zones.geojson", '"radius_m": 120, ', "", "feature 2 (ref 'station'): properties.radius_m: missing"),
    (
        "zones.geojson",
        '"radius_m": 120',
        '"radius_m": "far"',
        "feature 2 (ref 'station'): radius_m: 'far' does not fit",
    ),
    (
        "zones.geojson",
        "[24.9408, 60.1712]",
        "[24.9408]",
        "feature 2 (ref 'station'): geometry.coordinates: [24.9408] is no position",
    ),
    ("zones.geojson", "[24.9408, 60.1712]", "[24.9408, 1e999]", "feature 2 (ref 'station'): geometry.coordinates:"),
    ("zones.geojson", "[24.9408, 60.1712]", "[24.9408, NaN]", "zones.geojson: not JSON: NaN is no JSON number"),
    ("zones.geojson", "[24.9408, 60.1712]", "[24.9408, 60.1712", "zones.geojson:9:66: not JSON:"),
    ("zones.geojson", ", [24.90, 60.15]],", "],", "feature 1 (ref 'service-area'): ring 1 is not closed"),
    ("zones.geojson", '"Polygon"', '"MultiPolygon"', "feature 1 (ref 'service-area'): the geometry is 'MultiPolygon'"),
    (
        "zones.geojson",
        "[25.00, 60.15], [25.00, 60.20]",
        "[25.00, 60.20], [25.00, 60.15]",
        "feature 1 (ref 'service-area'): the polygon crosses or touches itself",
    ),
    ("zones.geojson", '"06:00"', '"6:00"', "feature 3 (ref 'square'): windows.0.from: '6:00' does not fit"),
    (
        "zones.geojson",
        '"sat", "sun"',
        '"sat", "sunday"',
        "windows.0.weekdays.1: 'sunday' does not fit - did you mean 'sun'?",
    ),
    (
        "zones.geojson",
        '"windows"',
        '"models": ["kyte"], "windows"',
        "models.0: there is no model 'kyte' - did you mean 'kite'?",
    ),
    (
        "zones.geojson",
        '"color": "21C378"',
        '"colour": "21C378"',
        "feature 2 (ref 'station'): colour: unknown key - did you mean 'color'?",
    ),
    (
        "zones.geojson",
        '"type": "Feature",',
        '"type": "Feature", "properties": {},',
        "the key 'properties' stands twice",
    ),
    ("zones.geojson", "FeatureCollection", "GeometryCollection", "zones.geojson:1: not a GeoJSON FeatureCollection"),
    # vehicles.csv
    ("vehicles.csv", "1002,kite", "1001,kite", "vehicles.csv:3: nr: '1001' stands twice (first in line 2)"),
    ("vehicles.csv", "HB-0002", "HB-0001", "vehicles.csv:3: device_identity: 'HB-0001' stands twice (first in line 2)"),
    ("vehicles.csv", "2001,gull", "2001,gul", "vehicles.csv:4: model: there is no model 'gul' - did you mean 'gull'?"),
    (
        "vehicles.csv",
        "60.171100",
        "160.171100",
        "vehicles.csv:2: lat: '160.171100' does not fit (accepted: a number from -90 to 90)",
    ),
    ("vehicles.csv", "60.171100", "nan", "vehicles.csv:2: lat: 'nan' does not fit"),
    ("vehicles.csv", "60.171100", "", "vehicles.csv:2: lat: missing"),
    ("vehicles.csv", ",87,", ",101,", "vehicles.csv:2: battery_pct: '101' does not fit"),
    ("vehicles.csv", ",HB-0001,", ",,", "vehicles.csv:2: device_secret without device_identity"),
    ("vehicles.csv", "f3a9c2d47b1e", "short", "vehicles.csv:2: device_secret: the value does not fit"),
    ("vehicles.csv", "1001,kite,", "1001,", "vehicles.csv:2: 7 cells under 8 columns"),
    ("vehicles.csv", "nr,model", "number,model", "vehicles.csv:1: unknown column 'number'"),
    ("vehicles.csv", "nr,model", "nr,nr", "vehicles.csv:1: the column 'nr' stands twice"),
    ("vehicles.csv", "1001,kite", '"1001"x,kite', "vehicles.csv:2: not CSV:"),
    # rental.yaml
    (
        "rental.yaml",
        "default_tariff: day",
        "default_tariff: days",
        "rental.yaml:1: default_tariff: there is no tariff 'days' - did you mean 'day'? (accepted: day, e-bike)",
    ),
    (
        "rental.yaml",
        "{E_BIKE: e-bike}",
        "{EBIKE: e-bike}",
        "rental.yaml:2: types.EBIKE: 'EBIKE' does not fit - did you mean 'E_BIKE'?",
    ),
    ("rental.yaml", "{E_BIKE: e-bike}", "{E_BIKE: ebike}", "rental.yaml:2: types.E_BIKE: there is no tariff 'ebike'"),
    (
        "rental.yaml",
        "gull: {propulsion",
        "gul: {propulsion",
        "rental.yaml:17: models.gul: there is no model 'gul' - did you mean 'gull'? (accepted: kite, gull)",
    ),
    (
        "rental.yaml",
        "gull: {propulsion",
        "gull: {tariff: weekly, propulsion",
        "rental.yaml:17: models.gull.tariff: there is no tariff 'weekly'",
    ),
    (
        "rental.yaml",
        "default_tariff: day\ntypes: {E_BIKE: e-bike}",
        "types: {CAR: e-bike}",
        "rental.yaml:16: models.gull: no tariff: neither the model nor the type E_BIKE says one, and there is no default",
    ),
    ("rental.yaml", "propulsion: electric_assist", "propulsion: steam", "models.gull.propulsion: 'steam' does not fit"),
    (
        "rental.yaml",
        "rates: {day_minor: 2000, week_minor: 9000}",
        "rates: {}",
        "rental.yaml:6: tariffs.day.rates: rates: a rental costs something",
    ),
    (
        "rental.yaml",
        "before_min: 120,",
        "before_min: 1440,",
        "rental.yaml:8: tariffs.e-bike: cancel: before_min must fall from tier to tier",
    ),
    (
        "rental.yaml",
        "title: By the day",
        "title: By the day\n    currency: SEK",
        "rental.yaml:6: tariffs.day.currency: 'SEK' is not the operator's currency (accepted: EUR, or nothing)",
    ),
    (
        "rental.yaml",
        "stock: 3, models: [gull]",
        "stock: 3, models: [kite]",
        "rental.yaml:27: addons.seat.models.0: there is no rented model 'kite' (accepted: gull)",
    ),
    (
        "rental.yaml",
        "hours: 60\n    models: [gull]",
        "hours: 60\n    models: [gul]",
        "rental.yaml:23: packages.weekend.models.0: there is no rented model 'gul' - did you mean 'gull'?",
    ),
    # rental_zones.geojson
    (
        "rental_zones.geojson",
        '"ref": "harbour"',
        '"ref": "main-hall"',
        "rental_zones.geojson:8: feature 2 (ref 'main-hall'): ref: 'main-hall' stands twice (first in line 2)",
    ),
    (
        "rental_zones.geojson",
        '"2026-12-26"',
        '"2026-02-30"',
        "rental_zones.geojson:2: feature 1 (ref 'main-hall'): closed.1: '2026-02-30' is no day",
    ),
    ("rental_zones.geojson", '"07:00"', '"7:00"', "feature 1 (ref 'main-hall'): opening.0.from: '7:00' does not fit"),
    (
        "rental_zones.geojson",
        '"radius_m": 80',
        '"radius_m": 0',
        "feature 1 (ref 'main-hall'): radius_m 0.0 is not above 0",
    ),
    ("rental_zones.geojson", '"radius_m": 80, ', "", "feature 1 (ref 'main-hall'): properties.radius_m: missing"),
    (
        "rental_zones.geojson",
        '"radius_m": 80, ',
        '"radius_m": 80, "pin": [24.9, 60.1], ',
        "feature 1 (ref 'main-hall'): pin: only a Polygon has a pin",
    ),
    (
        "rental_zones.geojson",
        "[24.9552, 60.1602]",
        "[60.1602, 124.9552]",
        "feature 2 (ref 'harbour'): pin: not on the globe (accepted: [longitude, latitude])",
    ),
    ("rental_zones.geojson", "[24.9552, 60.1602]", "[24.9552]", "feature 2 (ref 'harbour'): pin: too few entries"),
    (
        "rental_zones.geojson",
        "[24.957, 60.160], [24.957, 60.161]",
        "[24.957, 60.161], [24.957, 60.160]",
        "feature 2 (ref 'harbour'): the polygon crosses or touches itself",
    ),
    (
        "rental_zones.geojson",
        '"lead_min"',
        '"zone_type": "PARKING_ZONE", "lead_min"',
        "feature 2 (ref 'harbour'): zone_type: unknown key",
    ),
    # taxi.yaml
    (
        "taxi.yaml",
        "base_minor: 490",
        "base_minor: 4.90",
        "taxi.yaml:8: classes.boat.tariff.base_minor: '4.90' does not fit",
    ),
    ("taxi.yaml", "  boat:", "  Boat:", "taxi.yaml:2: classes.Boat: 'Boat' does not fit"),
    (
        "taxi.yaml",
        "capacity: 4",
        "capcity: 4",
        "taxi.yaml:5: classes.boat.capcity: unknown key - did you mean 'capacity'?",
    ),
    ("taxi.yaml", "    title: Water taxi\n", "", "taxi.yaml:2: classes.boat.title: missing"),
    # taxi_vehicles.csv
    (
        "taxi_vehicles.csv",
        "boat ferry",
        "boat fery",
        "taxi_vehicles.csv:3: classes: there is no class 'fery' - did you mean 'ferry'? (accepted: boat, ferry)",
    ),
    ("taxi_vehicles.csv", "white,4,boat", "white,4,", "taxi_vehicles.csv:2: classes: missing"),
    ("taxi_vehicles.csv", "boat ferry", "boat;ferry", "taxi_vehicles.csv:3: classes: 'boat;ferry' does not fit"),
    ("taxi_vehicles.csv", "white,4", "white,no", "taxi_vehicles.csv:2: seats: 'no' does not fit"),
    (
        "taxi_vehicles.csv",
        "HRB-102",
        "HRB-101",
        "taxi_vehicles.csv:3: plate: 'HRB-101' stands twice (first in line 2)",
    ),
    (
        "taxi_vehicles.csv",
        "plate,title",
        "plates,title",
        "taxi_vehicles.csv:1: unknown column 'plates' - did you mean 'plate'?",
    ),
    # drivers.csv
    (
        "drivers.csv",
        "15,HRB-102",
        "15,HRB-103",
        "drivers.csv:3: vehicles: there is no taxi vehicle 'HRB-103' - did you mean",
    ),
    (
        "drivers.csv",
        "358,451900002",
        "358,451900001",
        "drivers.csv:3: phone: '358 451900001' stands twice (first in line 2)",
    ),
    ("drivers.csv", "358,451900002", "358,12", "drivers.csv:3: phone: '12' does not fit"),
    ("drivers.csv", "358,451900002", "999,451900002", "drivers.csv:3: phone_prefix: this is no country's phone prefix"),
    ("drivers.csv", "358,451900002", "358,99999", "drivers.csv:3: phone: this is not a phone number of prefix 358"),
    (
        "drivers.csv",
        "358,451900002",
        "358,0451900002",
        "drivers.csv:3: phone: not as dialled from abroad (accepted: 451900002)",
    ),
    (
        "drivers.csv",
        ",fi,true",
        ",sv,true",
        "drivers.csv:2: language: the operator does not speak 'sv' (accepted: en, fi)",
    ),
    ("drivers.csv", "false,15", "false,115", "drivers.csv:3: commission_pct: '115' does not fit"),
    ("drivers.csv", "false,15", "nope,15", "drivers.csv:3: cash: 'nope' does not fit (accepted: true or false)"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in documented().items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def refused(folder: Path) -> FolderRefused:
    with pytest.raises(FolderRefused) as found:
        read_folder(folder, ENVIRON)
    return found.value


@pytest.mark.parametrize(("name", "old", "new", "told"), SLIPS, ids=[f"{slip[0]}-{slip[3][:60]}" for slip in SLIPS])
def test_a_slip_is_told_with_its_place(folder: Path, name: str, old: str, new: str, told: str) -> None:
    text = (folder / name).read_text(encoding="utf-8")
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")
    faults = [fault.text() for fault in refused(folder).faults]
    assert any(told in fault for fault in faults), faults


@pytest.mark.parametrize("text", ["nan", "inf", "-Infinity", "1e999"])
def test_a_number_is_finite_whatever_the_field(text: str) -> None:
    faults = Faults()
    assert decode(Node(text, 7), float, Place("a.yaml"), faults) is None
    assert [fault.text() for fault in faults] == [f"a.yaml:7: '{text}' does not fit (accepted: a number)"]


def test_secrets_are_never_told(folder: Path) -> None:
    operator = folder / "operator.yaml"
    text = operator.read_text(encoding="utf-8").replace("harbour-app-2026", "p u b l i c")
    operator.write_text(text.replace("password_env: HARBOUR_OWNER_PASSWORD", "password: hunter2"), encoding="utf-8")
    vehicles = folder / "vehicles.csv"
    vehicles.write_text(vehicles.read_text(encoding="utf-8").replace("f3a9c2d47b1e", "s e c"), encoding="utf-8")
    told = str(refused(folder))
    assert told.count("the value does not fit") == 3
    assert not any(secret in told for secret in ("p u b l i c", "hunter2", "s e c"))


def test_secrets_do_not_stand_in_a_trace(folder: Path) -> None:
    read = read_folder(folder, ENVIRON)
    assert not any(secret in repr(read) for secret in ("harbour-app-2026", *ENVIRON.values(), "f3a9c2d47b1e"))


def test_country_no_stays_norway(folder: Path) -> None:
    operator = folder / "operator.yaml"
    operator.write_text(operator.read_text(encoding="utf-8").replace("country: FI", "country: NO"), encoding="utf-8")
    assert read_folder(folder, ENVIRON).operator.settings.country == "NO"


def test_a_file_is_missing_and_another_has_nearly_its_name(folder: Path) -> None:
    (folder / "vehicles.csv").rename(folder / "vehicle.csv")
    assert refused(folder).faults[0].text().startswith("vehicles.csv: missing - is it 'vehicle.csv'?")


@pytest.mark.parametrize(
    ("name", "slip"),
    [
        ("rental.yaml", "rentals.yaml"),
        ("rental_zones.geojson", "rental_zone.geojson"),
        ("taxi.yaml", "taxis.yaml"),
        ("drivers.csv", "driver.csv"),
        ("taxi_vehicles.csv", "taxi-vehicles.csv"),
    ],
)
def test_a_file_that_may_be_missing_is_not_missed_for_a_slip(folder: Path, name: str, slip: str) -> None:
    (folder / name).rename(folder / slip)
    assert f"{slip}: not looked at - did you mean '{name}'?" in str(refused(folder))


@pytest.mark.parametrize("stranger", ["notes.yaml", "rental.txt", "README.md", "old.geojson"])
def test_other_files_are_not_looked_at(folder: Path, stranger: str) -> None:
    for name in ("rental.yaml", "rental_zones.geojson"):
        (folder / name).unlink()
    (folder / stranger).write_text("{", encoding="utf-8")
    read = read_folder(folder, ENVIRON)
    assert (read.rental.models, read.stations) == ({}, ())


def test_there_is_no_such_folder(tmp_path: Path) -> None:
    assert "no such folder" in str(refused(tmp_path / "nowhere"))


def test_text_that_is_not_utf_8(folder: Path) -> None:
    (folder / "pricing.yaml").write_bytes(b"tariffs:\n  x:\n    title: caf\xe9\n")
    assert "pricing.yaml:3: not UTF-8" in str(refused(folder))


def test_a_file_that_is_too_large_is_not_read_to_its_end(folder: Path) -> None:
    with (folder / "pricing.yaml").open("wb") as file:
        os.truncate(file.fileno(), 1 << 40)
    assert "pricing.yaml: the file is too large (accepted: at most 1048576 bytes)" in str(refused(folder))


def test_deep_nesting_is_refused(folder: Path) -> None:
    (folder / "pricing.yaml").write_text("[" * 5_000, encoding="utf-8")
    (folder / "zones.geojson").write_text("[" * 500_000, encoding="utf-8")
    told = str(refused(folder))
    assert "pricing.yaml:1:22: nested deeper than 20" in told
    assert "zones.geojson: nested deeper than 20" in told


def test_many_faults_are_counted_beyond_a_bound(folder: Path) -> None:
    rows = "".join(f"{nr},kyte,60,24\n" for nr in range(MAX_FAULTS + 70))
    (folder / "vehicles.csv").write_text("nr,model,lat,lon\n" + rows, encoding="utf-8")
    refusal = refused(folder)
    assert len(refusal.faults) == MAX_FAULTS
    assert refusal.more == 70
    assert str(refusal).endswith("... and 70 more")


def test_lines_of_features_count_whatever_stands_in_texts(folder: Path) -> None:
    path = folder / "zones.geojson"
    document = json.loads(path.read_text(encoding="utf-8"))
    for feature in document["features"]:
        feature["properties"]["title"] = 'a "quoted" {title} [with] brackets \\'
    document["features"][2]["properties"]["color"] = "red"
    path.write_text(
        json.dumps({"name": {"features": [{}]}, "others": [{}, {}], **document}, indent=1), encoding="utf-8"
    )
    lines = path.read_text(encoding="utf-8").split("\n")
    (fault,) = refused(folder).faults
    assert fault.line is not None
    assert lines[fault.line - 1].strip() == "{"
    following = "\n".join(lines[fault.line : fault.line + 30])
    assert '"ref": "square"' in following
    assert fault.feature == "feature 3 (ref 'square')"
