"""What the rooms need of maps."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from isotope.domain.maps.model import Matrix, Place, Route
from isotope.domain.tenants.model import Operator
from isotope.kernel.geo import Point


class RoadsUnavailable(Exception):  # noqa: N818 - says what is so
    """The road engine gave no usable answer in time."""


class PlacesUnavailable(Exception):  # noqa: N818 - says what is so
    """The place service gave no usable answer in time."""


class Roads(Protocol):
    """Ways by road. Both make network calls: never inside a transaction."""

    async def find_route(self, points: Sequence[Point]) -> Route | None:
        """The quickest way through 2 to 8 points; None: there is none.

        Raises:
            RoadsUnavailable
        """

    async def get_matrix(self, sources: Sequence[Point], targets: Sequence[Point]) -> Matrix:
        """From each to each.

        Raises:
            RoadsUnavailable
        """


class PlaceFinder(Protocol):
    """Where things are: the operator's own table, or a service. May make network calls: never inside a transaction."""

    async def suggest(
        self, operator: Operator, text: str, near: Point | None, languages: Sequence[str], limit: int
    ) -> list[Place]:
        """Best first; empty: nothing is like it.

        Raises:
            PlacesUnavailable
        """

    async def find_place(self, operator: Operator, at: Point, languages: Sequence[str]) -> Place | None:
        """The nearest address or place within a short walk.

        Raises:
            PlacesUnavailable
        """


async def _nothing() -> None:
    pass


@dataclass(frozen=True, slots=True)
class Maps:
    """What a process knows of places and roads. `close`: when nothing is asked any more."""

    roads: Roads
    finder: PlaceFinder
    close: Callable[[], Awaitable[None]] = _nothing
