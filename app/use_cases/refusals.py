"""Why a call is not carried out, as a small tree; nothing here knows HTTP but a number.

::

    Refusal
    ├── NotThere        no such thing, or none the caller may know of       404
    ├── NotAllowed      the caller's roles do not give it                   403
    ├── NotKnown        no credential, or one that does not count           401
    ├── Conflict        it goes against what is stored                      409
    ├── SomeoneWasFirst it was made on a version that is not the last       412
    ├── NotAcceptable   it was understood and is wrong                      422
    ├── VersionMissing  it has to say which version it was made on          428
    └── Busy            not now; try again later                            503

Details are full sentences for the caller; nothing of another customer is in them.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar


class Refusal(Exception):
    """A call that is not carried out; says why, and what would be."""

    status: ClassVar[int] = 400
    title: ClassVar[str] = "Refused"
    code: ClassVar[str] = "refused"

    def __init__(
        self,
        detail: str,
        *,
        errors: Sequence[Mapping[str, Any]] = (),
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = tuple(errors)
        self.extra = dict(extra or {})


class NotThere(Refusal):
    """No such thing, or it is another's: the two look the same."""

    status = 404
    title = "Not there"
    code = "not-there"

    def __init__(self, thing: str = "thing") -> None:
        super().__init__(f"There is no such {thing}.")


class NotAllowed(Refusal):
    """The caller's roles do not give it."""

    status = 403
    title = "Not allowed"
    code = "not-allowed"


class NotKnown(Refusal):
    """No credential, or one that does not count; never says which."""

    status = 401
    title = "Not signed in"
    code = "not-signed-in"

    def __init__(self) -> None:
        super().__init__("A valid API key or a signed-in session is needed.")


class Conflict(Refusal):
    """It goes against what is stored."""

    status = 409
    title = "Conflict"
    code = "conflict"


class SomeoneWasFirst(Refusal):
    """It was made on a version that is not the last one."""

    status = 412
    title = "Someone was first"
    code = "stale-version"

    def __init__(self, thing: str, *, current: int) -> None:
        super().__init__(
            f"The {thing} is at version {current} by now. Read it again, and decide "
            "whether what you wanted still holds.",
            extra={"current_version": current},
        )


class NotAcceptable(Refusal):
    """It was understood, and is wrong."""

    status = 422
    title = "Not acceptable"
    code = "not-acceptable"


class VersionMissing(Refusal):
    """It has to say which version it was made on."""

    status = 428
    title = "Version missing"
    code = "version-missing"

    def __init__(self, thing: str) -> None:
        super().__init__(
            f"Say with If-Match which version of the {thing} this was made on: "
            'its ETag, such as "3".'
        )


class Busy(Refusal):
    """Not now; try again later."""

    status = 503
    title = "Busy"
    code = "busy"
