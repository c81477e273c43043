"""Where pictures are kept."""

from pathlib import Path

from isotope.adapters.blobs.folder import FolderBlobs
from isotope.adapters.blobs.s3 import Bucket, S3Blobs
from isotope.infra.config import Config

__all__ = ["Bucket", "FolderBlobs", "S3Blobs", "make_blobs"]


def make_blobs(config: Config) -> FolderBlobs | S3Blobs:
    """The store that the settings name."""
    if config.blobs == "s3":
        return S3Blobs(
            Bucket(
                name=config.s3_bucket,
                endpoint=config.s3_endpoint,
                region=config.s3_region,
                access_key=config.s3_access_key,
                secret_key=config.s3_secret_key,
                addresses=config.s3_addresses,
            )
        )
    return FolderBlobs(Path(config.data) / "blobs")
