"""The folder of `docs/operate/provisioning.md`, written for a test with keys and identities of its own."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "operate" / "provisioning.md"
_EXAMPLE = re.compile(r"<!-- example: (\S+) -->\n```\w+\n(.*?)```", re.DOTALL)

ENVIRON = {"HARBOUR_SECRET_KEY": "harbour-secret-2026", "HARBOUR_OWNER_PASSWORD": "correct horse battery"}


def documented() -> dict[str, str]:
    """The files of the documented example."""
    return dict(_EXAMPLE.findall(PAGE.read_text(encoding="utf-8")))


@dataclass
class ExampleFolder:
    """The documented folder on disk. Slug, keys, addresses and identities are this one's alone."""

    path: Path
    tag: str = field(default_factory=lambda: uuid.uuid4().hex[:8])

    def __post_init__(self) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        for name, text in documented().items():
            self.write(name, self.own(text))

    @property
    def slug(self) -> str:
        return f"harbour-{self.tag}"

    @property
    def environ(self) -> Mapping[str, str]:
        return {name: f"{value}-{self.tag}" for name, value in ENVIRON.items()}

    def own(self, text: str) -> str:
        text = text.replace("slug: harbour", f"slug: {self.slug}").replace(
            "harbour-app-2026", f"harbour-app-{self.tag}"
        )
        return text.replace("@harbour.test", f"@{self.tag}.test").replace("HB-", f"HB-{self.tag}-")

    def read(self, name: str) -> str:
        return (self.path / name).read_text(encoding="utf-8")

    def write(self, name: str, text: str) -> None:
        (self.path / name).write_text(text, encoding="utf-8")

    def without_rentals(self) -> None:
        for name in ("rental.yaml", "rental_zones.geojson"):
            (self.path / name).unlink()

    def without_taxis(self) -> None:
        for name in ("taxi.yaml", "taxi_vehicles.csv", "drivers.csv"):
            (self.path / name).unlink()

    def replace(self, name: str, old: str, new: str) -> None:
        """Change the text once; the old text must be there."""
        text = self.read(name)
        assert old in text, f"{old!r} is not in {name}"
        self.write(name, text.replace(old, new, 1))
