"""A migrated database for tests: one server a test run, one database a process, cloned from a template.

`ISOTOPE_TEST_DATABASE_URL` names an existing server (a role that may create databases); otherwise an embedded one
runs in a temporary folder, without any care for durability.
"""

import os
import shutil
import tempfile
import uuid
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from isotope.infra.embedded import NOT_DURABLE, EmbeddedPostgres
from isotope.infra.migrate import migrate


def with_database(url: str, database: str) -> str:
    """The same server, another database."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, f"/{database}", parts.query, parts.fragment))


class TestServer:
    """The server of one test run, with a migrated template."""

    __test__ = False

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._embedded: EmbeddedPostgres | None = None
        given = os.environ.get("ISOTOPE_TEST_DATABASE_URL", "")
        if given:
            self._admin_url = given
        else:
            self._folder = Path(tempfile.mkdtemp(prefix="isotope-test-"))
            self._embedded = EmbeddedPostgres(self._folder, settings=NOT_DURABLE)
            self._admin_url = with_database(self._embedded.start(), "postgres")
        self.template_url = with_database(self._admin_url, f"isotope_template_{uuid.uuid4().hex[:12]}")
        create_database(self.template_url)
        migrate(self.template_url)

    def stop(self) -> None:
        drop_database(self.template_url)
        if self._embedded is not None:
            self._embedded.stop()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


def new_database(template_url: str) -> str:
    """A fresh copy of the template; drop it with `drop_database`."""
    url = with_database(template_url, f"isotope_test_{uuid.uuid4().hex[:12]}")
    create_database(url, template=_name(template_url))
    return url


def create_database(url: str, template: str = "template0") -> None:
    with psycopg.connect(with_database(url, "postgres"), autocommit=True) as connection:
        connection.execute(
            sql.SQL("create database {} template {}").format(sql.Identifier(_name(url)), sql.Identifier(template))
        )


def drop_database(url: str) -> None:
    with psycopg.connect(with_database(url, "postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(_name(url))))


def _name(url: str) -> str:
    return urlsplit(url).path.removeprefix("/")
