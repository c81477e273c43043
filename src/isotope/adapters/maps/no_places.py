"""Places where none are known."""

from isotope.domain.maps.model import Place


class NoPlaces:
    """Finds nothing."""

    async def suggest(self, *_asked: object, **_more: object) -> list[Place]:
        return []

    async def find_place(self, *_asked: object, **_more: object) -> Place | None:
        return None
