"""Pictures by signed link: see `evidence.links`. No key and no token is asked for: the link is both.

| link | answer |
|---|---|
| good | 200, the picture; the asker may keep it until the link ends, nobody between us may |
| its time is over | 403 `link_ended` |
| made up, changed, of another operator, or its picture is gone | 404 `file_not_found` |
| the store of pictures is away | 503 `files_unavailable` |
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qs

from isotope.api.context import Services
from isotope.api.errors import encode_refusal
from isotope.api.shown import Page, Shown, rest_of
from isotope.domain import evidence
from isotope.infra.config import public_url_of
from isotope.kernel.errors import Refusal

PATH: Final = "/files"
# A picture is shown and can do nothing, whatever a browser takes it for.
_POLICY: Final = (b"content-security-policy", b"default-src 'none'; sandbox")


def files_page() -> Page:
    """Where links to pictures lead."""
    return Page("files", PATH, _show, takes_rest=True)


def file_url(services: Services, link: str) -> str:
    """A link as others open it."""
    return public_url_of(services.config) + link


async def _show(services: Services, scope: Mapping[str, Any]) -> Shown:
    try:
        opened = await _open(services, scope)
    except Refusal as refusal:
        status, body, headers = encode_refusal(refusal, services.texts)
        return Shown(body, status, headers=headers)
    headers = [
        (b"cache-control", f"private, max-age={opened.left_s}".encode()),
        (b"content-disposition", b"inline"),
        _POLICY,
    ]
    return Shown(opened.content, content_type=opened.content_type.encode("ascii"), headers=headers)


async def _open(services: Services, scope: Mapping[str, Any]) -> evidence.OpenedPicture:
    asked = parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=10)
    if any(len(values) > 1 for values in asked.values()):
        raise evidence.file_not_found()
    expires, signature = (asked.get(name, [""])[0] for name in ("expires", "signature"))
    link = evidence.read_link(rest_of(scope), expires, signature)
    if link is None:
        raise evidence.file_not_found()
    return await evidence.open_picture(services.rt, services.blobs, link)
