"""Where images are kept."""

from isotope.adapters.blobs.folder import FolderBlobs

__all__ = ["FolderBlobs"]
