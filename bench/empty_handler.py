"""`python -m bench.empty_handler PORT FILE`: a handler that does nothing but encode the objects of a get-vehicles answer."""

import sys
from pathlib import Path
from typing import Final

import msgspec
import uvicorn
from litestar import Litestar, Response, post

from isotope.api.sharing_types import Vehicles

_encoder: Final = msgspec.json.Encoder()


def create_app(file: Path) -> Litestar:
    answer = msgspec.json.decode(file.read_bytes(), type=Vehicles, strict=False)

    @post("/openapi/v1.0/sharing/get-vehicles", status_code=200)
    async def encode() -> Response[bytes]:
        return Response(_encoder.encode(answer), media_type="application/json")

    return Litestar([encode], openapi_config=None)


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
