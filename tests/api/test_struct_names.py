"""A schema of the OpenAPI document has the name of its struct: two structs of one name would be taken for one another."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import msgspec

from isotope.api.sections import operations
from isotope.api.streams import EventStream


def structs_in(info: Any, seen: set[type]) -> Iterator[type]:
    """Every struct that a type is made of."""
    if isinstance(info, msgspec.inspect.StructType):
        if info.cls in seen:
            return
        seen.add(info.cls)
        yield info.cls
        for field in info.fields:
            yield from structs_in(field.type, seen)
        return
    for part in ("type", "item_type", "key_type", "value_type"):
        if (inner := getattr(info, part, None)) is not None:
            yield from structs_in(inner, seen)
    for parts in ("types", "item_types"):
        for inner in getattr(info, parts, ()):
            yield from structs_in(inner, seen)


def test_no_two_structs_have_one_name() -> None:
    found: dict[str, set[type]] = defaultdict(set)
    seen: set[type] = set()
    for operation in operations():
        for kind in (operation.request, operation.response):
            shown = kind.__args__[0] if getattr(kind, "__origin__", None) is EventStream else kind
            for struct in structs_in(msgspec.inspect.type_info(shown), seen):
                found[struct.__name__].add(struct)
    assert len(found) > 100, "the search finds the structs at all"
    assert {name: kinds for name, kinds in found.items() if len(kinds) > 1} == {}
