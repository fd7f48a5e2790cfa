"""Make the folders of third-party browser files again, from packages of npm.

Needs npm. Every package is named with its version and the SHA-256 of its archive; an
archive that differs is refused. ``python scripts/vendor.py`` writes the files, their
licences and the README that lists them.
"""

import hashlib
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
PAGES: Final = ROOT / "app/web/static/vendor"
TESTS: Final = ROOT / "tests/web/vendor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A package, and which of its files are taken."""

    name: str
    version: str
    sha256: str
    licence: str
    files: tuple[str, ...]
    why: str
    licences: tuple[str, ...] = ("LICENSE",)
    folder: Path = PAGES


PACKAGES: Final = (
    Package(
        name="htmx.org",
        version="4.0.1",
        sha256="5fba65616ca148a86d377e9771bcada7f35faee3558651feb929eea425e13b3c",
        licence="0BSD",
        files=("dist/htmx.min.js",),
        why="parts of pages without loading the whole page",
    ),
    Package(
        name="vega",
        version="6.4.0",
        sha256="3521fb6ff68a94a40323954f0ba4484ba4014b157bfd37f89a3b063082320c42",
        licence="BSD-3-Clause",
        files=("build/vega.min.js",),
        why="draws charts",
    ),
    Package(
        name="vega-lite",
        version="6.5.0",
        sha256="811230a6bfd2cdbfc359d0c38f624a90df86657b7f251b67be88bcc4eee32b7f",
        licence="BSD-3-Clause",
        files=("build/vega-lite.min.js",),
        why="says charts in few words",
    ),
    Package(
        name="vega-interpreter",
        version="2.3.2",
        sha256="b83489633c1320e9d6f839781f0c84c661a5ca2666fe38cb83f7c52a531fffec",
        licence="BSD-3-Clause",
        files=("build/vega-interpreter.js",),
        why="lets charts run without eval, which our pages forbid",
    ),
    Package(
        name="cytoscape",
        version="3.34.4",
        sha256="0d02363d99d805ce8d91fdecab7b2a8cb91ee280d67f309ce44c161d117b4679",
        licence="MIT",
        files=("dist/cytoscape.min.js",),
        why="draws graphs",
    ),
    Package(
        name="d3-array",
        version="3.2.5",
        sha256="90139c20a9a7678badb0ddeb9aafd504c935dc24f5a53c3e61ccf866e4479572",
        licence="ISC",
        files=("dist/d3-array.min.js",),
        why="d3-geo needs it",
    ),
    Package(
        name="d3-geo",
        version="3.1.2",
        sha256="e0ffa43f5a2134cf03d2797e985025250d8d3608b1d90336938c9dd4d4b97dc7",
        licence="ISC",
        files=("dist/d3-geo.min.js",),
        why="projects the map",
    ),
    Package(
        name="topojson-client",
        version="3.1.0",
        sha256="889fadb422f6236d0f8337a236ce6499f258b75e44b81733b13bd971067322bf",
        licence="ISC",
        files=("dist/topojson-client.min.js",),
        why="unpacks the countries of the map",
    ),
    Package(
        name="world-atlas",
        version="2.0.2",
        sha256="032e7765f2ce00edaeafec23ff22bc3b77e42987c257da944cc585b452c05b97",
        licence="ISC; the shapes are Natural Earth's, in the public domain",
        files=("countries-50m.json",),
        why="the countries of the map",
    ),
    Package(
        name="axe-core",
        version="4.14.1",
        sha256="e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745",
        licence="MPL-2.0",
        files=("axe.min.js",),
        why="tests that pages can be used by everybody; it is not served",
        licences=("LICENSE", "LICENSE-3RD-PARTY.txt"),
        folder=TESTS,
    ),
)


def main() -> None:
    """Fetch every package, check it and write what is taken of it."""
    with tempfile.TemporaryDirectory() as folder:
        for package in PACKAGES:
            _unpack(package, _fetch(package, Path(folder)))
    for folder in (PAGES, TESTS):
        (folder / "README.md").write_text(_readme(folder), encoding="utf-8")


def _fetch(package: Package, folder: Path) -> Path:
    wanted = f"{package.name}@{package.version}"
    done = subprocess.run(
        ["npm", "pack", "--silent", wanted],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    archive = folder / done.stdout.strip().splitlines()[-1]
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    if digest != package.sha256:
        raise SystemExit(f"{wanted} has SHA-256 {digest}, not {package.sha256}.")
    return archive


def _unpack(package: Package, archive: Path) -> None:
    package.folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as files:
        for name in package.files:
            content = _read(files, name)
            if package.name == "vega-interpreter":
                # The package is a module of Node; beside vega.min.js, which holds all
                # of vega-util, this file of ours hands it what it asks for.
                content = content.replace(b"'vega-util'", b"'../vega-util.js'")
            # What a source map's address would load is not shipped.
            lines = content.splitlines(keepends=True)
            kept = [one for one in lines if not one.startswith(b"//# sourceMappingURL")]
            (package.folder / Path(name).name).write_bytes(b"".join(kept))
        for name in package.licences:
            target = package.folder / f"{package.name}.{Path(name).stem}.txt"
            target.write_bytes(_read(files, name))


def _read(files: tarfile.TarFile, name: str) -> bytes:
    found = files.extractfile(f"package/{name}")
    assert found is not None, name
    return found.read()


def _readme(folder: Path) -> str:
    lines = [
        "# Third-party browser files",
        "",
        "Made by `python scripts/vendor.py` from packages of npm, unchanged but for "
        "the address of",
        "vega-util in vega-interpreter.js and lines that name source maps. The licence "
        "of each stands beside it.",
        "",
        "| package | version | files | licence | for |",
        "| --- | --- | --- | --- | --- |",
    ]
    for one in PACKAGES:
        if one.folder == folder:
            files = ", ".join(f"`{Path(name).name}`" for name in one.files)
            lines.append(
                f"| {one.name} | {one.version} | {files} | {one.licence} | {one.why} |"
            )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
