"""Laws of the house that can be read off the source. Each finding is a line `file:line what`."""

import ast
import re
import subprocess
import sys
import tomllib

from tests.architecture.source import SOURCE, dotted, imports, modules, patterns, texts

_CLOCKS = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns"}
_SQL_CLOCKS = re.compile(
    r"\b(now|clock_timestamp|statement_timestamp|transaction_timestamp)\(\)|\b(current_timestamp|localtimestamp)\b",
    re.IGNORECASE,
)


def test_only_the_clock_reads_the_clock() -> None:
    found = [
        f"{path}:{node.lineno} {dotted(node.func)}"
        for path, tree in modules().items()
        if path != "infra/clock.py"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and dotted(node.func).removeprefix("datetime.datetime") and _reads_clock(node)
    ]
    assert found == []


def _reads_clock(call: ast.Call) -> bool:
    name = dotted(call.func)
    return any(name == clock or name.endswith(f".{clock}") for clock in _CLOCKS)


def test_no_sql_reads_the_clock() -> None:
    """The time is a parameter, so that a use case has one and tests can set it. Migrations log when they ran."""
    found = [
        f"{path}:{line} {match.group()}"
        for path, tree in modules().items()
        if path != "infra/migrate.py"
        for line, text in texts(tree)
        if (match := _SQL_CLOCKS.search(text))
        and re.search(r"\b(select|insert|update|delete|with)\b", text, re.IGNORECASE)
    ]
    found += [
        f"{path.name}: {match.group()}"
        for path in sorted((SOURCE / "migrations").glob("*.sql"))
        if (match := _SQL_CLOCKS.search(re.sub(r"--.*", "", path.read_text())))
    ]
    assert found == []


def test_a_room_is_entered_by_its_package_or_its_nouns() -> None:
    found = []
    for path, tree in modules().items():
        own_room = path.split("/")[1] if path.startswith("domain/") else ""
        for line, name in imports(tree):
            parts = name.split(".")
            if parts[:2] != ["isotope", "domain"] or len(parts) < 4 or parts[2] == own_room:
                continue
            is_module = (SOURCE / "domain" / parts[2] / f"{parts[3]}.py").exists() or parts[3] == "usecases"
            if is_module and parts[3] not in {"model", "ports"}:
                found.append(f"{path}:{line} {name}")
    assert found == []


def _refusals() -> dict[str, str]:
    """Code -> where it is made."""
    found: dict[str, str] = {}
    for path, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and dotted(node.func).split(".")[-1] == "Refusal":
                arguments = [*node.args[1:2], *(given.value for given in node.keywords if given.arg == "code")]
                for argument in arguments:
                    if isinstance(argument, ast.Constant):
                        found[str(argument.value)] = f"{path}:{node.lineno}"
    return found


def test_every_refusal_has_its_text() -> None:
    catalogue = tomllib.loads((SOURCE / "texts" / "en.toml").read_text(encoding="utf-8"))
    made = _refusals()
    assert len(made) > 20, "the search finds the refusals at all"
    assert {code: where for code, where in made.items() if code not in catalogue} == {}


def test_every_text_is_used() -> None:
    catalogue = tomllib.loads((SOURCE / "texts" / "en.toml").read_text(encoding="utf-8"))
    said = {text for tree in modules().values() for _line, text in texts(tree)}
    # A code may be composed, but not of placeholders alone.
    composed = [one for tree in modules().values() for one in patterns(tree) if len(one.pattern.replace(".+", "")) > 3]
    unsaid = sorted(set(catalogue) - said)
    assert [code for code in unsaid if not any(one.fullmatch(code) for one in composed)] == []


def test_every_text_names_what_it_is_filled_with() -> None:
    catalogue = tomllib.loads((SOURCE / "texts" / "en.toml").read_text(encoding="utf-8"))
    broken = [code for code, text in catalogue.items() if not text or re.search(r"\{(?![a-z][a-z0-9_]*\})", text)]
    assert broken == []


def test_http_types_live_in_the_api() -> None:
    found = [
        f"{path}:{line} {name}"
        for path, tree in modules().items()
        if not path.startswith(("api/", "card_sandbox/", "wiring.py"))
        for line, name in imports(tree)
        if name.split(".")[0] in {"litestar", "starlette", "uvicorn", "multipart"}
    ]
    assert found == []


def test_transactions_are_opened_by_use_cases() -> None:
    """Store and query functions take the transaction; they never open or end one."""
    found = [
        f"{path}:{node.lineno} {dotted(node.func)}"
        for path, tree in modules().items()
        if path.startswith("domain/") and path.endswith(("/store.py", "/queries.py", "/rules.py", "/model.py"))
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and dotted(node.func).endswith((".commit", ".rollback", "db.write", "db.read"))
    ]
    assert found == []


def test_nothing_is_printed() -> None:
    found = [
        f"{path}:{node.lineno} print"
        for path, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and dotted(node.func) == "print"
    ]
    assert found == []


def test_what_few_processes_need_is_imported_by_those_alone() -> None:
    """Five processes start from the same wiring; the PDF printer, Stripe's SDK and clients of stores are MiBs each."""
    code = "import sys, isotope.wiring; print(*{'fpdf', 'obstore', 'PIL', 'stripe'} & {name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
