"""An operator's folder: read it, see what it would change, make the store match it.

`read_folder` finds every fault, `plan_folder` says what would happen, `apply_folder` does it in one transaction.
"""

from isotope.provisioning.apply import Applied, OnProgress, PlanOutdatedError, apply_folder, plan_folder
from isotope.provisioning.faults import FileFault, FolderRefused
from isotope.provisioning.folder import Folder, read_folder
from isotope.provisioning.plan import Action, Change, FieldChange, Kind, Plan, make_plan

__all__ = [
    "Action",
    "Applied",
    "Change",
    "FieldChange",
    "FileFault",
    "Folder",
    "FolderRefused",
    "Kind",
    "OnProgress",
    "Plan",
    "PlanOutdatedError",
    "apply_folder",
    "make_plan",
    "plan_folder",
    "read_folder",
]
