"""What the pages for operators say of the worker is so."""

import re
from pathlib import Path

from isotope.worker.tasks import PERIODIC

PAGE = Path(__file__).parents[2] / "docs" / "operate" / "running.md"


def rhythm(cron: str) -> str:
    """`* * * * * */5` is 5 s, `*/15 * * * *` is 15 min, `7 * * * *` is 1 h."""
    if match := re.fullmatch(r"\* \* \* \* \* \*/(\d+)", cron):
        return f"{match[1]} s"
    if match := re.fullmatch(r"\*/(\d+) \* \* \* \*", cron):
        return f"{match[1]} min"
    return "1 min" if cron == "* * * * *" else "1 h" if re.fullmatch(r"\d+ \* \* \* \*", cron) else cron


def test_every_periodic_task_is_told_to_operators() -> None:
    told = re.findall(r"^\| `(\w+)` \| (\d+ \w+) \| .+ \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert dict(told) == {name: rhythm(periodic.cron) for name, periodic in PERIODIC.items()}
