"""Settings of a process, from the environment. `docs/operate/configuration.md` is tested against this."""

import os
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

Mode = Literal["demo", "test", "production"]


class ConfigError(Exception):
    """A setting is wrong; says which, what it is and what would be accepted."""


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """Every setting is read from `ISOTOPE_<NAME>`."""

    mode: Annotated[Mode, Meta(description="demo and test open /dev/outbox; production refuses the demo's keys")] = (
        "production"
    )
    database_url: Annotated[
        str, Meta(description="PostgreSQL 15 or newer; empty: the embedded one in the data folder")
    ] = ""
    data: Annotated[str, Meta(description="the data folder: embedded PostgreSQL, images, logs")] = "data"
    host: Annotated[str, Meta(description="address that the API listens on")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="port of the API")] = 8080
    api_processes: Annotated[int, Meta(ge=1, le=64, description="how many API processes share the port")] = 1
    gateway_host: Annotated[str, Meta(description="address that the device gateway listens on")] = "127.0.0.1"
    gateway_port: Annotated[int, Meta(ge=0, le=65535, description="port for JSON-lines units; 0: a free one")] = 0
    db_pool: Annotated[int, Meta(ge=1, le=200, description="connections to PostgreSQL of each process")] = 10
    sms: Annotated[Literal["outbox", "twilio"], Meta(description="how phone codes are sent")] = "outbox"
    twilio_account: Annotated[str, Meta(description="Twilio account SID")] = ""
    twilio_token: Annotated[str, Meta(description="Twilio auth token (secret)")] = ""
    twilio_from: Annotated[str, Meta(description="sender number or messaging service SID")] = ""
    twilio_url: Annotated[str, Meta(description="base address of Twilio's API")] = "https://api.twilio.com"
    push: Annotated[Literal["outbox", "fcm"], Meta(description="how notifications go to riders' apps")] = "outbox"
    fcm_account: Annotated[
        str, Meta(description="file of the Firebase project's service account (JSON, secret); for `fcm`")
    ] = ""
    fcm_url: Annotated[str, Meta(description="base address of Firebase Cloud Messaging")] = "https://fcm.googleapis.com"
    cards: Annotated[
        Literal["", "none", "sandbox", "stripe"],
        Meta(description="who takes payments by card; empty: sandbox in demo and test, none in production"),
    ] = ""
    sandbox_cards_url: Annotated[
        str, Meta(description="where the test provider listens; empty: the one that `isotope up` runs")
    ] = ""
    sandbox_cards_port: Annotated[int, Meta(ge=0, le=65535, description="port of the test provider; 0: a free one")] = 0
    sandbox_cards_key: Annotated[
        str, Meta(description="API key of the test provider (secret); empty: the data folder's")
    ] = ""
    sandbox_webhook_secret: Annotated[
        str, Meta(description="what the test provider signs webhooks with (secret); empty: the data folder's")
    ] = ""
    public_url: Annotated[
        str, Meta(description="address under which browsers and providers reach the API; empty: its host and port")
    ] = ""
    stripe_secret_key: Annotated[str, Meta(description="secret or restricted API key of Stripe (secret)")] = ""
    stripe_webhook_secret: Annotated[
        str, Meta(description="signing secret of Stripe's webhooks (secret); comma-separated while one is replaced")
    ] = ""
    stripe_url: Annotated[str, Meta(description="base address of Stripe's API")] = "https://api.stripe.com"
    blobs: Annotated[
        Literal["folder", "s3"],
        Meta(description="where pictures are kept: the data folder, or a store with the S3 API"),
    ] = "folder"
    s3_endpoint: Annotated[
        str, Meta(description="address of the store, without the bucket; empty: Amazon's of the region")
    ] = ""
    s3_bucket: Annotated[str, Meta(description="name of the bucket; it must exist")] = ""
    s3_region: Annotated[str, Meta(description="region that requests are signed for")] = "us-east-1"
    s3_access_key: Annotated[str, Meta(description="id of the access key; empty: the machine's own role")] = ""
    s3_secret_key: Annotated[str, Meta(description="the access key itself (secret)")] = ""
    s3_addresses: Annotated[
        Literal["path", "virtual"], Meta(description="whether the bucket stands in the path or in the host name")
    ] = "path"
    places: Annotated[
        Literal["own", "photon", "nominatim"],
        Meta(description="who knows places: what `isotope maps import` read, or a server of one of these"),
    ] = "own"
    places_url: Annotated[str, Meta(description="address of the Photon or Nominatim server")] = ""
    roads_url: Annotated[
        str,
        Meta(
            description="address of an OSRM server; empty: the engine of `isotope maps build`, which the worker runs, and "
            "estimates where there is none"
        ),
    ] = ""
    map_downloads: Annotated[
        str, Meta(description="where the road engine and the demo's extract are kept; empty: the data folder")
    ] = ""
    trusted_proxies: Annotated[str, Meta(description="comma-separated networks whose X-Forwarded-For is believed")] = ""
    cors_origins: Annotated[
        str, Meta(description="comma-separated web origins that browsers may call from; *: all; empty: none")
    ] = "*"
    log_format: Annotated[Literal["json", "console"], Meta(description="how log lines look")] = "json"
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="least level that is logged")
    ] = "info"


def load_config(environ: Mapping[str, str] | None = None) -> Config:
    """Read the environment.

    Raises:
        ConfigError: with every wrong setting, one a line.
    """
    env = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    wrong: list[str] = []
    for setting in msgspec.structs.fields(Config):
        name = f"ISOTOPE_{setting.name.upper()}"
        if name not in env:
            continue
        try:
            values[setting.name] = msgspec.convert(env[name].strip(), setting.type, strict=False)
        except msgspec.ValidationError as error:
            wrong.append(f"{name}: {error}")
    wrong += _wrong_together(values)
    if wrong:
        raise ConfigError("\n".join(wrong))
    return Config(**values)


def _wrong_together(values: Mapping[str, Any]) -> list[str]:
    """What is wrong with settings that were accepted one by one."""
    wrong: list[str] = []
    if values.get("mode", "production") == "production" and values.get("cards") == "sandbox":
        wrong.append("ISOTOPE_CARDS: sandbox takes no money, so production refuses it; set stripe or none")
    if values.get("push") == "fcm" and not values.get("fcm_account"):
        wrong.append("ISOTOPE_FCM_ACCOUNT: empty; ISOTOPE_PUSH=fcm needs the file of a service account")
    if values.get("blobs") == "s3" and not values.get("s3_bucket"):
        wrong.append("ISOTOPE_S3_BUCKET: empty; ISOTOPE_BLOBS=s3 needs the name of a bucket")
    if bool(values.get("s3_access_key")) != bool(values.get("s3_secret_key")):
        wrong.append("ISOTOPE_S3_ACCESS_KEY, ISOTOPE_S3_SECRET_KEY: one of them is empty; set both or none")
    if values.get("places", "own") != "own" and not values.get("places_url"):
        wrong.append(f"ISOTOPE_PLACES_URL: empty; ISOTOPE_PLACES={values['places']} needs the address of its server")
    wrong += [
        f"ISOTOPE_{name.upper()}: an address that begins with https:// (or http://) is expected"
        for name in ("s3_endpoint", "places_url", "roads_url")
        if values.get(name) and not values[name].startswith(("https://", "http://"))
    ]
    return wrong


def card_provider_of(config: Config) -> Literal["none", "sandbox", "stripe"]:
    """Who takes payments by card: what is set, or the mode's default."""
    if config.cards:
        return config.cards
    return "none" if config.mode == "production" else "sandbox"


def public_url_of(config: Config) -> str:
    """The base address of the API as others see it, without a slash at the end: what is set, or this machine's own."""
    if config.public_url:
        return config.public_url.rstrip("/")
    return url_of(config.host, config.port)


def url_of(host: str, port: int) -> str:
    """How this machine reaches what listens there."""
    reached = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104 - it is translated
    return f"http://{f'[{reached}]' if ':' in reached and not reached.startswith('[') else reached}:{port}"
