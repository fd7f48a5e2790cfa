"""One run of the program: streams, signals, errors into messages, exit codes."""

import errno
import io
import os
import sys
from typing import Any, Final

import typer

from app.engine.halt import Halt
from app.errors import AllybinError, Fault, InputRefused

NO_PLAN: Final = 4
FAILED: Final = 1

# Base of all errors of usage; where typer keeps the class changes with its version.
_ClickException = typer.BadParameter.__mro__[2]


def run_process(command: Any) -> None:
    """Run a typer command on this process's arguments and exit with its code."""
    halt = Halt()
    halt.install()
    _speak_utf8()
    try:
        code = run(command, sys.argv[1:], halt)
        sys.stdout.flush()
    except BrokenPipeError:
        code = 0  # the reader has what it wanted
        _silence(sys.stdout)
    except OSError as error:
        code = FAILED
        if error.errno == errno.EPIPE:
            code = 0
        else:
            _say(f"Standard output cannot be written: {error.strerror}.")
        _silence(sys.stdout)
    sys.exit(code)


def run(command: Any, arguments: list[str], halt: Halt) -> int:
    """Run a typer command; say on standard error what went wrong; return the code."""
    from app.export.errors import OutputRefused
    from optimizer.errors import (
        FiguresTooLarge,
        NoPlan,
        OptimizerError,
    )

    try:
        # Not command.main(): it would answer a closed pipe with an exit of its own.
        with command.make_context("allybin", arguments, obj=halt) as context:
            command.invoke(context)
    except typer.Exit as leaving:
        return int(leaving.exit_code)
    except _ClickException as error:  # type: ignore[misc]
        error.show()
        return int(error.exit_code)
    except InputRefused as refused:
        _say_refused(refused)
        return refused.exit_code
    except OutputRefused as refused:
        _say(str(refused))
        return refused.exit_code
    except AllybinError as error:
        _say(str(error))
        return error.exit_code
    except NoPlan as error:
        for message in error.faults:
            _say(str(Fault(file="rulings", code="limits", message=message)))
        return NO_PLAN
    except FiguresTooLarge as error:
        _say(str(Fault(file="policy", code="rate", message=str(error))))
        return InputRefused.exit_code
    except OptimizerError as error:
        _say(str(error))
        return FAILED
    except MemoryError:
        _say("There is not enough memory for this batch.")
        return FAILED
    return 0


def _say_refused(refused: InputRefused) -> None:
    for fault in refused.faults:
        _say(str(fault))
    if refused.unlisted_rows:
        _say(f"{refused.unlisted_rows:,} more rows with faults are not listed.")
    if refused.bad_rows:
        _say(
            f"Nothing was used: {refused.bad_rows:,} rows have faults, "
            f"{refused.good_rows:,} have none."
        )


def _say(text: str) -> None:
    """Print a message; a standard error that is gone is no reason to fail."""
    try:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()
    except OSError:
        _silence(sys.stderr)


def _speak_utf8() -> None:
    """Write UTF-8 whatever the locale, and nowhere when a stream is closed."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, io.TextIOWrapper(_nowhere(), encoding="utf-8"))
        else:
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def _nowhere() -> io.BufferedWriter:
    return io.BufferedWriter(io.FileIO(os.devnull, "w"))


def _silence(stream: Any) -> None:
    """Point a stream at nothing, so that the interpreter's last flush says nothing."""
    descriptor = os.open(os.devnull, os.O_WRONLY)
    os.dup2(descriptor, stream.fileno())
    os.close(descriptor)
