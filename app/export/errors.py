"""What can go wrong while results are written.

::

    OutputRefused   a result file exists, is an input, or cannot be written
"""


class OutputRefused(Exception):
    """No result was written; the message is a sentence that says why.

    ``exit_code`` is 2 when the caller can decide otherwise (name another folder, or
    allow overwriting with ``--force``), 1 when the folder cannot be written.
    """

    def __init__(self, message: str, *, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code
