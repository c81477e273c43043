"""`isotope up`: everything on this machine."""

import contextlib
import os
import shlex
import shutil
import socket
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from isotope.infra.config import Config, card_provider_of, load_config, public_url_of, url_of

if TYPE_CHECKING:
    from isotope.supervisor import ChildSpec, Supervisor

_READY_S = 60.0
_APPLY_S = 120.0
_DOWNLOADS_S = 60.0
_MAPS_S = 150.0


def command(
    port: Annotated[int | None, typer.Option(help="port of the API; default ISOTOPE_PORT or 8080")] = None,
    data: Annotated[str | None, typer.Option(help="data folder; default ISOTOPE_DATA or ./data")] = None,
    simulate: Annotated[bool, typer.Option(help="demo mode: drive simulated vehicles and riders")] = True,
) -> None:
    """Run everything on this machine: PostgreSQL, API, gateway, worker; in demo mode the demo city and its traffic.

    What dies is restarted; Ctrl-C stops all of it.

    Example:

        ISOTOPE_MODE=demo isotope up --port 8081 --data ./second
    """
    from isotope.infra.log import configure_logging
    from isotope.infra.migrate import migrate
    from isotope.supervisor import Child, ChildSpec, Supervisor, free_port, listen
    from isotope.supervisor.run import StoppedError

    config = _config(port, data)
    configure_logging(msgspec.structs.replace(config, log_level="warning", log_format="console"), "supervisor")
    folder = Path(config.data)
    folder.mkdir(parents=True, exist_ok=True)
    say = _Teller()
    with Supervisor(folder, say.line) as supervisor:
        try:
            listening = listen(config.host, config.port)
            gateway_port = free_port(config.gateway_host, config.gateway_port)
            say.step("PostgreSQL")
            url = config.database_url or supervisor.start_postgres()
            say.step("migrations")
            migrate(url)
            config = msgspec.structs.replace(
                config, database_url=url, port=int(listening.getsockname()[1]), gateway_port=gateway_port
            )
            config = msgspec.structs.replace(config, public_url=public_url_of(config))
            cards, config = _listen_for_cards(config)
            environ = _environ(config)
            say.step("processes")
            needed: list[Child] = []
            if cards is not None:
                needed.append(supervisor.start(_sandbox_cards(config, cards.fileno(), environ)))
            needed += [
                supervisor.start(
                    ChildSpec(
                        f"api-{number}",
                        _isotope("api", "--fd", str(listening.fileno())),
                        environ,
                        (listening.fileno(),),
                    )
                )
                for number in range(1, config.api_processes + 1)
            ]
            needed += [supervisor.start(ChildSpec(name, _isotope(name), environ)) for name in ("gateway", "worker")]
            if config.mode == "demo":
                say.step("demo city")
                supervisor.run_once(ChildSpec("apply", _isotope("apply", "--yes", str(demo_city())), environ), _APPLY_S)
                say.step("places and roads")
                say.line(_maps(supervisor, environ))
                if simulate:
                    needed.append(supervisor.start(ChildSpec("simulator", _isotope("simulate"), environ)))
            supervisor.wait_until(lambda: _is_ready(config), needed, _READY_S, "the API")
            if config.mode == "demo" and simulate:
                supervisor.wait_until(lambda: _fleet_is_heard(url), needed, _READY_S, "the simulated fleet")
            say.ready(config)
            supervisor.watch()
        except StoppedError:
            pass
        say.line("stopping")
    say.line("stopped")


def demo_city() -> Path:
    """The demo operator's folder, part of the package."""
    return Path(__file__).parent.parent / "demo_city"


def _maps(supervisor: "Supervisor", environ: dict[str, str]) -> str:
    """Give the demo places and roads, as far as the network lets; what came of it, in one line."""
    from isotope.supervisor import ChildSpec, StartFailedError

    log = supervisor.logs / "maps.log"
    log.unlink(missing_ok=True)
    try:
        supervisor.run_once(
            ChildSpec("maps", _isotope("maps", "demo", "--limit-s", str(_DOWNLOADS_S)), environ), _MAPS_S
        )
    except StartFailedError:
        return f"there are no places, and ways are estimated; see {log}"
    said = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return said[-1] if said else "places and roads are as they were"


def base_url(config: Config) -> str:
    """Where this machine reaches the API."""
    return url_of(config.host, config.port)


def _config(port: int | None, data: str | None) -> Config:
    config = load_config()
    if port is not None:
        config = msgspec.structs.replace(config, port=port)
    return msgspec.structs.replace(config, data=str(Path(data or config.data).absolute()))


def _listen_for_cards(config: Config) -> tuple[socket.socket | None, Config]:
    """The socket of the test provider, and the settings with where it is; None where none is to run here."""
    if card_provider_of(config) != "sandbox" or config.sandbox_cards_url:
        return None, config
    from isotope.adapters.cards.sandbox_place import claim_place, read_place

    data = Path(config.data)
    before = read_place(data)
    listening = _listen_again(config, before.url if before else "")
    place = claim_place(
        data,
        url_of(config.host, listening.getsockname()[1]),
        key=config.sandbox_cards_key,
        webhook_secret=config.sandbox_webhook_secret,
    )
    return listening, msgspec.structs.replace(
        config,
        sandbox_cards_url=place.url,
        sandbox_cards_key=place.key,
        sandbox_webhook_secret=place.webhook_secret,
    )


def _listen_again(config: Config, before: str) -> socket.socket:
    """On the port that is set; else on the one of before, if it is free, so that open pages stay where they are."""
    from isotope.supervisor import PortTakenError, listen

    if config.sandbox_cards_port:
        try:
            return listen(config.host, config.sandbox_cards_port)
        except PortTakenError as error:
            raise PortTakenError(
                f"port {config.sandbox_cards_port} of {config.host} cannot be listened on; choose another for the test "
                "card provider with ISOTOPE_SANDBOX_CARDS_PORT (0 takes a free one)"
            ) from error
    port = before.rpartition(":")[2]
    if port.isdecimal():
        with contextlib.suppress(PortTakenError):
            return listen(config.host, int(port))
    return listen(config.host, 0)


def _sandbox_cards(config: Config, descriptor: int, environ: dict[str, str]) -> "ChildSpec":
    from isotope.supervisor import ChildSpec

    hooks = f"{base_url(config)}/webhooks/cards/sandbox"
    command = _isotope("sandbox-cards", "--fd", str(descriptor), "--webhook-url", hooks)
    return ChildSpec("sandbox-cards", command, environ, (descriptor,))


def _environ(config: Config) -> dict[str, str]:
    """What the children are told: the settings that were decided here."""
    metrics = Path(config.data) / "run" / "metrics"
    shutil.rmtree(metrics, ignore_errors=True)
    metrics.mkdir(parents=True)
    decided = (
        *("mode", "database_url", "data", "host", "port", "gateway_host", "gateway_port", "public_url"),
        *("sandbox_cards_url", "sandbox_cards_key", "sandbox_webhook_secret"),
    )
    return {f"ISOTOPE_{name.upper()}": str(getattr(config, name)) for name in decided} | {
        "ISOTOPE_API_URL": base_url(config),
        "PROMETHEUS_MULTIPROC_DIR": str(metrics),
    }


def _isotope(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "isotope", *arguments]


def _is_ready(config: Config) -> bool:
    try:
        with urllib.request.urlopen(f"{base_url(config)}/health/ready", timeout=2) as answer:  # noqa: S310 - our own address
            if answer.status != 200:  # noqa: PLR2004 - OK
                return False
        gateway = "127.0.0.1" if config.gateway_host in {"0.0.0.0", ""} else config.gateway_host  # noqa: S104
        with socket.create_connection((gateway, config.gateway_port), timeout=2):
            return True
    except (OSError, urllib.error.URLError):
        return False


def _fleet_is_heard(url: str) -> bool:
    """Whether most units are connected and have reported lately: a line that is pasted now finds vehicles."""
    import psycopg

    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            row = connection.execute(
                """
                select count(*) filter (where d.session_id is not null and s.seen_at >= d.connected_at) * 2 > count(*)
                  from device d
                  join vehicle v on v.operator_id = d.operator_id and v.device_id = d.id
                  left join vehicle_state s on s.operator_id = v.operator_id and s.vehicle_id = v.id
                """
            ).fetchone()
    except psycopg.OperationalError:
        return False
    return row is not None and bool(row[0])


class _Teller:
    """What the person at the terminal sees."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(highlight=False)

    def line(self, text: str) -> None:
        self._console.print(f"isotope: {text}", markup=False)

    def step(self, what: str) -> None:
        self._console.print(f"isotope: starting {what}", style="dim")

    def ready(self, config: Config) -> None:
        from rich.table import Table

        base = base_url(config)
        table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
        table.add_row("API", base)
        table.add_row("documentation", f"{base}/api/docs")
        table.add_row("money explained", f"{base}/api/docs/money")
        table.add_row("OpenAPI", f"{base}/api/docs/openapi.json")
        table.add_row("units connect to", f"{config.gateway_host}:{config.gateway_port} (JSON lines over TCP)")
        if config.sandbox_cards_url:
            table.add_row("test card provider", f"{config.sandbox_cards_url} (its pages take test cards only)")
        table.add_row("logs", f"{config.data}/logs")
        if config.mode == "demo":
            table.add_row("App-Public-Key", "demo-public")
            table.add_row("secret key", "demo-secret (as Authorization)")
            table.add_row("staff", "admin@demo.test / demo-password")
            table.add_row("phone codes", f"{base}/dev/outbox?phone=<prefix and number, digits>")
            table.add_row("a rider's token", shlex.join([_own_path(), "token", "--url", base]))
            if config.sandbox_cards_url:
                with_card = [_own_path(), "token", "--url", base, "--card", "declined"]
                table.add_row("one with a test card", f"{shlex.join(with_card)}, or --card list")
        self._console.print()
        self._console.print(table)
        if config.mode == "demo":
            self._console.print("\nTry it, in another terminal:\n")
            # Not wrapped: it is to be pasted.
            self._console.print(_curl(base), soft_wrap=True, markup=False)
        self._console.print("\nCtrl-C stops everything.", style="dim")


def _own_path() -> str:
    beside = Path(sys.executable).parent / "isotope"
    return os.path.relpath(beside) if beside.is_relative_to(Path.cwd()) else str(beside)


def _curl(base: str) -> str:
    token = shlex.join([_own_path(), "token", "--url", base])
    body = '{"user_latitude": 60.17, "user_longitude": 24.94, "radius_in_km": 1}'
    return (
        f"curl -s {base}/openapi/v1.0/sharing/get-vehicles -H 'App-Public-Key: demo-public' "
        f"-H \"Authorization: Bearer $({token})\" -H 'Content-Type: application/json' -d '{body}'"
    )
