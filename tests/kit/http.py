"""The HTTP application in this process, and a client for it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from litestar import Litestar

from isotope.api.context import Services
from isotope.infra.config import Config, Mode
from isotope.infra.runtime import Runtime
from isotope.wiring import create_app, make_services
from tests.kit.tenants import OperatorKit

OPENAPI = "/openapi/v1.0"


@dataclass(frozen=True, slots=True)
class Api:
    """A running application and a client that speaks to it without a socket."""

    app: Litestar
    services: Services
    client: httpx2.AsyncClient

    async def post(
        self, path: str, body: Any = None, *, key: str | None = None, token: str | None = None, **headers: str
    ) -> httpx2.Response:
        """POST JSON as an app does. `key` is the public key, `token` goes as a bearer's."""
        return await self.client.post(path, json=body, headers=credentials(key, token) | headers)

    async def form(
        self, path: str, fields: Mapping[str, Any], files: Any = None, *, key: str, token: str
    ) -> httpx2.Response:
        """POST multipart/form-data."""
        parts = [(name, (None, str(value).encode())) for name, value in fields.items()]
        return await self.client.post(path, files=[*parts, *(files or ())], headers=credentials(key, token))


def credentials(key: str | None = None, token: str | None = None) -> dict[str, str]:
    """The two headers of the contract."""
    headers = {} if key is None else {"App-Public-Key": key}
    return headers if token is None else {**headers, "Authorization": f"Bearer {token}"}


@asynccontextmanager
async def run_api(
    rt: Runtime, folder: Path, *, mode: Mode = "test", stream_s: float = 0.0, **settings: Any
) -> AsyncIterator[Api]:
    """Services as wiring makes them, listening to the store, behind the application. `rt.hub` must not run yet."""
    services = make_services(Config(mode=mode, database_url=rt.db.url, data=str(folder), **settings), rt)
    # The transport below hands over an answer when it is whole: of one that goes on, the first event.
    services.streams.longest_s = stream_s
    await rt.hub.start()
    await services.live_map.start()
    app = create_app(services)
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)  # type: ignore[arg-type]
    try:
        async with httpx2.AsyncClient(transport=transport, base_url="http://isotope.test") as client:
            yield Api(app, services, client)
    finally:
        await services.live_map.stop()
        await rt.hub.stop()


def as_owner(kit: OperatorKit) -> dict[str, str]:
    """The headers of the operator's own servers."""
    return credentials(kit.public_key, kit.secret_key)
