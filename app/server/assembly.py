"""Everything a running service is made of, begun and ended in the right order."""

import gc

from app.audit.witness import Witness
from app.jobs.desk import Desk
from app.server.main import build, prepare
from app.server.run import serve
from app.server.worker import Crew
from app.settings import Settings


def run_service(settings: Settings) -> None:
    """Serve until told to stop.

    Raises
    ------
    AllybinError
        When the store cannot be used or the address not be listened on.
    """
    service, first_key = prepare(settings)
    desk = Desk(memory_mib=settings.solver_memory_mib)
    witness = Witness(service.database, settings.checkpoints)
    service.after_change = witness.noticed
    service.unsigned = lambda: witness.failed
    try:
        crew = Crew(service, desk, settings)
        desk.start()
        witness.start()
        built = build(settings, service, crew, desk, first_key=first_key)
        gc.freeze()  # it all stays: no page need wait while it is looked over
        serve(
            built.app,
            settings,
            announce=lambda address: _welcome(address, first_key),
            stopping=built.api.state.stopping,
        )
    finally:
        witness.stop()
        desk.close()
        service.database.close()


def _welcome(address: str, first_key: str | None) -> str:
    if first_key is None:
        return f"allybin serves at {address}"
    return (
        f"allybin serves at {address}\n"
        f"This first start made a key for one person with every role: {first_key}\n"
        "It is shown only here. Single-user mode: the two-person rule is off until\n"
        "there is a second analyst or approver."
    )
