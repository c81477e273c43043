"""What is measured, on one page; served at `/metrics` by any API process for all processes of the machine.

Each process writes its values into a file of its own in `DATA/run/metrics` (the environment variable
`PROMETHEUS_MULTIPROC_DIR`, set by `isotope.cli` before anything is imported); the API sums them. The files are named
by the process (`api-1`), not by its number, so that a restarted process goes on counting in the same file. Without
the variable (in tests) the values stay in memory.
"""

import os
from typing import Any, Final

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, values
from prometheus_client.exposition import generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

FOLDER_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
PROCESS_VARIABLE: Final = "ISOTOPE_PROCESS"


def _process() -> str:
    return _PROCESS


# The collector splits file names at underscores.
_PROCESS: Final = os.environ.get(PROCESS_VARIABLE, str(os.getpid())).replace("_", "-")

if os.environ.get(FOLDER_VARIABLE):
    values.ValueClass = values.MultiProcessValue(_process)  # type: ignore[no-untyped-call]

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15)

HTTP_REQUESTS = Counter("isotope_http_requests", "Answered requests", ["operation", "status"])
HTTP_SECONDS = Histogram("isotope_http_seconds", "Time to answer", ["operation"], buckets=_SECONDS)
HTTP_OPEN = Gauge("isotope_http_open", "Requests being answered now", multiprocess_mode="sum")
HTTP_STREAMS = Gauge("isotope_http_streams", "Streams of events that are open now", multiprocess_mode="sum")
REFUSALS = Counter("isotope_refusals", "The business saying no", ["code"])

STORE_CONNECTIONS = Gauge("isotope_store_connections", "Connections to the store", ["state"], multiprocess_mode="sum")
STORE_WAITING = Gauge("isotope_store_waiting", "Callers waiting for a connection", multiprocess_mode="sum")

MAP_VEHICLES = Gauge("isotope_map_vehicles", "Vehicles in the live map", multiprocess_mode="max")
MAP_BEHIND_SECONDS = Gauge(
    "isotope_map_behind_seconds",
    "For how long the live map has known of a change it has not read",
    multiprocess_mode="max",
)

DEVICE_SESSIONS = Gauge("isotope_device_sessions", "Connected units", ["protocol"], multiprocess_mode="sum")
DEVICE_FRAMES = Counter("isotope_device_frames", "Frames from units", ["protocol", "kind"])
DEVICE_REPORTS = Counter("isotope_device_reports", "Reports by what became of them", ["result"])
DEVICE_REPORT_SECONDS = Histogram(
    "isotope_device_report_seconds", "From a report's receipt to its acknowledgement", buckets=_SECONDS
)
DEVICE_REPORTS_PENDING = Gauge(
    "isotope_device_reports_pending", "Reports that wait for the store", multiprocess_mode="sum"
)
ZONE_LOOKS = Counter("isotope_zone_looks", "Reports of ridden vehicles, by whether zones had to act", ["result"])
DEVICE_HANG_UPS = Counter("isotope_device_hang_ups", "Connections of units that ended, by why", ["reason"])
DEVICE_LOGINS = Counter("isotope_device_logins", "Logins of units", ["result"])
DEVICE_COMMANDS = Counter("isotope_device_commands", "Finished commands", ["name", "status"])
DEVICE_COMMAND_SECONDS = Histogram(
    "isotope_device_command_seconds", "From request to outcome", ["name"], buckets=_SECONDS
)

RIDES = Counter("isotope_rides", "Rides by how they went on", ["transition"])

JOBS = Counter("isotope_jobs", "Runs of jobs", ["job", "result"])
JOB_SECONDS = Histogram("isotope_job_seconds", "Run time of jobs", ["job"], buckets=_SECONDS)
JOBS_WAITING = Gauge("isotope_jobs_waiting", "Jobs that are due and not begun", multiprocess_mode="max")
JOBS_FAILED = Gauge("isotope_jobs_failed", "Jobs that were given up", multiprocess_mode="max")
CARD_CALLS = Counter("isotope_card_calls", "Answers of the card provider", ["kind", "outcome"])
CARD_CALLS_OPEN = Gauge(
    "isotope_card_calls_open", "Calls to the card provider that nobody knows the end of yet", multiprocess_mode="max"
)


def observe_store(stats: dict[str, int]) -> None:
    """Take over the pool's figures (`Database.stats()`)."""
    size = stats.get("pool_size", 0)
    free = stats.get("pool_available", 0)
    STORE_CONNECTIONS.labels("free").set(free)
    STORE_CONNECTIONS.labels("busy").set(size - free)
    STORE_WAITING.set(stats.get("requests_waiting", 0))


def exposition() -> tuple[bytes, str]:
    """The body and content type of `/metrics`."""
    registry: Any = REGISTRY
    if os.environ.get(FOLDER_VARIABLE):
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry), CONTENT_TYPE_LATEST
