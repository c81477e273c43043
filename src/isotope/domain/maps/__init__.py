"""Room: maps. Places and their tokens; ways by road."""

from isotope.domain.maps.estimate import DETOUR, SPEED_M_S, estimate_way
from isotope.domain.maps.folding import fold
from isotope.domain.maps.own_places import OwnPlaces
from isotope.domain.maps.ports import Maps, PlaceFinder, PlacesUnavailable, Roads, RoadsUnavailable
from isotope.domain.maps.queries import list_place_sources
from isotope.domain.maps.tokens import open_place, sign_place
from isotope.domain.maps.usecases.import_places import Imported, ImportPlaces, import_places

__all__ = [
    "DETOUR",
    "SPEED_M_S",
    "ImportPlaces",
    "Imported",
    "Maps",
    "OwnPlaces",
    "PlaceFinder",
    "PlacesUnavailable",
    "Roads",
    "RoadsUnavailable",
    "estimate_way",
    "fold",
    "import_places",
    "list_place_sources",
    "open_place",
    "sign_place",
]
