"""What is begun once a page was sent, because its reader is likely to ask for it."""

from starlette.background import BackgroundTask
from starlette.responses import Response

from app.use_cases import pricing
from app.web.door import Visit


def priced_soon(visit: Visit, proposal_id: str, page: Response) -> Response:
    """Return a page that leads to prices; the plan is brought at hand after it."""
    page.background = BackgroundTask(
        pricing.bring,
        visit.service,
        visit.request.app.state.desk,
        visit.caller,
        proposal_id,
    )
    return page
