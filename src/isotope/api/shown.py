"""What is served beside the contract: a path, and what is shown there."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from isotope.api.context import Services
from isotope.api.endpoint import RawHeaders


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page answers."""

    body: bytes
    status: int = 200
    content_type: bytes = b"application/json"
    headers: RawHeaders = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Page:
    """A GET that is no operation of the contract. With `takes_rest` the path goes on: see `rest_of`."""

    name: str
    path: str
    show: Callable[[Services, Mapping[str, Any]], Awaitable[Shown]]
    takes_rest: bool = False


def rest_of(scope: Mapping[str, Any]) -> str:
    """The one part after the path of a page or hook that takes it; empty if there is none, or more than one."""
    rest = str(scope["path"]).strip("/")
    return "" if "/" in rest else rest
