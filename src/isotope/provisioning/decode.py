"""A tree to typed values: every fault is collected with its line, its path and what would be accepted.

msgspec's own conversion stops at the first fault and knows no lines; this walks the same types. A leaf is still
converted by msgspec, so the constraints in `Meta` are the ones that hold.
"""

import types
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from math import isfinite
from typing import Annotated, Any, Final, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from isotope.provisioning.faults import Faults, FileFault, did_you_mean, one_of, shown
from isotope.provisioning.tree import Node

T = TypeVar("T")

_MAX_INT: Final = 2**63 - 1


class _Wrong(Exception):  # noqa: N818 - control flow: the fault is collected already
    pass


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the folder a tree comes from."""

    file: str
    feature: str = ""


def decode(node: Node, kind: type[T], place: Place, faults: Faults) -> T | None:
    """The value of type `kind`, or None when something in it was wrong (the faults say what)."""
    try:
        value: T = _Decoder(place, faults).value(node, kind, "")
    except _Wrong:
        return None
    return value


def accepted(kind: Any) -> str:
    """What a field takes, in words: `a whole number from 1 to 20`."""
    kind, metas = _plain(kind)
    said = next((meta.extra["accepted"] for meta in metas if meta.extra and "accepted" in meta.extra), None)
    if said is not None:
        return str(said)
    origin = get_origin(kind)
    if origin is Literal:
        return one_of([str(word) for word in get_args(kind)])
    if origin in (list, tuple, set, frozenset):
        return f"a list of: {accepted(get_args(kind)[0])}"
    if origin is dict or (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
        return "a mapping (key: value)"
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return one_of([str(word) for word in kind])
    name = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}.get(kind, str(kind))
    return name + "".join(_bounds(metas, is_text=kind is str))


def _bounds(metas: list[Meta], *, is_text: bool) -> list[str]:
    words: list[str] = []
    for meta in metas:
        low = meta.min_length if is_text else meta.ge
        high = meta.max_length if is_text else meta.le
        unit = " characters" if is_text else ""
        if low is not None and high is not None:
            words.append(f" of {low} to {high}{unit}" if is_text else f" from {low} to {high}")
        elif low is not None:
            words.append(f" of at least {low}{unit}")
        elif high is not None:
            words.append(f" of at most {high}{unit}")
        if meta.gt is not None:
            words.append(f" above {meta.gt}")
        if meta.lt is not None:
            words.append(f" below {meta.lt}")
        if meta.pattern is not None:
            words.append(f" of the form {meta.pattern}" + (f" ({meta.description})" if meta.description else ""))
    return words


def _plain(kind: Any) -> tuple[Any, list[Meta]]:
    """The type without its annotations and without `| None`, and the annotations."""
    metas: list[Meta] = []
    while True:
        origin = get_origin(kind)
        if origin is Annotated:
            kind, *found = get_args(kind)
            metas += [meta for meta in found if isinstance(meta, Meta)]
        elif origin in (Union, types.UnionType):
            members = [member for member in get_args(kind) if member is not type(None)]
            if len(members) != 1:
                return kind, metas
            kind = members[0]
        else:
            return kind, metas


@cache
def _hints(kind: type[msgspec.Struct]) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


@cache
def _fields(kind: type[msgspec.Struct]) -> dict[str, msgspec.structs.FieldInfo]:
    return {field.encode_name: field for field in msgspec.structs.fields(kind)}


def _takes_none(kind: Any) -> bool:
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    return kind is None or (get_origin(kind) in (Union, types.UnionType) and type(None) in get_args(kind))


def is_secret(kind: Any) -> bool:
    """Whether a field is marked `Meta(extra={"secret": True})`: its value is never shown."""
    return any(meta.extra is not None and bool(meta.extra.get("secret")) for meta in _plain(kind)[1])


class _Decoder:
    def __init__(self, place: Place, faults: Faults) -> None:
        self._place = place
        self._faults = faults

    def value(self, node: Node, kind: Any, path: str) -> Any:
        if node.value is None and _takes_none(kind):
            return None
        plain, _metas = _plain(kind)
        origin = get_origin(plain)
        if isinstance(plain, type) and issubclass(plain, msgspec.Struct):
            return self._struct(node, plain, path)
        if origin in (list, tuple):
            return self._sequence(node, kind, plain, path)
        if origin is dict:
            return self._mapping(node, kind, plain, path)
        return self._leaf(node, kind, path)

    def _struct(self, node: Node, kind: type[msgspec.Struct], path: str) -> Any:
        # `unlock:` with nothing behind it is a mapping in which everything has its default.
        entries = {} if node.value is None else node.value
        if not isinstance(entries, dict):
            raise self._fault(node, kind, path)
        hints = _hints(kind)
        fields = _fields(kind)
        known = list(fields)
        values: dict[str, Any] = {}
        is_wrong = False
        for key, entry in entries.items():
            if key not in fields:
                hint = did_you_mean(key, known)
                self._say(entry, _join(path, key), f"unknown key{hint}", one_of(known))
                is_wrong = True
                continue
            field = fields[key]
            try:
                values[field.name] = self.value(entry, hints[field.name], _join(path, key))
            except _Wrong:
                is_wrong = True
        for name, field in fields.items():
            if field.required and name not in entries:
                self._say(node, _join(path, name), "missing", accepted(hints[field.name]))
                is_wrong = True
        if is_wrong:
            raise _Wrong
        try:
            return kind(**values)
        except ValueError as error:
            self._say(node, path, str(error))
            raise _Wrong from None

    def _sequence(self, node: Node, kind: Any, plain: Any, path: str) -> Any:
        if not isinstance(node.value, list):
            raise self._fault(node, kind, path)
        item_kind = get_args(plain)[0]
        self._count(node, kind, len(node.value), path)
        items: list[Any] = []
        is_wrong = False
        for index, item in enumerate(node.value):
            try:
                items.append(self.value(item, item_kind, _join(path, str(index))))
            except _Wrong:
                is_wrong = True
        if is_wrong:
            raise _Wrong
        return tuple(items) if get_origin(plain) is tuple else items

    def _mapping(self, node: Node, kind: Any, plain: Any, path: str) -> Any:
        entries = {} if node.value is None else node.value
        if not isinstance(entries, dict):
            raise self._fault(node, kind, path)
        self._count(node, kind, len(entries), path)
        key_kind, value_kind = get_args(plain)
        found: dict[Any, Any] = {}
        is_wrong = False
        for key, entry in entries.items():
            try:
                name = self._leaf(Node(key, entry.line), key_kind, _join(path, key))
                found[name] = self.value(entry, value_kind, _join(path, key))
            except _Wrong:
                is_wrong = True
        if is_wrong:
            raise _Wrong
        return found

    def _count(self, node: Node, kind: Any, count: int, path: str) -> None:
        for meta in _plain(kind)[1]:
            if meta.max_length is not None and count > meta.max_length:
                self._say(node, path, f"{count} entries", f"at most {meta.max_length}")
                raise _Wrong
            if meta.min_length is not None and count < meta.min_length:
                self._say(node, path, "too few entries", f"at least {meta.min_length}")
                raise _Wrong

    def _leaf(self, node: Node, kind: Any, path: str) -> Any:
        value = node.value
        if isinstance(value, (list, dict)) or value is None:
            raise self._fault(node, kind, path)
        if isinstance(value, str):
            # No field takes control characters, and PostgreSQL cannot store a NUL at all.
            if any(ord(char) < ord(" ") and char not in "\n\t" for char in value):
                raise self._fault(node, kind, path, "a control character")
            plain = _plain(kind)[0]
            if plain in (int, float, bool) or get_origin(plain) is Literal:
                value = value.strip()
        try:
            found = msgspec.convert(value, kind, strict=False)
        except (msgspec.ValidationError, ValueError, OverflowError):
            raise self._fault(node, kind, path) from None
        if (isinstance(found, float) and not isfinite(found)) or (isinstance(found, int) and abs(found) > _MAX_INT):
            raise self._fault(node, kind, path)
        return found

    def _fault(self, node: Node, kind: Any, path: str, reason: str | None = None) -> _Wrong:
        if reason is None:
            reason = _said(node, kind)
        self._say(node, path, reason, accepted(kind))
        return _Wrong()

    def _say(self, node: Node, path: str, reason: str, accepts: str = "") -> None:
        self._faults.add(
            FileFault(
                file=self._place.file,
                line=node.line,
                feature=self._place.feature,
                field=path,
                reason=reason,
                accepted=accepts,
            )
        )


def _said(node: Node, kind: Any) -> str:
    """What stands there, unless it may be a secret that was mistyped."""
    if is_secret(kind):
        return "the value does not fit"
    match node.value:
        case None:
            return "no value"
        case list():
            return "a list stands here"
        case dict():
            return "a mapping stands here"
        case value:
            hint = did_you_mean(str(value), _words(kind))
            return f"{shown(value)} does not fit{hint}"


def _words(kind: Any) -> list[str]:
    plain, _metas = _plain(kind)
    if get_origin(plain) is Literal:
        return [str(word) for word in get_args(plain)]
    if isinstance(plain, type) and issubclass(plain, StrEnum):
        return [str(word) for word in plain]
    return []


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def node_of(value: Any, line: int) -> Node:
    """A tree from plain JSON or CSV data, all of it at one line."""
    if isinstance(value, Mapping):
        return Node({str(key): node_of(item, line) for key, item in value.items()}, line)
    if isinstance(value, list):
        return Node([node_of(item, line) for item in value], line)
    return Node(value, line)
