"""What commands fail with on purpose, told in one message on standard error. Exit code 1."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from isotope.infra.config import ConfigError


class CommandError(Exception):
    """The command cannot do what was asked; the message says why and what to do."""


@contextmanager
def told() -> Iterator[None]:
    """Turn expected failures into a message and exit code 1."""
    try:
        yield
    except (ConfigError, CommandError) as error:
        _say(str(error))
    except Exception as error:
        if not _is_expected(error):
            raise
        _say(str(error))


def _is_expected(error: Exception) -> bool:
    # By name, so that a start does not import what it may never need.
    expected = {
        "isotope.infra.embedded.EmbeddedError",
        "isotope.infra.migrate.MigrationError",
        "isotope.provisioning.faults.FolderRefused",
        "isotope.kernel.errors.Refusal",
        "isotope.supervisor.ports.PortTakenError",
        "isotope.supervisor.children.StartFailedError",
    }
    return any(f"{kind.__module__}.{kind.__qualname__}" in expected for kind in type(error).__mro__)


def _say(message: str) -> None:
    sys.stderr.write(f"isotope: {message}\n")
    raise SystemExit(1)
