"""`python -m tests.journeys.kit.replay`: all recorded trips through a whole system of their own (`make replay`).

Arguments are passed on to `isotope simulate`, such as `--speed 120 --sample 50`.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.journeys.kit.system import SystemFailedError, running_system
from tests.journeys.kit.trips import recorded_trips


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="isotope-replay-") as folder:
        try:
            with running_system(Path(folder) / "data") as system:
                command = [sys.executable, "-m", "isotope", "simulate", "--replay", str(recorded_trips())]
                process = subprocess.Popen([*command, *sys.argv[1:]], env=system.environ())
                code = wait(process)
                if code:
                    sys.stderr.write(f"\nThe system said:\n{tail(system.data)}\n")
                return code
        except SystemFailedError as error:
            sys.stderr.write(f"{error}\n")
            return 1


def tail(data: Path, lines: int = 8) -> str:
    """The last lines of every log, before the folder goes."""
    logs = [data / "up.log", *sorted((data / "logs").glob("*.log"))]
    return "\n".join(
        "\n".join([f"-- {log.name}", *log.read_text(errors="replace").splitlines()[-lines:]]) for log in logs
    )


def wait(process: "subprocess.Popen[bytes]") -> int:
    """Its exit code. Ctrl-C reaches it as well as us: it ends its open rides, and we wait for that."""
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue


if __name__ == "__main__":
    raise SystemExit(main())
