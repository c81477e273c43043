"""Links to pictures, for whoever has the link, until it ends.

`/files/7-ride-31?expires=1780000000&signature=...`: the operator's number, what it shows, its own number. The signature
is an HMAC-SHA256 over all of it with a key of the operator's that never leaves the store. A link opens one picture and
nothing else; who has none learns nothing, not even which pictures exist.
"""

import hmac
import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final, Literal

from isotope.domain.evidence.model import PictureId, PictureOf, StoredPicture
from isotope.kernel.ids import OperatorId

LIFE: Final = timedelta(hours=1)
# Links of one picture are the same for so long, so that an app that looks again has it in its cache.
_STEP_S: Final = 600
_KINDS: Final = "|".join(PictureOf)
_NAME: Final = re.compile(rf"([1-9][0-9]{{0,17}})-({_KINDS})-([1-9][0-9]{{0,17}})")
_EXPIRES: Final = re.compile(r"[1-9][0-9]{0,11}")


@dataclass(frozen=True, slots=True)
class Link:
    """What a link names."""

    operator_id: OperatorId
    of: PictureOf
    id: PictureId
    expires: int
    signature: str

    @property
    def name(self) -> str:
        return f"{self.operator_id}-{self.of}-{self.id}"

    def verdict(self, file_key: bytes, now: datetime) -> Literal["good", "ended", "wrong"]:
        """Whether it was made by us (`good`, or `ended` when its time is over).

        | signature fits | before its end | |
        |---|---|---|
        | no | any | wrong |
        | yes | yes | good |
        | yes | no | ended |
        """
        if not hmac.compare_digest(self.signature.encode(), sign(file_key, self.name, self.expires).encode()):
            return "wrong"
        return "good" if now.timestamp() < self.expires else "ended"


def sign(file_key: bytes, name: str, expires: int) -> str:
    """43 characters that fit in an address."""
    digest = hmac.digest(file_key, f"files:{name}:{expires}".encode(), sha256)
    return urlsafe_b64encode(digest).decode("ascii").rstrip("=")


def write_link(picture: StoredPicture, file_key: bytes, now: datetime) -> str:
    """The part of the address after the host. It works for an hour, and up to ten minutes more."""
    end = int((now + LIFE).timestamp())
    expires = end + -end % _STEP_S
    name = f"{picture.operator_id}-{picture.of}-{picture.id}"
    return f"/files/{name}?expires={expires}&signature={sign(file_key, name, expires)}"


def read_link(name: str, expires: str, signature: str) -> Link | None:
    """What an address says; None if it was never one of ours."""
    named = _NAME.fullmatch(name)
    if named is None or not _EXPIRES.fullmatch(expires) or not signature.isascii():
        return None
    return Link(OperatorId(int(named[1])), PictureOf(named[2]), PictureId(int(named[3])), int(expires), signature)
