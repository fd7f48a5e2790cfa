"""Can the service be used, and how is it set up."""

from typing import Any, Final

from app.storage.errors import StoreError
from app.use_cases.decide import single_user
from app.use_cases.service import Service

UNSIGNED: Final = (
    "The last checkpoint of the audit trail could not be written: the log says why."
)


def readiness(
    service: Service,
    *,
    started: bool,
    stopping: bool,
    solver: str,
) -> dict[str, Any]:
    """Return whether calls can be carried out, why not, and what is in force.

    Parameters
    ----------
    solver
        What is known of the solver: one that is not sound stops solving alone.
    """
    said: dict[str, Any] = {"ready": False, "store": service.database.kind}
    said["solver"] = solver
    said["checkpoints"] = UNSIGNED if service.unsigned() else "written"
    if stopping or not started:
        said["reason"] = "The service stops." if stopping else "The service starts."
        return said
    try:
        with service.reading() as connection:
            said["single_user"] = single_user(service, connection)
        said["in_force"] = service.database.in_force()
    except StoreError as error:
        said["reason"] = str(error)
        return said
    if service.database.stopped is not None:
        said["reason"] = service.database.stopped
        return said
    if said["single_user"]:
        said["note"] = (
            "Single-user mode of a first local start: the two-person rule is off until "
            "there is a second analyst or approver."
        )
    said["ready"] = True
    return said
