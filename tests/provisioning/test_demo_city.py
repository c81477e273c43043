from pathlib import Path

from isotope.infra.runtime import Runtime
from isotope.provisioning import apply_folder, plan_folder, read_folder

DEMO = Path(__file__).parents[2] / "src" / "isotope" / "demo_city"


async def test_the_demo_city_is_applied_and_applying_it_again_changes_nothing(rt: Runtime) -> None:
    folder = read_folder(DEMO, {})
    applied = await apply_folder(rt, folder)
    assert not applied.plan.is_empty
    assert not applied.made_keys
    again = await plan_folder(rt, folder)
    assert again.changes == ()
