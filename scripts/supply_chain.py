"""Hold the locks against security-floors.txt, or print what a lock ships.

``python scripts/supply_chain.py`` ends with 1 when a part is below its floor, is not
pinned to one version, or has no hash. It knows the floors and nothing else: it never
says that a lock was audited. ``python scripts/supply_chain.py sbom`` prints CycloneDX
of what runs in production, from the lock alone.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from packaging.version import Version

ROOT: Final = Path(__file__).resolve().parent.parent
FLOORS: Final = ROOT / "security-floors.txt"
LOCKS: Final = tuple(sorted(ROOT.glob("requirements*.lock")))
SHIPPED: Final = ROOT / "requirements-runtime.lock"

_PINNED: Final = re.compile(r"([a-z0-9._-]+)(?:\[[^]]*\])?==([^\s;]+)")
_HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a lock; ``version`` None where it is not pinned to one."""

    name: str
    version: str | None
    hashes: tuple[str, ...]


def floors(text: str) -> dict[str, Version]:
    """Return the lowest version of each part that may ship."""
    lines = (line.partition("#")[0].split() for line in text.splitlines())
    return {words[0]: Version(words[1]) for words in lines if words}


def parts(text: str) -> Iterator[Part]:
    """Yield the parts of a lock."""
    for block in re.split(r"\n(?=[^\s#])", "\n" + text):
        head = block.strip()
        if not head or head.startswith("#"):
            continue
        pinned = _PINNED.match(head)
        yield Part(
            name=pinned[1] if pinned else head.split()[0],
            version=pinned[2] if pinned else None,
            hashes=tuple(_HASH.findall(block)),
        )


def wrong(text: str, lowest: Mapping[str, Version]) -> Iterator[str]:
    """Yield a sentence for everything in a lock that may not ship."""
    for part in parts(text):
        if part.version is None:
            yield f"{part.name} is not pinned to one version."
            continue
        if not part.hashes:
            yield f"{part.name} {part.version} has no hash."
        floor = lowest.get(part.name)
        if floor is not None and Version(part.version) < floor:
            yield f"{part.name} {part.version} is below its floor, {floor}."


def sbom(text: str, version: str) -> dict[str, Any]:
    """Return what a lock ships, as CycloneDX 1.6."""
    components = [
        {
            "type": "library",
            "bom-ref": f"pkg:pypi/{part.name}@{part.version}",
            "name": part.name,
            "version": part.version,
            "purl": f"pkg:pypi/{part.name}@{part.version}",
        }
        for part in parts(text)
    ]
    product = {"type": "application", "name": "allybin", "version": version}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": product},
        "components": components,
    }


def main() -> int:
    """Print what is wrong, or the parts; return the code to end with."""
    if sys.argv[1:] == ["sbom"]:
        project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
        version = re.search(r'^version = "([^"]+)"', project, re.MULTILINE)
        made = sbom(
            SHIPPED.read_text(encoding="utf-8"), version[1] if version else "unknown"
        )
        sys.stdout.write(json.dumps(made, indent=1) + "\n")
        return 0
    lowest = floors(FLOORS.read_text(encoding="utf-8"))
    found = [
        f"{lock.name}: {sentence}"
        for lock in LOCKS
        for sentence in wrong(lock.read_text(encoding="utf-8"), lowest)
    ]
    for line in found:
        sys.stdout.write(f"{line}\n")
    if not found:
        sys.stdout.write(
            f"{len(LOCKS)} locks: every part is pinned with hashes, and none is below "
            "its floor. NOT AUDITED against any list of known vulnerabilities.\n"
        )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
