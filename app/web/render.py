"""Templates, and the frame around every page."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import Response

from app.export import numbers
from app.use_cases import clock
from app.use_cases.access import Caller, Permission
from app.use_cases.decide import single_user
from app.use_cases.service import Service
from app.web import words
from app.web.checkpoint import last_checkpoint
from app.web.door import KEY, TOKEN, Visit
from app.web.links import with_query
from app.web.static_files import address_of


@dataclass(frozen=True, slots=True)
class Section:
    """A place of the navigation, for who may go there."""

    path: str
    name: str
    permission: Permission


SECTIONS: Final = (
    Section("/", "Home", Permission.SEE_HOME),
    Section("/requests", "Requests", Permission.READ_REQUESTS),
    Section("/batches", "Batches", Permission.READ_REQUESTS),
    Section("/batches/new", "Send", Permission.SEND),
    Section("/proposals", "Proposals", Permission.READ_PROPOSALS),
    Section("/policies", "Policies", Permission.READ_POLICIES),
    Section("/audit", "Audit", Permission.READ_AUDIT),
    Section("/keys", "Keys", Permission.READ_KEYS),
)
"""The navigation, in its order. A new page that belongs here adds a line."""


@cache
def environment() -> Environment:
    """Return the templates, with the filters they use."""
    made = Environment(
        loader=PackageLoader("app.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        days=numbers.days,
        exact_days=numbers.decimal_text,
        signed_days=numbers.signed_days,
        whole=numbers.whole,
        signed_whole=numbers.signed_whole,
        percent=numbers.percent,
        usd=words.usd,
        short_usd=words.short_usd,
        weekday=words.weekday,
        moment=words.moment,
        second=words.second,
        warning=words.warning,
    )
    made.globals.update(
        counted=numbers.counted,
        static=address_of,
        words=words,
        proof=words.proof,
        Permission=Permission,
        token_name=TOKEN,
        key_name=KEY,
        form_key=lambda: str(uuid.uuid4()),
        with_query=with_query,
    )
    return made


def draw(visit: Visit, template: str, status: int = 200, **said: Any) -> Response:
    """Return a page, or a part of one, for whoever visits."""
    return _html(template, status, frame(visit.service, visit.caller, visit) | said)


def draw_apart(
    service: Service,
    template: str,
    status: int = 200,
    *,
    caller: Caller | None = None,
    **said: Any,
) -> Response:
    """Return a page outside of any visit: to sign in, or to say what is wrong."""
    return _html(template, status, frame(service, caller, None) | said)


def frame(
    service: Service, caller: Caller | None, visit: Visit | None
) -> dict[str, Any]:
    """Return what the frame of every page says."""
    alone, signed = False, None
    if caller is not None:
        with service.reading() as connection:
            alone = single_user(service, connection)
        if caller.reads_bins:  # others learn nothing of how much others do
            signed = last_checkpoint(service.settings.checkpoints)
    return {
        "me": caller,
        "path": "" if visit is None else visit.request.url.path,
        "sections": [
            one for one in SECTIONS if caller is not None and caller.may(one.permission)
        ],
        "single_user": alone,
        "checkpoint": signed,
        "today": clock.today().isoformat(),
        "form_token": "" if caller is None else caller.form_token or "",
    }


def _html(template: str, status: int, said: Mapping[str, Any]) -> Response:
    text = environment().get_template(template).render(said)
    return Response(text, status, media_type="text/html; charset=utf-8")
