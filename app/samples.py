"""Where the sample files are: in the installed package, or beside the source."""

from pathlib import Path

from app.errors import WrongUsage

_HERE = Path(__file__).resolve().parent


def samples_folder() -> Path:
    """Return the folder of the sample files."""
    installed = _HERE / "sample_requests"
    return installed if installed.is_dir() else _HERE.parent / "sample_requests"


def sample_names() -> tuple[str, ...]:
    """Return the names of the sample files, sorted."""
    return tuple(
        sorted(file.name for file in samples_folder().iterdir() if _is_sample(file))
    )


def sample_path(name: str) -> Path:
    """Return the path of one sample file.

    Raises ``WrongUsage`` with the names there are when ``name`` is none of them.
    """
    names = sample_names()
    if name not in names:
        raise WrongUsage(
            f"There is no sample named {name!r}; the samples are {', '.join(names)}."
        )
    return samples_folder() / name


def _is_sample(file: Path) -> bool:
    return file.is_file() and file.suffix in {".csv", ".json", ".xlsx"}
