"""What SQL one action of the system runs, taken from the server's own log and made a script for pgbench.

So the floor is always the SQL of today: when the code changes, the floor changes with it.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, LiteralString

import psycopg
import psycopg.sql

_LINE: Final = re.compile(r"^\S+ \S+ \S+ \[(\d+)\] (\w+): {1,2}(.*)$")
_EXECUTE: Final = re.compile(r"^execute [^:]+: (.*)$", re.DOTALL)
_STATEMENT: Final = re.compile(r"^statement: (.*)$", re.DOTALL)
_PARAMETER: Final = re.compile(r"\$(\d+) = (NULL|'(?:[^']|'')*')", re.DOTALL)
_PLACEHOLDER: Final = re.compile(r"\$(\d+)")
_SPACE: Final = re.compile(r"\s+")
_IDS: Final = re.compile(r"\{\d+(,\d+)*\}")
# pgbench takes a colon before a letter for a variable, inside of texts too.
_COLON: Final = re.compile(r":(?=[A-Za-z_])")


@dataclass(slots=True)
class Statement:
    """One statement as the server ran it; parameters are SQL literals."""

    sql: str
    parameters: dict[int, str] = field(default_factory=dict)

    @property
    def shape(self) -> str:
        return _SPACE.sub(" ", self.sql).strip().lower()


Transaction = list[Statement]


class Recorder:
    """Logs every statement of an embedded server while it is on; `prepare` is called before anybody connects."""

    def __init__(self, url: str, log: Path) -> None:
        self._url, self._log = url, log

    @staticmethod
    def prepare(connection: psycopg.Connection[Any], database: str) -> None:
        """Have parameters logged whole. The server's command line says otherwise, and only this is above it."""
        connection.execute(
            psycopg.sql.SQL("alter database {} set log_parameter_max_length = -1").format(
                psycopg.sql.Identifier(database)
            )
        )

    def on(self) -> int:
        """Switch on; where in the log the record begins."""
        self._set("log_statement = 'all'")
        return self._log.stat().st_size

    def off(self, since: int) -> list[Transaction]:
        """Switch off; the transactions of all connections since then, in the order of their beginnings."""
        with self._log.open("rb") as log:
            log.seek(since)
            text = log.read().decode()
        self._set("log_statement = 'none'")
        return list(_transactions(text))

    def _set(self, *settings: LiteralString) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            for setting in settings:
                connection.execute(f"alter system set {setting}")
            connection.execute("select pg_reload_conf()")
            connection.execute("select pg_sleep(0.3)")


def _entries(text: str) -> Iterator[tuple[str, str, str]]:
    """(process, level, message) of the log, continuation lines joined."""
    current: list[str] | None = None
    for line in text.splitlines():
        found = _LINE.match(line)
        if found:
            if current is not None:
                yield current[0], current[1], current[2]
            current = [found[1], found[2], found[3]]
        elif current is not None:
            current[2] += "\n" + line.removeprefix("\t")
    if current is not None:
        yield current[0], current[1], current[2]


def _transactions(text: str) -> Iterator[Transaction]:
    done: list[Transaction] = []
    opened: dict[str, Transaction] = {}
    last: dict[str, Statement] = {}
    for process, level, message in _entries(text):
        if level == "DETAIL" and process in last:
            pairs = _PARAMETER.findall(message)
            last[process].parameters = {int(number): literal for number, literal in pairs}
            continue
        found = _EXECUTE.match(message) or _STATEMENT.match(message)
        if level != "LOG" or not found:
            continue
        statement = last[process] = Statement(found[1])
        if statement.shape.startswith("begin"):
            opened[process] = []
            done.append(opened[process])
        elif statement.shape in {"commit", "rollback"}:
            opened.pop(process, None)
        elif process in opened:
            opened[process].append(statement)
        else:
            done.append([statement])
    yield from (transaction for transaction in done if transaction)


def without(transactions: Sequence[Transaction], background: Sequence[Transaction]) -> list[Transaction]:
    """Those that do something that did not also happen while nothing was asked of the system."""
    idle = {tuple(statement.shape for statement in transaction) for transaction in background}
    noise = ("alter system", "select pg_reload_conf", "select pg_sleep", "listen", "set ")
    return [
        transaction
        for transaction in transactions
        if tuple(statement.shape for statement in transaction) not in idle
        and not transaction[0].shape.startswith(noise)
    ]


def script(
    transactions: Sequence[Transaction], names: Mapping[str, str], returned: Sequence[tuple[str, str]], header: str
) -> str:
    """A pgbench script that does the same for any client.

    Args:
        names: number as text -> variable, for what differs from run to run.
        returned: (table, variable prefix): the next `insert into table ... returning` sets `prefix` + column.
        header: lines before the first transaction.
    """
    waiting = list(returned)
    lines = [header]
    for transaction in transactions:
        lines.append("begin;")
        for statement in transaction:
            sql = _PLACEHOLDER.sub(lambda m, s=statement: _value(s.parameters[int(m[1])], names), statement.sql)  # type: ignore[misc]
            end = ";"
            for table, prefix in waiting:
                if re.search(rf"insert into {table}\b.*\breturning\b", statement.shape):
                    end = f" \\gset {prefix}"
                    waiting.remove((table, prefix))
                    break
            lines.append(sql.strip().rstrip(";") + end)
        lines.append("commit;")
    if waiting:
        raise ValueError(f"nothing in the recorded SQL returns {waiting}")
    return "\n".join(lines) + "\n"


def _value(literal: str, names: Mapping[str, str]) -> str:
    """A literal with the numbers that have names replaced by their variables."""
    if literal == "NULL":
        return "null"
    text = literal[1:-1]
    if text in names:
        return f":{names[text]}"
    parts = re.split(r"(?<![\w.])(" + "|".join(map(re.escape, names)) + r")(?![\w.])", text) if names else [text]
    pieces = [
        f":{names[part]}::text" if number % 2 else "'" + _COLON.sub("' || chr(58) || '", part) + "'"
        for number, part in enumerate(parts)
        if part
    ]
    if not pieces:
        return "''"
    if pieces == [literal]:
        return literal
    joined = "(" + " || ".join(pieces) + ")"
    if _IDS.fullmatch(text):
        return f"{joined}::bigint[]"
    return f"{joined}::jsonb" if _is_json(text.replace("''", "'")) else joined


def _is_json(text: str) -> bool:
    """Whether it is a JSON object or list: a text has no way into a column of them without a cast."""
    try:
        return text.startswith(("{", "[")) and isinstance(json.loads(text), dict | list)
    except ValueError:
        return False
