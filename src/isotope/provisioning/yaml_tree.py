"""YAML text to a tree with lines.

Only plain data is read: anchors and aliases (a few lines of which can stand for gigabytes), tags, merge keys, several
documents and repeated keys are faults. Scalars stay text.
"""

from collections.abc import Iterator
from typing import Any, Final

import yaml

from isotope.provisioning.faults import Faults, FileFault
from isotope.provisioning.limits import MAX_DEPTH
from isotope.provisioning.tree import Node

# The C parser where PyYAML was built with it: about ten times faster.
_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})


class _Stop(Exception):  # noqa: N818 - control flow: the rest of the file cannot be understood
    pass


def read_yaml(text: str, file: str, faults: Faults) -> Node | None:
    """The tree of the file's one document, or None if there is none to go on with (a fault says why)."""
    builder = _Builder(file, faults)
    try:
        return builder.document(yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        faults.add(
            FileFault(
                file=file,
                line=mark.line + 1 if mark else None,
                column=mark.column + 1 if mark else None,
                reason=f"not YAML: {error.problem or error.context}",
            )
        )
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        faults.add(FileFault(file=file, line=line, reason=f"not YAML: {error.reason}"))
    except _Stop:
        pass
    return None


class _Builder:
    def __init__(self, file: str, faults: Faults) -> None:
        self._file = file
        self._faults = faults

    def document(self, events: Iterator[Any]) -> Node | None:
        root: Node | None = None
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._fault(event, "a second document", "one document a file, no '---' between parts")
                    return None
            elif isinstance(event, yaml.NodeEvent):
                root = self._node(event, events, 0, _line(event))
        if root is None:
            self._faults.add(FileFault(file=self._file, reason="the file is empty"))
        return root

    def _node(self, event: Any, events: Iterator[Any], depth: int, line: int) -> Node:
        if depth > MAX_DEPTH:
            self._fault(event, f"nested deeper than {MAX_DEPTH}")
            raise _Stop
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            self._fault(event, "anchors (&) and aliases (*) are not read", "the value written out")
            raise _Stop
        if event.tag is not None:
            self._fault(event, f"the tag {event.tag} is not read", "plain values")
        if isinstance(event, yaml.ScalarEvent):
            is_null = event.implicit[0] and event.value in _NULLS
            return Node(None if is_null else event.value, line)
        if isinstance(event, yaml.SequenceStartEvent):
            return Node(self._items(events, depth), line)
        return Node(self._entries(events, depth), line)

    def _items(self, events: Iterator[Any], depth: int) -> list[Node]:
        items: list[Node] = []
        for event in events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            items.append(self._node(event, events, depth + 1, _line(event)))
        return items

    def _entries(self, events: Iterator[Any], depth: int) -> dict[str, Node]:
        entries: dict[str, Node] = {}
        for event in events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            line = _line(event)
            key = self._node(event, events, depth + 1, line)
            value = self._node(next(events), events, depth + 1, line)
            if not isinstance(key.value, str):
                self._fault(event, "a key that is not text")
            elif key.value in entries:
                first = entries[key.value].line
                self._fault(event, f"the key {key.value!r} stands twice (first in line {first})")
            else:
                entries[key.value] = value
        return entries

    def _fault(self, event: Any, reason: str, accepted: str = "") -> None:
        mark = event.start_mark
        self._faults.add(
            FileFault(file=self._file, line=mark.line + 1, column=mark.column + 1, reason=reason, accepted=accepted)
        )


def _line(event: Any) -> int:
    line: int = event.start_mark.line
    return line + 1
