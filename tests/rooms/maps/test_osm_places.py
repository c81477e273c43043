"""Places made of what OpenStreetMap says, by hand."""

from isotope.adapters.maps.osm_places import Spot, StreetPart, places_of
from isotope.domain.maps.model import KnownPlace, PlaceKind
from isotope.kernel.geo import Point

CENTRE = Point(60.17, 24.94)


def spot(ref: str, at: Point = CENTRE, rank: int = 0, **tags: str) -> Spot:
    return Spot(ref, _tags(tags), at, rank)


def _tags(tags: dict[str, str]) -> dict[str, str]:
    return {key.replace("__", ":"): value for key, value in tags.items()}


def part(nr: int, name: str, at: Point = CENTRE, **tags: str) -> StreetPart:
    return StreetPart(nr, {"highway": "residential", "name": name, **_tags(tags)}, at)


def made(*things: Spot | StreetPart, languages: tuple[str, ...] = (), number_first: bool = False) -> list[KnownPlace]:
    spots = [thing for thing in things if isinstance(thing, Spot)]
    parts = [thing for thing in things if isinstance(thing, StreetPart)]
    return places_of(spots, parts, languages, number_first=number_first)


def of_kind(found: list[KnownPlace], kind: PlaceKind) -> list[KnownPlace]:
    return [place for place in found if place.kind is kind]


def north(metres: float) -> Point:
    return Point(CENTRE.lat + metres / 111_195, CENTRE.lon)


def test_parts_of_a_street_are_one_and_far_ones_another() -> None:
    streets = made(
        part(2, "Katu"), part(1, "Katu", north(800)), part(3, "katu", north(1_600)), part(4, "Katu", north(9_000))
    )
    assert sorted(street.ref for street in streets) == ["s1", "s4"]
    assert next(street for street in streets if street.ref == "s1").lat == north(800).lat


def test_an_address_of_its_best_object_under_the_nearest_street() -> None:

    def house(ref: str, metres: float, rank: int = 0, **tags: str) -> Spot:
        return spot(ref, north(metres), rank, addr__street="Katu", addr__housenumber="5", **tags)

    found = made(
        part(1, "Katu", name__sv="Gatan"),
        part(2, "Katu", north(8_000)),
        house("n1", 10, name="Shop", shop="bakery"),
        house("n2", 20),
        house("w3", 30, 1, building="yes"),
        house("n4", 40, entrance="main"),
    )
    [address] = of_kind(found, PlaceKind.ADDRESS)
    assert (address.ref, address.street_ref, address.number) == ("an4:5", "s1", "5")
    assert address.titles == {"": "Katu 5", "sv": "Gatan 5"}
    [shop] = of_kind(found, PlaceKind.POI)
    assert (shop.titles[""], shop.subtitles[""]) == ("Shop", "Katu 5")


def test_numbers_of_a_list_and_of_streets_without_a_way() -> None:
    found = made(spot("n1", addr__place="Saari", addr__housenumber="1;3 B"), number_first=True)
    assert sorted(place.titles[""] for place in of_kind(found, PlaceKind.ADDRESS)) == ["1 Saari", "3 B Saari"]
    [street] = of_kind(found, PlaceKind.STREET)
    assert street.folded == "|saari|"


def test_towns_are_those_of_the_nearest_address() -> None:
    found = made(
        part(1, "Katu", name__sv="Gatan"),
        part(2, "Far", north(3_000), name__sv="Fjärran"),
        spot(
            "n1", north(50), addr__street="Katu", addr__housenumber="1", addr__city="Helsinki", addr__postcode="00100"
        ),
        spot("n2", place="city", name="Helsinki", name__sv="Helsingfors", name__ja="ヘルシンキ"),
    )
    near, far = sorted(of_kind(found, PlaceKind.STREET), key=lambda place: place.ref)
    assert near.subtitles == {"": "00100 Helsinki", "sv": "00100 Helsingfors"}
    assert near.area == "helsinki helsingfors"
    assert far.subtitles == {"": ""}


def test_languages_of_the_streets_and_those_asked_for_are_kept() -> None:
    park = spot(
        "n1", name="Puisto", leisure="park", name__sv="Park", name__en="The park", name__ru="Парк", alt_name="P"
    )
    streets = [part(1, "Katu", name__sv="Gata"), *(part(nr, f"Katu {nr}") for nr in range(2, 6))]
    [found] = of_kind(made(park, *streets, languages=("en",)), PlaceKind.POI)
    assert found.titles == {"": "Puisto", "sv": "Park", "en": "The park"}
    assert found.folded == "|puisto|park|the park|p|"


def test_pois_are_where_one_goes_and_the_same_one_once() -> None:
    found = made(
        spot("n1", name="Bench", amenity="bench"),
        spot("n2", name="Europe", place="continent"),
        spot("n3", name="Only a name"),
        spot("n4", name="Asema", railway="tram_stop"),
        spot("n5", north(100), name="asema", railway="station"),
        spot("n6", north(400), name="Asema", railway="tram_stop"),
        spot("n7", name="---", shop="bakery"),
    )
    assert sorted(place.ref for place in found) == ["pn5", "pn6"]
    assert {place.ref: place.weight for place in found} == {"pn5": 1.0, "pn6": 0.4}
