"""Any small folder: the store becomes what it says, and then there is nothing to change. Any garbage: refused, never worse."""

import asyncio
import csv
import json
import string
import tempfile
import uuid
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isotope.infra.clock import SystemClock
from isotope.infra.db import Database
from isotope.infra.hub import Hub
from isotope.infra.jobs import Jobs
from isotope.infra.runtime import Runtime
from isotope.kernel.vehicle_types import VehicleType
from isotope.provisioning import FileFault, FolderRefused, apply_folder, plan_folder, read_folder
from isotope.provisioning.folder import FILES, OPTIONAL

DEMO = Path(__file__).parents[2] / "src" / "isotope" / "demo_city"
ALL_FILES = {**FILES, **OPTIONAL}
PRINTABLE = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"))

refs = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=6)
titles = st.text(PRINTABLE, min_size=1, max_size=20)
prices = st.integers(0, 10_000)
types = st.sampled_from([vehicle_type.value for vehicle_type in VehicleType])
degrees = st.floats(-80, 80, allow_nan=False).map(lambda value: round(value, 5))

tariffs = st.fixed_dictionaries(
    {"title": titles, "unlock_minor": prices, "minute_tiers": st.just([{"price_minor": 7}])},
    optional={"pause_tiers": st.lists(st.fixed_dictionaries({"price_minor": prices}), max_size=1)},
)
addons = st.fixed_dictionaries(
    {"title": titles, "kind": st.sampled_from(["FIXED", "PER_MINUTE"]), "price_minor": prices}
)


@st.composite
def zones(draw: st.DrawFn, ref: str) -> dict[str, Any]:
    lon, lat = draw(degrees), draw(degrees)
    properties: dict[str, Any] = {
        "ref": ref,
        "zone_type": draw(st.sampled_from(["PARKING_ZONE", "NO_GO_ZONE", "BONUS_ZONE"])),
        "title": draw(titles),
        "color": draw(st.text("0123456789ABCDEF", min_size=6, max_size=6)),
        "vehicle_types": draw(st.lists(types, max_size=3)),
        "priority": draw(st.integers(-5, 5)),
    }
    geometry: dict[str, Any]
    if draw(st.booleans()):
        properties["radius_m"] = draw(st.integers(1, 500))
        geometry = {"type": "Point", "coordinates": [lon, lat]}
    else:
        size = draw(st.integers(1, 9)) / 10
        ring = [[lon, lat], [lon + size, lat], [lon + size, lat + size], [lon, lat]]
        geometry = {"type": "Polygon", "coordinates": [ring]}
    return {"type": "Feature", "geometry": geometry, "properties": properties}


@st.composite
def stations(draw: st.DrawFn, ref: str) -> dict[str, Any]:
    zone = draw(zones(ref))
    properties = {name: value for name, value in zone["properties"].items() if name in ("ref", "title", "radius_m")}
    return zone | {"properties": properties | {"lead_min": draw(st.integers(0, 99))}}


@st.composite
def rentals(draw: st.DrawFn, models: dict[str, Any]) -> dict[str, Any]:
    """`rental.yaml`: with a tariff for every model, one way or another."""
    priced = draw(
        st.dictionaries(
            refs,
            st.fixed_dictionaries({"title": titles, "rates": st.fixed_dictionaries({"hour_minor": prices})}),
            min_size=1,
            max_size=3,
        )
    )
    tariff = st.sampled_from(sorted(priced))
    rented = draw(st.lists(st.sampled_from(sorted(models)), unique=True, max_size=3))
    theirs = st.sampled_from([model["vehicle_type"] for model in models.values()])
    return {
        "default_tariff": draw(tariff),
        "types": draw(st.dictionaries(types | theirs, tariff, max_size=3)),
        "tariffs": priced,
        "models": {ref: draw(st.fixed_dictionaries({}, optional={"tariff": tariff})) for ref in rented},
        "addons": draw(
            st.dictionaries(
                refs,
                st.fixed_dictionaries(
                    {"title": titles, "kind": st.sampled_from(["FIXED", "PER_DAY"]), "price_minor": prices},
                    optional={"models": st.lists(st.sampled_from(rented), max_size=2) if rented else st.just([])},
                ),
                max_size=2,
            )
        ),
    }


@st.composite
def folders(draw: st.DrawFn) -> dict[str, Any]:
    """The contents of the files but for what must be unique in the installation."""
    pricing = draw(st.dictionaries(refs, tariffs, min_size=1, max_size=3))
    extras = draw(st.dictionaries(refs, addons, max_size=3))
    model = st.fixed_dictionaries(
        {
            "title": titles,
            "vehicle_type": types,
            "tariff": st.sampled_from(sorted(pricing)),
            "addons": st.lists(st.sampled_from(sorted(extras)), unique=True, max_size=3) if extras else st.just([]),
            "seats": st.integers(1, 9),
        },
        optional={"range_km": st.integers(1, 900)},
    )
    models = draw(st.dictionaries(refs, model, min_size=1, max_size=3))
    nrs = draw(st.lists(st.integers(1, 9).map(str), unique=True, max_size=5))
    units = draw(st.permutations([f"u{number}" for number in range(6)]))
    return {
        "name": draw(titles.filter(lambda name: name.strip() == name)),
        "tariffs": pricing,
        "addons": extras,
        "models": models,
        "zones": [draw(zones(ref)) for ref in draw(st.lists(refs, unique=True, max_size=4))],
        "rental": draw(st.none() | rentals(models)),
        "stations": draw(
            st.none()
            | st.lists(refs, unique=True, max_size=3).flatmap(
                lambda names: st.tuples(*(stations(name) for name in names)).map(list)
            )
        ),
        "vehicles": [
            {
                "nr": nr,
                "model": draw(st.sampled_from(sorted(models))),
                "unit": unit if draw(st.booleans()) else "",
                "lat": draw(degrees),
                "lon": draw(degrees),
            }
            for nr, unit in zip(nrs, units, strict=False)
        ],
    }


def write(path: Path, tag: str, content: dict[str, Any]) -> None:
    operator = {
        "slug": f"prop-{tag}",
        "name": content["name"],
        "currency": "EUR",
        "time_zone": "UTC",
        "languages": ["en"],
        "keys": {"public": f"public-{tag}", "secret": f"secret-{tag}"},
    }
    for name, value in (
        ("operator.yaml", operator),
        ("pricing.yaml", {"tariffs": content["tariffs"]}),
        ("models.yaml", {"addons": content["addons"], "models": content["models"]}),
    ):
        (path / name).write_text(yaml.dump(value, Dumper=_Plain, allow_unicode=True), encoding="utf-8")
    for name in OPTIONAL:
        (path / name).unlink(missing_ok=True)
    if content["rental"] is not None:
        text = yaml.dump(content["rental"], Dumper=_Plain, allow_unicode=True)
        (path / "rental.yaml").write_text(text, encoding="utf-8")
    for name, features in (("zones.geojson", content["zones"]), ("rental_zones.geojson", content["stations"])):
        if features is not None:
            collection = {"type": "FeatureCollection", "features": features}
            (path / name).write_text(json.dumps(collection), encoding="utf-8")
    out = StringIO()
    writer = csv.writer(out)
    writer.writerow(["nr", "model", "lat", "lon", "device_identity", "device_secret"])
    for row in content["vehicles"]:
        unit = f"{tag}-{row['unit']}" if row["unit"] else ""
        writer.writerow([row["nr"], row["model"], row["lat"], row["lon"], unit, "a-secret" if unit else ""])
    (path / "vehicles.csv").write_text(out.getvalue(), encoding="utf-8")


class _Plain(yaml.SafeDumper):
    """Writes what occurs twice twice: anchors are refused."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the base class's name
        return True


def stored(url: str, tag: str) -> dict[str, Any]:
    """What is on offer, by plain SQL, in the words of `folders`."""
    with psycopg.connect(url) as connection:

        def rows(sql: Any) -> list[tuple[Any, ...]]:
            return connection.execute(sql, {"slug": f"prop-{tag}"}).fetchall()

        of = "operator_id = (select id from operator where slug = %(slug)s)"
        (name,) = rows("select name from operator where slug = %(slug)s")[0]
        return {
            "name": name,
            "tariffs": {
                ref: (title, spec["unlock_minor"], len(spec["pause_tiers"]))
                for ref, title, spec in rows(f"select ref, title, spec from tariff where {of} and retired_at is null")
            },
            "addons": {
                ref: (title, spec["kind"], spec["price_minor"])
                for ref, title, spec in rows(f"select ref, title, spec from addon where {of} and retired_at is null")
            },
            "models": {
                ref: (title, kind, tariff, list(addons_of), spec["seats"], spec["range_km"])
                for ref, title, kind, tariff, addons_of, spec in rows(
                    f"""
                    select ref, title, vehicle_type, (select ref from tariff t where t.id = m.tariff_id),
                           array(select a.ref from unnest(m.addon_ids) with ordinality i (id, nr)
                                   join addon a on a.id = i.id order by i.nr), spec
                      from vehicle_model m where {of} and retired_at is null
                    """
                )
            },
            "zones": {
                ref: (
                    kind,
                    title,
                    color,
                    types_of,
                    spec.get("priority", 0),
                    radius_m,
                    None if area is None else area["coordinates"],
                )
                for ref, kind, title, color, types_of, spec, radius_m, area in rows(
                    f"select ref, zone_type, title, color, vehicle_types, spec, radius_m, area from zone where {of} and retired_at is null"
                )
            },
            "rental_tariffs": {
                ref: (title, spec["rates"]["hour_minor"])
                for ref, title, spec in rows(
                    f"select ref, title, spec from rental_tariff where {of} and retired_at is null"
                )
            },
            "rental_addons": {
                ref: (title, spec["kind"], spec["price_minor"])
                for ref, title, spec in rows(
                    f"select ref, title, spec from rental_addon where {of} and retired_at is null"
                )
            },
            "rented": dict(
                rows(
                    f"""
                    select (select ref from vehicle_model m where m.id = r.model_id),
                           (select ref from rental_tariff t where t.id = r.tariff_id)
                      from rental_model r where {of} and retired_at is null
                    """
                )
            ),
            "stations": {
                ref: (title, radius_m, None if area is None else area["coordinates"], spec["lead_min"])
                for ref, title, radius_m, area, spec in rows(
                    f"select ref, title, radius_m, area, spec from rental_zone where {of} and retired_at is null"
                )
            },
            "vehicles": {
                nr: (model, unit)
                for nr, model, unit in rows(
                    f"""
                    select nr, (select ref from vehicle_model m where m.id = v.model_id),
                           (select identity from device d where d.id = v.device_id)
                      from vehicle v where {of} and status <> 'DEPRECATED'
                    """
                )
            },
        }


def wanted(tag: str, content: dict[str, Any]) -> dict[str, Any]:
    """What `stored` should say."""
    rental = content["rental"] or {"tariffs": {}, "addons": {}, "models": {}}
    return {
        "name": content["name"],
        "tariffs": {
            ref: (tariff["title"], tariff["unlock_minor"], len(tariff.get("pause_tiers", [])))
            for ref, tariff in content["tariffs"].items()
        },
        "addons": {
            ref: (addon["title"], addon["kind"], addon["price_minor"]) for ref, addon in content["addons"].items()
        },
        "models": {
            ref: (
                model["title"],
                model["vehicle_type"],
                model["tariff"],
                model["addons"],
                model["seats"],
                model.get("range_km"),
            )
            for ref, model in content["models"].items()
        },
        "zones": {
            zone["properties"]["ref"]: (
                zone["properties"]["zone_type"],
                zone["properties"]["title"],
                zone["properties"]["color"],
                zone["properties"]["vehicle_types"],
                zone["properties"]["priority"],
                zone["properties"].get("radius_m"),
                zone["geometry"]["coordinates"] if zone["geometry"]["type"] == "Polygon" else None,
            )
            for zone in content["zones"]
        },
        "rental_tariffs": {
            ref: (tariff["title"], tariff["rates"]["hour_minor"]) for ref, tariff in rental["tariffs"].items()
        },
        "rental_addons": {
            ref: (addon["title"], addon["kind"], addon["price_minor"]) for ref, addon in rental["addons"].items()
        },
        "rented": {
            ref: model.get(
                "tariff", rental["types"].get(content["models"][ref]["vehicle_type"], rental["default_tariff"])
            )
            for ref, model in rental["models"].items()
        },
        "stations": {
            station["properties"]["ref"]: (
                station["properties"]["title"],
                station["properties"].get("radius_m"),
                station["geometry"]["coordinates"] if station["geometry"]["type"] == "Polygon" else None,
                station["properties"]["lead_min"],
            )
            for station in content["stations"] or ()
        },
        "vehicles": {
            row["nr"]: (row["model"], f"{tag}-{row['unit']}" if row["unit"] else None) for row in content["vehicles"]
        },
    }


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(folders(), min_size=2, max_size=3))
def test_the_store_becomes_what_each_folder_says(database_url: str, states: list[dict[str, Any]]) -> None:
    """One operator's folder, edited from state to state."""
    tag = uuid.uuid4().hex[:12]

    async def run() -> None:
        db = Database(database_url, max_size=2)
        await db.open()
        rt = Runtime(db=db, clock=SystemClock(), hub=Hub(database_url), jobs=Jobs())
        with tempfile.TemporaryDirectory() as name:
            for content in states:
                write(Path(name), tag, content)
                folder = read_folder(Path(name), {})
                await apply_folder(rt, folder)
                assert stored(database_url, tag) == wanted(tag, content)
                assert (await plan_folder(rt, folder)).changes == ()
        await db.close()

    asyncio.run(run())


@settings(max_examples=100, deadline=None)
@given(
    name=st.sampled_from(sorted(ALL_FILES)),
    cuts=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 30), st.binary(max_size=12)), min_size=1, max_size=4),
)
def test_any_damage_to_a_file_is_a_refusal_with_a_place_or_no_damage(
    name: str, cuts: list[tuple[float, int, bytes]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        for other in ALL_FILES:
            text = (DEMO / other).read_bytes()
            if other == "vehicles.csv":
                text = b"".join(text.splitlines(keepends=True)[:8])
            if other == name:
                for at, length, put in cuts:
                    begin = int(at * len(text))
                    text = text[:begin] + put + text[begin + length :]
            (path / other).write_bytes(text)
        assert all(fault.file in ALL_FILES and fault.reason for fault in faults_of(path))


def faults_of(path: Path) -> tuple[FileFault, ...]:
    """Empty: the damage left it a right folder."""
    try:
        read_folder(path, {})
    except FolderRefused as refused:
        return refused.faults
    return ()
