"""Metrics of several processes at one address."""

import os
import subprocess
import sys
from pathlib import Path

_COUNT = """
from isotope.infra.metrics import HTTP_REQUESTS, DEVICE_SESSIONS, exposition
HTTP_REQUESTS.labels("start_ride", "200").inc()
DEVICE_SESSIONS.labels("json_lines").set(3)
body, content_type = exposition()
print(content_type)
print(body.decode())
"""


def _run(folder: Path, process: str) -> str:
    environ = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder), "ISOTOPE_PROCESS": process}
    done = subprocess.run([sys.executable, "-c", _COUNT], env=environ, capture_output=True, text=True, check=True)
    return done.stdout


def test_processes_are_summed_and_a_restarted_one_goes_on_counting(tmp_path: Path) -> None:
    _run(tmp_path, "api-1")
    _run(tmp_path, "api_2")
    shown = _run(tmp_path, "api-1")
    assert shown.startswith("text/plain")
    assert 'isotope_http_requests_total{operation="start_ride",status="200"} 3.0' in shown
    assert 'isotope_device_sessions{protocol="json_lines"} 6.0' in shown
    # One file a kind and process, however often it was restarted.
    assert sorted(path.name for path in tmp_path.glob("counter_*")) == ["counter_api-1.db", "counter_api-2.db"]
