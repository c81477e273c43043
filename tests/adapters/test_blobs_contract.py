"""What every store of pictures does: a folder, and a real store with the S3 API in a process of its own."""

import asyncio
import os
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast
from uuid import uuid4

import pytest

from isotope.adapters.blobs import Bucket, FolderBlobs, S3Blobs, make_blobs
from isotope.domain.evidence import Blobs
from isotope.infra.config import Config, ConfigError, load_config
from isotope.infra.db import Database
from isotope.infra.outbound import NetworkInTransactionError
from tests.kit.s3 import running_s3


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    with running_s3(tmp_path_factory.mktemp("s3")) as running:
        yield running


@pytest.fixture(params=["folder", "s3"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    if request.param == "folder":
        return FolderBlobs(tmp_path)
    return S3Blobs(cast("Bucket", request.getfixturevalue("bucket")))


def new_key() -> str:
    return f"rides/7/{uuid4().hex}"


async def test_what_was_put_is_got(blobs: Blobs) -> None:
    for content in (b"", b"\x00", os.urandom(3_000_000)):
        key = new_key()
        await blobs.put(key, content, "image/jpeg")
        assert await blobs.get(key) == content


async def test_the_last_one_counts(blobs: Blobs) -> None:
    key = new_key()
    await blobs.put(key, b"first", "image/jpeg")
    await blobs.put(key, b"second", "image/jpeg")
    assert await blobs.get(key) == b"second"


async def test_nothing_is_none(blobs: Blobs) -> None:
    assert await blobs.get(new_key()) is None


async def test_what_is_deleted_is_gone_and_may_be_deleted_again(blobs: Blobs) -> None:
    key, other = new_key(), new_key()
    for one in (key, other):
        await blobs.put(one, one.encode(), "image/jpeg")
    for _again in range(2):
        await blobs.delete(key)
        assert await blobs.get(key) is None
    assert await blobs.get(other) == other.encode()


async def test_many_at_once(blobs: Blobs) -> None:
    keys = [new_key() for _nr in range(20)]
    await asyncio.gather(*(blobs.put(key, key.encode(), "image/jpeg") for key in keys))
    assert await asyncio.gather(*(blobs.get(key) for key in keys)) == [key.encode() for key in keys]


async def test_not_while_rows_are_locked(blobs: Blobs, db: Database) -> None:
    async with db.write():
        for call in (blobs.put("a", b"", "image/jpeg"), blobs.get("a"), blobs.delete("a")):
            with pytest.raises(NetworkInTransactionError):
                await call


async def test_a_folder_takes_no_key_that_leads_out_of_it(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path / "blobs")
    for key in ("../secret", "/etc/passwd", "a/../../b", "", "a//b", "a b", "\u00e4"):
        with pytest.raises(ValueError, match="key"):
            await blobs.put(key, b"", "image/jpeg")


# -- A store that does not do as it should --------------------------------------------------------------------------


@pytest.mark.parametrize(("access_key", "secret_key"), [("isotope", "wrong"), ("nobody", "secret-of-the-store")])
async def test_a_store_that_refuses_us(bucket: Bucket, access_key: str, secret_key: str) -> None:
    blobs = S3Blobs(replace(bucket, access_key=access_key, secret_key=secret_key))
    for call in (blobs.put("a", b"1", "image/jpeg"), blobs.get("a"), blobs.delete("a")):
        with pytest.raises(OSError, match="Error") as caught:
            await call
        assert secret_key not in str(caught.value)


async def test_a_store_that_is_not_there(bucket: Bucket) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        blobs = S3Blobs(replace(bucket, endpoint=f"http://127.0.0.1:{taken.getsockname()[1]}"))
        for call in (blobs.put("a", b"1", "image/jpeg"), blobs.get("a"), blobs.delete("a")):
            with pytest.raises(OSError, match="Error"):
                await call


async def test_a_store_that_never_answers(bucket: Bucket) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        blobs = S3Blobs(replace(bucket, endpoint=endpoint), most_s=0.3)
        with pytest.raises(OSError, match="TimeoutError"):
            await blobs.get("a")


# -- Settings -------------------------------------------------------------------------------------------------------


def test_the_settings_say_which() -> None:
    assert isinstance(make_blobs(Config(data="data")), FolderBlobs)
    assert isinstance(make_blobs(Config(blobs="s3", s3_bucket="b")), S3Blobs)


@pytest.mark.parametrize(
    "wrong",
    [
        {"ISOTOPE_BLOBS": "s3"},
        {"ISOTOPE_S3_ACCESS_KEY": "a"},
        {"ISOTOPE_S3_SECRET_KEY": "a"},
        {"ISOTOPE_S3_ENDPOINT": "store.example"},
        {"ISOTOPE_S3_ADDRESSES": "both"},
    ],
)
def test_settings_that_cannot_work_are_told_at_the_start(wrong: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="ISOTOPE_S3"):
        load_config(wrong)
