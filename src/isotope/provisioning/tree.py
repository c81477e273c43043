"""A parsed file as a tree of values that know their line."""

from dataclasses import dataclass
from typing import TypeAlias

Scalar: TypeAlias = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Node:
    """A value and where it stands.

    Attributes:
        value: a scalar (YAML and CSV give text only: what the text means is for the field's type to say, so that
            Norway's `NO` stays a country), a list of nodes, or nodes by key.
        line: from 1: the line of the key for a value in a mapping, of the value itself elsewhere.
    """

    value: "Scalar | list[Node] | dict[str, Node]"
    line: int
