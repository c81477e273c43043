"""A few places of Helsinki for a demo without a network: written by us, to about 50 m."""

from typing import Final

from isotope.domain.maps import fold
from isotope.domain.maps.model import KnownPlace, PlaceKind

ATTRIBUTION: Final = "Isotope's own list"

# Finnish, Swedish, English, latitude, longitude.
_PLACES: Final = (
    ("Rautatieasema", "Järnvägsstationen", "Central railway station", 60.1712, 24.9414),
    ("Kauppatori", "Salutorget", "Market Square", 60.1676, 24.9525),
    ("Senaatintori", "Senatstorget", "Senate Square", 60.1695, 24.9525),
    ("Tuomiokirkko", "Domkyrkan", "Helsinki Cathedral", 60.1704, 24.9522),
    ("Uspenskin katedraali", "Uspenskijkatedralen", "Uspenski Cathedral", 60.1685, 24.9600),
    ("Ateneum", "Ateneum", "Ateneum Art Museum", 60.1701, 24.9443),
    ("Kiasma", "Kiasma", "Kiasma Museum", 60.1719, 24.9366),
    ("Musiikkitalo", "Musikhuset", "Music Centre", 60.1737, 24.9352),
    ("Oodi", "Ode", "Oodi Central Library", 60.1740, 24.9381),
    ("Eduskuntatalo", "Riksdagshuset", "Parliament House", 60.1725, 24.9332),
    ("Kamppi", "Kampen", "Kamppi", 60.1688, 24.9316),
    ("Esplanadin puisto", "Esplanadparken", "Esplanade Park", 60.1675, 24.9472),
    ("Vanha kirkkopuisto", "Gamla kyrkoparken", "Old Church Park", 60.1659, 24.9387),
    ("Kaisaniemen puisto", "Kajsaniemi park", "Kaisaniemi Park", 60.1743, 24.9468),
    ("Hakaniemen tori", "Hagnäs torg", "Hakaniemi Square", 60.1790, 24.9510),
    ("Kansallisteatteri", "Nationalteatern", "National Theatre", 60.1719, 24.9441),
    ("Stockmann", "Stockmann", "Stockmann", 60.1685, 24.9420),
    ("Erottaja", "Skillnaden", "Erottaja", 60.1665, 24.9437),
    ("Hietalahden tori", "Sandvikstorget", "Hietalahti Square", 60.1634, 24.9295),
    ("Olympiaterminaali", "Olympiaterminalen", "Olympia Terminal", 60.1613, 24.9577),
    ("Katajanokan terminaali", "Skatuddens terminal", "Katajanokka Terminal", 60.1659, 24.9667),
    ("Temppeliaukion kirkko", "Tempelplatsens kyrka", "Rock Church", 60.1730, 24.9252),
    ("Linnanmäki", "Borgbacken", "Linnanmäki", 60.1882, 24.9404),
    ("Olympiastadion", "Olympiastadion", "Olympic Stadium", 60.1870, 24.9273),
)


def demo_places() -> list[KnownPlace]:
    """Two dozen that everybody there knows; no streets and no addresses."""
    return [
        KnownPlace(
            ref=f"demo{nr}",
            kind=PlaceKind.POI,
            lat=lat,
            lon=lon,
            titles={"": finnish, "fi": finnish, "sv": swedish, "en": english},
            subtitles={"": "Helsinki", "fi": "Helsinki", "sv": "Helsingfors", "en": "Helsinki"},
            folded=f"|{'|'.join(dict.fromkeys(map(fold, (finnish, swedish, english))))}|",
            area="helsinki helsingfors",
            weight=0.7,
        )
        for nr, (finnish, swedish, english, lat, lon) in enumerate(_PLACES, 1)
    ]
