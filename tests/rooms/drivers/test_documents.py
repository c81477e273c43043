"""Papers: shown by drivers, judged by staff, needed to work."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from msgspec.structs import replace

from isotope.adapters.blobs import FolderBlobs
from isotope.domain.drivers import (
    DocumentStatus,
    DriverDocument,
    DriverDocumentId,
    DriverStatus,
    ReviewDocument,
    StaffListDocuments,
    UploadDocument,
    find_state,
    forget_documents,
    read_documents,
    read_driver,
    rest_drivers,
    review_document,
    set_busy,
    staff_list_documents,
    upload_document,
)
from isotope.domain.drivers.rules import MOST_PENDING, MOST_SILENCE
from isotope.domain.evidence import Image, PictureOf, Shows, drop_unused_images, keep_images, sweep_pictures
from isotope.domain.tenants.model import Role, Settings
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import Actor
from isotope.kernel.errors import Refusal
from tests.kit.clock import SettableClock
from tests.kit.drivers import DriverKit, make_driver
from tests.kit.tenants import make_operator

SETTINGS = Settings()
PAPERS = replace(SETTINGS, taxi=replace(SETTINGS.taxi, documents=("licence", "permit")))
TODAY = date(2026, 6, 1)
BY = Actor("staff:1")


@dataclass(frozen=True, slots=True)
class Desk:
    """A driver with papers, and staff who look at them."""

    rt: Runtime
    dora: DriverKit
    blobs: FolderBlobs
    folder: Path

    async def show(
        self, kind: str = "licence", expires_on: date | None = None, pages: int = 1, content: bytes = b"page"
    ) -> DriverDocument:
        operator = self.dora.operator
        images = [Image(content + bytes([nr]), "image/jpeg", digest=bytes([nr]) * 32) for nr in range(pages)]
        kept = await keep_images(self.rt, self.blobs, operator.id, images, Shows(PictureOf.DOCUMENT))
        try:
            return await upload_document(
                self.rt,
                UploadDocument(operator=operator, driver_id=self.dora.id, kind=kind, expires_on=expires_on, pages=kept),
            )
        finally:
            await drop_unused_images(self.rt, self.blobs, operator.id, kept)

    async def judge(
        self,
        document_id: DriverDocumentId,
        *,
        approve: bool = True,
        expires_on: date | None = None,
        reason: str | None = None,
        role: Role = Role.SUPPORT,
    ) -> DriverDocument:
        return await review_document(
            self.rt,
            ReviewDocument(
                operator=self.dora.operator,
                role=role,
                actor=BY,
                document_id=document_id,
                approve=approve,
                expires_on=expires_on,
                reason=reason,
            ),
        )

    async def missing(self) -> tuple[str, ...]:
        return (await read_driver(self.rt, self.dora.operator, self.dora.id)).missing

    async def statuses(self) -> list[str]:
        found = await read_documents(self.rt, self.dora.operator.id, self.dora.id)
        return [f"{one.document.kind}:{one.document.status}" for one in found]

    async def is_online(self) -> bool:
        async with self.rt.db.read() as tx:
            state = await find_state(tx, self.dora.operator.id, self.dora.id)
        return state is not None and state.is_online

    def files(self) -> int:
        return sum(path.is_file() for path in self.folder.rglob("*"))


@pytest_asyncio.fixture
async def desk(rt: Runtime, tmp_path: Path) -> AsyncIterator[Desk]:
    operator = (await make_operator(rt, settings=PAPERS)).operator
    yield Desk(rt, await make_driver(rt, operator), FolderBlobs(tmp_path), tmp_path)


async def test_who_lacks_papers_does_not_work(desk: Desk) -> None:
    with pytest.raises(Refusal, match="driver_documents_needed") as refused:
        await desk.dora.go_online()
    assert refused.value.details == {"kinds": ["licence", "permit"]}
    licence, permit = await desk.show("licence", pages=2), await desk.show("permit")
    assert await desk.missing() == ("licence", "permit"), "staff have not looked"
    await desk.judge(licence.id)
    assert await desk.missing() == ("permit",)
    await desk.judge(permit.id)
    assert (await desk.dora.go_online()).is_online


async def test_the_last_day_counts(desk: Desk, clock: SettableClock) -> None:
    licence, permit = await desk.show("licence", TODAY + timedelta(days=1)), await desk.show("permit")
    await desk.judge(permit.id)
    # Staff read another day than the driver said.
    assert (await desk.judge(licence.id, expires_on=TODAY)).expires_on == TODAY
    # 23:59 in Helsinki.
    clock.advance(hours=8, minutes=59)
    assert await desk.missing() == ()
    clock.advance(minutes=1)
    assert await desk.missing() == ("licence",)


async def test_what_has_run_out_is_neither_shown_nor_approved(desk: Desk, clock: SettableClock) -> None:
    with pytest.raises(Refusal, match="validation_failed"):
        await desk.show(expires_on=TODAY - timedelta(days=1))
    shown = await desk.show(expires_on=TODAY)
    clock.advance(days=1)
    with pytest.raises(Refusal, match="validation_failed"):
        await desk.judge(shown.id)
    assert (await desk.judge(shown.id, expires_on=TODAY + timedelta(days=9))).status is DocumentStatus.APPROVED


async def test_a_newer_one_takes_the_place_once_it_is_approved(desk: Desk) -> None:
    first = await desk.show()
    await desk.judge(first.id)
    second = await desk.show()
    assert await desk.statuses() == ["licence:PENDING", "licence:APPROVED"]
    assert await desk.missing() == ("permit",), "what counted goes on"
    third = await desk.show()
    assert await desk.statuses() == ["licence:PENDING", "licence:REPLACED", "licence:APPROVED"]
    with pytest.raises(Refusal, match="driver_document_reviewed"):
        await desk.judge(second.id)
    await desk.judge(third.id)
    assert await desk.statuses() == ["licence:APPROVED", "licence:REPLACED", "licence:REPLACED"]


async def test_a_rejection_says_why(desk: Desk) -> None:
    shown = await desk.show()
    for reason in (None, " "):
        with pytest.raises(Refusal, match="validation_failed"):
            await desk.judge(shown.id, approve=False, reason=reason)
    rejected = await desk.judge(shown.id, approve=False, reason="Blurred")
    assert (rejected.status, rejected.reason) == (DocumentStatus.REJECTED, "Blurred")
    with pytest.raises(Refusal, match="driver_document_reviewed"):
        await desk.judge(shown.id)


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.READ_ONLY])
async def test_papers_are_personal(desk: Desk, role: Role) -> None:
    shown = await desk.show()
    with pytest.raises(Refusal, match="role_not_allowed"):
        await desk.judge(shown.id, role=role)
    with pytest.raises(Refusal, match="role_not_allowed"):
        await staff_list_documents(
            desk.rt,
            StaffListDocuments(operator=desk.dora.operator, role=role, driver_id=None, after=None, limit=10),
        )


async def test_staff_see_what_waits(desk: Desk) -> None:
    dan = await make_driver(desk.rt, desk.dora.operator, name="Dan Driver")
    first = await desk.show("licence", pages=2)
    await Desk(desk.rt, dan, desk.blobs, desk.folder).show("licence")
    judged = await desk.show("permit")
    await desk.judge(judged.id)

    async def listed(**more: object) -> list[tuple[str, str, int]]:
        asked = {"driver_id": None, "after": None, "limit": 10} | more
        found = await staff_list_documents(
            desk.rt,
            StaffListDocuments(operator=desk.dora.operator, role=Role.OWNER, **asked),  # type: ignore[arg-type]
        )
        assert found is not None
        return [(one.driver_name, one.document.kind, len(one.pictures)) for one in found]

    assert await listed() == [("Dora Driver", "licence", 2), ("Dan Driver", "licence", 1)]
    assert await listed(after=first.id) == [("Dan Driver", "licence", 1)]
    assert await listed(driver_id=desk.dora.id) == [("Dora Driver", "permit", 1), ("Dora Driver", "licence", 2)]


async def test_only_so_many_wait(desk: Desk) -> None:
    for nr in range(MOST_PENDING):
        await desk.show(f"kind_{chr(ord('a') + nr)}")
    with pytest.raises(Refusal, match="too_many_driver_documents"):
        await desk.show("licence")
    await desk.show("kind_a")


async def test_a_store_that_is_away_keeps_no_document(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_args: object) -> None:
        raise OSError("away")

    monkeypatch.setattr(FolderBlobs, "put", away)
    with pytest.raises(Refusal, match="files_unavailable"):
        await desk.show()
    assert await desk.statuses() == []


async def test_who_may_not_work_any_more_goes_offline_after_the_trip(desk: Desk, clock: SettableClock) -> None:
    licence, permit = await desk.show("licence", TODAY), await desk.show("permit")
    await desk.judge(licence.id)
    await desk.judge(permit.id)
    await desk.dora.go_online()
    await rest_drivers(desk.rt)
    assert await desk.is_online()
    async with desk.rt.db.write() as tx:
        await set_busy(tx, desk.dora.operator.id, desk.dora.id)
    await desk.judge(permit.id, approve=False, reason="Withdrawn by the city")
    await rest_drivers(desk.rt)
    assert await desk.is_online(), "a trip is driven to its end"
    async with desk.rt.db.write() as tx:
        await tx.execute(
            "update driver_state set idle_since = %s where operator_id = %s",
            (clock.now(), desk.dora.operator.id),
        )
    await rest_drivers(desk.rt)
    assert not await desk.is_online()


@pytest.mark.parametrize("why", ["silent", "blocked", "vehicle"])
async def test_who_is_offline_by_itself(rt: Runtime, clock: SettableClock, tmp_path: Path, why: str) -> None:
    dora = await make_driver(rt, (await make_operator(rt)).operator)
    desk = Desk(rt, dora, FolderBlobs(tmp_path), tmp_path)
    await dora.go_online()
    clock.advance(seconds=MOST_SILENCE.total_seconds())
    await rest_drivers(rt)
    assert await desk.is_online()
    async with rt.db.write() as tx:
        if why == "blocked":
            sql = "update driver set status = %s where operator_id = %s and id = %s"
            await tx.execute(sql, (DriverStatus.BLOCKED, dora.operator.id, dora.id))
        if why == "vehicle":
            await tx.execute("delete from driver_vehicle where operator_id = %s", (dora.operator.id,))
    clock.advance(seconds=1 if why == "silent" else 0)
    await rest_drivers(rt)
    assert not await desk.is_online()


async def test_old_pictures_are_forgotten_of_what_counts_no_more(desk: Desk, clock: SettableClock) -> None:
    kept = await desk.show("licence", pages=2, content=b"first")
    await desk.judge(kept.id)
    rejected = await desk.show("permit", content=b"second")
    await desk.judge(rejected.id, approve=False, reason="Blurred")
    assert desk.files() == 3
    clock.advance(days=desk.dora.operator.settings.privacy.photo_days)
    await forget_documents(desk.rt)
    await sweep_pictures(desk.rt, desk.blobs)
    assert desk.files() == 3
    clock.advance(seconds=1)
    assert await forget_documents(desk.rt) >= 1
    await sweep_pictures(desk.rt, desk.blobs)
    assert desk.files() == 2, "what counts stays for as long as it does"
    assert await forget_documents(desk.rt) == 0
    [permit, licence] = await read_documents(desk.rt, desk.dora.operator.id, desk.dora.id)
    assert (len(permit.pictures), len(licence.pictures)) == (0, 2)
