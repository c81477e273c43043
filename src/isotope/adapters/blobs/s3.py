"""Blobs in a bucket of any store that speaks the S3 API.

The client (obstore) is some MiB of compiled code, which only processes that touch a picture load.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from isotope.infra import outbound

if TYPE_CHECKING:
    from obstore.store import S3Store

T = TypeVar("T")

# One request; what is idle or cut off is tried again, and all of it ends after `MOST_S`.
REQUEST_S: Final = 10
CONNECT_S: Final = 3
RETRIES: Final = 2
MOST_S: Final = 20.0


class BlobStoreError(OSError):
    """The store cannot be reached, or refuses us. Says what it said, never a key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """Where the bucket is and how it is opened.

    Attributes:
        endpoint: `https://...` without the bucket; empty: Amazon's of the region.
        access_key, secret_key: empty: what the machine has (environment, instance role).
        addresses: `path`: endpoint/bucket/key; `virtual`: bucket.endpoint/key.
    """

    name: str
    endpoint: str = ""
    region: str = "us-east-1"
    access_key: str = ""
    secret_key: str = ""
    addresses: Literal["path", "virtual"] = "path"


class S3Blobs:
    """Implements `evidence.ports.Blobs`."""

    def __init__(self, bucket: Bucket, *, most_s: float = MOST_S) -> None:
        self._bucket = bucket
        self._most_s = most_s
        self._opened: S3Store | None = None

    async def put(self, key: str, content: bytes, content_type: str) -> None:
        outbound.guard()
        attributes = {"Content-Type": content_type}
        await self._ask(lambda store: store.put_async(key, content, attributes=attributes))

    async def get(self, key: str) -> bytes | None:
        outbound.guard()
        return await self._ask(lambda store: _get(store, key))

    async def delete(self, key: str) -> None:
        outbound.guard()
        await self._ask(lambda store: _delete(store, key))

    async def _ask(self, what: "Callable[[S3Store], Awaitable[T]]") -> T:
        from obstore.exceptions import BaseError  # noqa: PLC0415 - see above

        try:
            async with asyncio.timeout(self._most_s):
                return await what(self._store())
        except (BaseError, OSError) as error:
            raise BlobStoreError(type(error).__name__) from error

    def _store(self) -> "S3Store":
        if self._opened is None:
            self._opened = _open(self._bucket)
        return self._opened


async def _get(store: "S3Store", key: str) -> bytes | None:
    try:
        found = await store.get_async(key)
        return bytes(await found.bytes_async())
    except FileNotFoundError:
        return None


async def _delete(store: "S3Store", key: str) -> None:
    try:
        await store.delete_async(key)
    except FileNotFoundError:
        return


def _open(bucket: Bucket) -> "S3Store":
    from obstore.store import S3Store  # noqa: PLC0415 - see above

    given: dict[str, Any] = {}
    if bucket.endpoint:
        given["endpoint"] = bucket.endpoint.rstrip("/")
    if bucket.access_key:
        given |= {"access_key_id": bucket.access_key, "secret_access_key": bucket.secret_key}
    return S3Store(
        bucket.name,
        region=bucket.region,
        virtual_hosted_style_request=bucket.addresses == "virtual",
        client_options={
            # Only where the setting itself says so.
            "allow_http": bucket.endpoint.startswith("http://"),
            "timeout": timedelta(seconds=REQUEST_S),
            "connect_timeout": timedelta(seconds=CONNECT_S),
        },
        retry_config={"max_retries": RETRIES, "retry_timeout": timedelta(seconds=REQUEST_S)},
        **given,
    )
