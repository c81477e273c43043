import json
from collections.abc import Callable
from random import Random
from typing import Any

import httpx2
import pytest

from isotope.simulator.api import Api, ApiRefused, ApiUnavailableError


class Server:
    """Answers what it is given, one after the other; remembers the requests."""

    def __init__(self, *answers: httpx2.Response | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def no(status: int, code: str, *, message: str = "No.", **headers: str) -> httpx2.Response:
    body = {"message": message, "errors": [], "code": code, "details": {"x": 1}}
    return httpx2.Response(status, json=body, headers={k.replace("_", "-"): v for k, v in headers.items()})


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the client waited, without waiting."""
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr("isotope.simulator.api.asyncio.sleep", sleep)
    return waited


def make(server: Callable[[httpx2.Request], httpx2.Response]) -> Api:
    api = Api("http://test", public_key="pub", secret_key="sec", rng=Random(1))
    api._client = httpx2.AsyncClient(transport=httpx2.MockTransport(server), base_url="http://test")
    return api


async def ask(api: Api, **more: Any) -> Any:
    try:
        return await api.post("sharing/start-ride", {"vehicle_id": 7}, "token", **more)
    finally:
        await api.aclose()


async def test_an_answer_is_an_answer() -> None:
    server = Server(httpx2.Response(200, json={"ok": True}))
    assert await ask(make(server)) == {"ok": True}
    [request] = server.requests
    assert request.url.path == "/openapi/v1.0/sharing/start-ride"
    assert request.headers["Authorization"] == "Bearer token"
    assert json.loads(request.content) == {"vehicle_id": 7}


async def test_a_refusal_is_counted_with_its_code_and_not_repeated() -> None:
    server = Server(no(409, "debt_open"))
    api = make(server)
    with pytest.raises(ApiRefused) as caught:
        await ask(api)
    assert (caught.value.status, caught.value.code, caught.value.details) == (409, "debt_open", {"x": 1})
    assert api.refusals == {"debt_open": 1}
    assert api.unexplained == []


async def test_a_refusal_without_a_reason_is_remembered() -> None:
    api = make(Server(httpx2.Response(500, text="oops"), httpx2.Response(404, text="")))
    with pytest.raises(ApiRefused):
        await ask(api)
    assert len(api.unexplained) == 2


async def test_it_waits_as_long_as_it_is_told_and_asks_again_with_the_same_key(waits: list[float]) -> None:
    server = Server(
        no(429, "too_many", Retry_After="7"),
        no(503, "store_unavailable", Retry_After="2"),
        httpx2.Response(200, json=1),
    )
    assert await ask(make(server), key=True) == 1
    assert [int(wait) for wait in waits] == [7, 2]
    assert len({request.headers["Idempotency-Key"] for request in server.requests}) == 1


async def test_it_gives_up_after_some_attempts(waits: list[float]) -> None:
    server = Server(*(httpx2.ConnectError("refused") for _ in range(9)))
    with pytest.raises(ApiUnavailableError, match="ConnectError after 6 attempts"):
        await ask(make(server))
    assert len(server.requests) == len(waits) == 6
    assert waits == sorted(waits)


async def test_it_does_not_wait_for_ever(waits: list[float]) -> None:
    with pytest.raises(ApiRefused):
        await ask(make(Server(no(429, "too_many", Retry_After="3600"))))
    assert waits == []


async def test_whether_to_ask_a_vehicle_again_is_for_the_rider_to_say(waits: list[float]) -> None:
    server = Server(no(503, "vehicle_did_not_unlock", Retry_After="3"))
    with pytest.raises(ApiRefused):
        await ask(make(server))
    assert len(server.requests) == 1
    assert waits == []


async def test_a_form_is_multipart_with_and_without_pictures() -> None:
    for files in ([], [("images", ("a.png", b"PNG", "image/png"))]):
        server = Server(httpx2.Response(200, json={}))
        api = make(server)
        await api.post_form("sharing/end-ride", {"vehicle_id": 7}, list(files), "token")
        await api.aclose()
        [request] = server.requests
        assert request.headers["Content-Type"].startswith("multipart/form-data; boundary=")
        body = request.read()
        assert b'name="vehicle_id"\r\n\r\n7\r\n' in body
        assert (b'filename="a.png"' in body) == bool(files)
