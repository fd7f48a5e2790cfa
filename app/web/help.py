"""What helps to use the pages: a list of the keys of the keyboard."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from app.use_cases.access import Permission
from app.web.door import Sees, Visit
from app.web.render import draw
from app.web.route import PageRoute

router = APIRouter(route_class=PageRoute)


@router.get("/shortcuts")
def get_shortcuts(
    visit: Annotated[Visit, Depends(Sees(Permission.SEE_HOME))],
) -> Response:
    """List the keys that the visitor's pages know."""
    name = "shortcuts_part.html.j2" if visit.in_part else "shortcuts.html.j2"
    return draw(visit, name)
