"""`python -m bench.static_answer PORT FILE`: a handler that sends the file's bytes; an empty file is a 304."""

import sys
from pathlib import Path

import uvicorn
from litestar import Litestar, Response, post


def create_app(file: Path) -> Litestar:
    body = file.read_bytes()

    @post("/openapi/v1.0/sharing/get-zones", status_code=200)
    async def send() -> Response[bytes]:
        return Response(body, media_type="application/json")

    @post("/openapi/v1.0/sharing/get-zones", status_code=304)
    async def send_nothing() -> None:
        return None

    return Litestar([send if body else send_nothing], openapi_config=None)


if __name__ == "__main__":
    uvicorn.run(
        create_app(Path(sys.argv[2])),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        log_level="warning",
        access_log=False,
    )
