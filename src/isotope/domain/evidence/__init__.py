"""Room: evidence. Pictures of vehicles behind links that end, and damage that riders report."""

from isotope.domain.evidence.errors import file_not_found, files_unavailable
from isotope.domain.evidence.links import Link, read_link, write_link
from isotope.domain.evidence.model import (
    Damage,
    DamageId,
    Image,
    KeptImage,
    LinkedPicture,
    PictureId,
    PictureOf,
    Shows,
    StoredPicture,
    Taken,
)
from isotope.domain.evidence.pictures import insert_picture, list_pictures, retire_pictures_of
from isotope.domain.evidence.ports import Blobs
from isotope.domain.evidence.usecases.forget_evidence_of import forget_evidence_of
from isotope.domain.evidence.usecases.keep_images import drop_unused_images, keep_images
from isotope.domain.evidence.usecases.open_picture import OpenedPicture, open_picture
from isotope.domain.evidence.usecases.report_damage import DamageOn, NewDamage, may_report_damage, record_damage
from isotope.domain.evidence.usecases.show_pictures import show_pictures
from isotope.domain.evidence.usecases.sweep_pictures import sweep_pictures

__all__ = [
    "Blobs",
    "Damage",
    "DamageId",
    "DamageOn",
    "Image",
    "KeptImage",
    "Link",
    "LinkedPicture",
    "NewDamage",
    "OpenedPicture",
    "PictureId",
    "PictureOf",
    "Shows",
    "StoredPicture",
    "Taken",
    "drop_unused_images",
    "file_not_found",
    "files_unavailable",
    "forget_evidence_of",
    "insert_picture",
    "keep_images",
    "list_pictures",
    "may_report_damage",
    "open_picture",
    "read_link",
    "record_damage",
    "retire_pictures_of",
    "show_pictures",
    "sweep_pictures",
    "write_link",
]
