"""The data dictionary names every field, column, key, code, command and option."""

import ast
import inspect
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
from openpyxl import load_workbook

from app.catalogue import customer_flags
from app.cli import app as command_line
from app.errors import FaultCode
from app.intake.records import PRECEDENTS, REQUESTS
from app.policies import policy_text, shipped_policies
from app.policies import tables as policy_tables
from app.policies.tables import KEYS
from app.samples import sample_path
from optimizer.batch import Agency, Document, Priority
from optimizer.certificate import Certificate, Fine, OnNumber, OnPair, Proof
from optimizer.certify.reading import plain
from optimizer.compatibility import RULES
from optimizer.policy import (
    AgencyRule,
    RegionRule,
    SystemRule,
    Trigger,
    Unit,
)
from optimizer.proposal import findings, reasons
from optimizer.rulings import RulingKind
from optimizer.verify import verify
from tests.documents import (
    MARKED,
    allybin,
    page,
    table_with,
    tables,
)

DICTIONARY = "docs/data-dictionary.md"


@cache
def section(title: str) -> str:
    """Return a section of the data dictionary, its subsections included."""
    text = page(DICTIONARY)
    match = re.search(rf"^(#+) {re.escape(title)}$", text, re.MULTILINE)
    assert match, title
    rest = text[match.end() :]
    end = re.search(rf"^#{{1,{len(match[1])}}} ", rest, re.MULTILINE)
    return rest[: end.start()] if end else rest


def marked(title: str) -> set[str]:
    """Return what a section of the data dictionary marks as code."""
    return {text.replace("\\|", "|") for text in MARKED.findall(section(title))}


# --- the data dictionary: what goes in ---------------------------------------------


def test_every_request_column_is_documented_in_its_order() -> None:
    rows = table_with(section("Requests"), "column", "unit or form")

    assert [row["column"] for row in rows] == list(REQUESTS.fields)
    assert {r["column"] for r in rows if r["default"] == "required"} == (
        REQUESTS.required
    )


def test_every_precedent_column_is_documented() -> None:
    rows = table_with(section("Precedents"), "column", "unit or form")

    assert [row["column"] for row in rows] == list(PRECEDENTS.fields)


def test_every_word_a_request_may_use_is_documented() -> None:
    words = {str(word) for kind in (Agency, Document, Priority) for word in kind}

    assert words <= {
        word for text in marked("Requests") for word in (text, *text.split())
    }


def test_every_kind_of_ruling_is_documented() -> None:
    rows = table_with(section("Rulings"), "key", "form")

    assert [row["key"] for row in rows] == ["kind", "request_ids"]
    assert set(rows[0]["range"].split()) == set(RulingKind)


def policy_keys() -> set[str]:
    """Return every key the policy reader knows: what its ``only`` calls allow."""
    keys: set[str] = {*Priority, *Unit, *KEYS}
    for node in ast.walk(ast.parse(inspect.getsource(policy_tables))):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "only":
            keys |= {
                inner.value
                for inner in ast.walk(node)
                if isinstance(inner, ast.Constant) and isinstance(inner.value, str)
            }
    rates = ("bin", "customer_beyond_first")
    return keys | {rate + end for rate in rates for end in ("", "_low", "_high")}


def test_every_policy_key_is_documented() -> None:
    documented = {part for text in marked("Policy") for part in text.split(".")}

    assert len(policy_keys()) > 40
    assert sorted(policy_keys() - documented) == []


def documented_paths() -> set[str]:
    rows = table_with(section("Policy"), "key", "unit or form")
    return {path for row in rows for path in row["key"].split()}


@pytest.mark.parametrize("name", shipped_policies())
def test_every_key_of_a_shipped_policy_is_documented_by_its_path(name: str) -> None:
    def paths(value: object, path: str) -> Iterator[str]:
        if isinstance(value, dict) and not path.startswith("stage.effort"):
            for key, inner in value.items():
                yield from paths(inner, f"{path}.{key}" if path else key)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for inner in value:
                yield from paths(inner, path)
        else:
            yield path

    found = set(paths(tomllib.loads(policy_text(name)), ""))
    assert sorted(found - documented_paths()) == []


def test_no_policy_key_is_documented_that_the_reader_refuses() -> None:
    known = policy_keys()

    for path in documented_paths():
        assert set(path.split(".")) <= known, path


@pytest.mark.parametrize(
    "words", [SystemRule, RegionRule, AgencyRule, Trigger, Unit, customer_flags()]
)
def test_every_word_a_policy_may_use_is_documented(words: frozenset[str]) -> None:
    assert {str(word) for word in words} <= marked("Policy")


# --- the data dictionary: what comes out --------------------------------------------


KEYED_BY_IDS = {
    "effort_by_stage",
    "baseline_effort_by_stage",
    "solo_effort_by_stage",
    "wait_days",
    "solo_forecast_on",
    "days_gained",
    "fair_share",
    "extra_columns",
}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Propose for the dozen and one more, so that every field occurs.

    With EST-22-02 the one more is a split purchase; a column is kept, rulings stand.
    """
    folder = tmp_path_factory.mktemp("results")
    text = sample_path("baltic-rocket-artillery.csv").read_text(encoding="utf-8")
    more = "EST-22-04,EST,GMLRS,M30A2 pod,2022-03-14,60000000,,20000000,routine,LOA,"
    header, *rows = [*text.splitlines(), more]
    kept = [f"{header},desk", *(f"{row},{number}" for number, row in enumerate(rows))]
    (folder / "batch.csv").write_text("\n".join(kept) + "\n", encoding="utf-8")
    run = allybin(
        *("propose", "batch.csv", "--keep-extra-columns", "--as-of", "2022-03-01"),
        *("--rulings", str(sample_path("rulings.json")), "--out", "out"),
        folder=folder,
    )
    assert run.returncode == 0, run.stderr
    return folder / "out"


def field_paths(value: object, path: str = "") -> Iterator[str]:
    """Yield the paths of a document, as the dictionary writes them."""
    if isinstance(value, Mapping):
        if path.rpartition(".")[2] in KEYED_BY_IDS:
            yield f"{path}{{}}"
            return
        if path.endswith("joint_case"):
            yield path
        for key, inner in value.items():
            yield from field_paths(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for inner in value or [None]:
            yield from field_paths(inner, f"{path}[]")
    else:
        yield path


def documented_fields() -> set[str]:
    rows = table_with(section("proposal.json"), "field", "type", "meaning")
    return {field for row in rows for field in row["field"].split()}


def test_every_field_of_a_proposal_is_documented_and_no_other(results: Path) -> None:
    document = json.loads((results / "proposal.json").read_text(encoding="utf-8"))
    document.pop("certificate", None)
    found = set(field_paths(document))
    documented = {f for f in documented_fields() if not f.startswith("certificate")}

    empty = {path for path in found if path.endswith("[]")} - documented
    assert all(any(d.startswith(path) for d in documented) for path in empty)
    assert found - empty == documented


def test_every_field_of_a_certificate_is_documented_and_no_other() -> None:
    fine = Fine(positions=(0, 1, 2), penalty=1)
    proof = Proof(duals=(1, 2, 3), fines=(fine,))
    steps = (OnPair(first=0, second=1), OnNumber(most=2), proof, proof, proof)
    part = Certificate(positions=(0, 1, 2), steps=steps, bound=1)
    found = set(field_paths(plain([part], "ABC"), "certificate"))

    inner = "certificate[].steps[].fines[][]"  # the row on fines[] tells of it
    assert inner in found
    assert found - {inner} | {inner[:-2]} == {
        field for field in documented_fields() if field.startswith("certificate")
    }


def test_every_column_of_bins_csv_is_documented(results: Path) -> None:
    header = (results / "bins.csv").read_text(encoding="utf-8").splitlines()[0]
    rows = table_with(section("bins.csv"), "column", "meaning")

    documented = {name for row in rows for name in row["column"].split()}
    assert documented == set(header.split(",")) - {"desk"}


def test_every_sheet_and_column_of_the_workbook_is_documented(results: Path) -> None:
    book = load_workbook(results / "proposal.xlsx")
    found = {
        (sheet.title, str(cell.value))
        for sheet in book.worksheets
        for cell in sheet[1]
        if cell.value is not None and sheet.title != "Requests"
    }

    text = section("proposal.xlsx")
    rows = table_with(text, "sheet", "one row is")
    assert {row["sheet"] for row in rows} == set(book.sheetnames)
    documented = set()
    for line in text.splitlines():
        cells = line.split(" | ")
        if len(cells) == 3 and cells[0].startswith("| `"):
            (sheet,) = MARKED.findall(cells[0])
            documented |= {(sheet, name) for name in MARKED.findall(cells[1])}
    assert documented == found


# --- codes ---------------------------------------------------------------------------


def test_every_rule_is_documented() -> None:
    codes = [code for code, _ in RULES]
    (explained,) = (
        table
        for table in tables(page("docs/how-it-decides.md"))
        if "the two may share when" in table[0]
    )

    assert [row["code"] for row in explained] == codes
    assert set(codes) <= marked("Rule codes")


def test_every_warning_is_documented() -> None:
    codes = [code for code, _ in findings._WARNINGS]
    rows = table_with(section("Warning codes"), "code", "meaning")

    assert [r["code"] for r in rows] == ["joint_sum_crosses_threshold", *codes]


def test_every_reason_is_documented() -> None:
    source = inspect.getsource(reasons)
    codes = set(re.findall(r'Reason\(\s*code="(\w+)"', source))
    rows = table_with(section("Reason codes"), "code", "meaning")

    assert {row["code"] for row in rows} | {"category"} == codes


def test_every_fault_is_documented() -> None:
    assert set(FaultCode) <= marked("Fault codes")


def test_every_verification_code_is_documented() -> None:
    folder = Path(inspect.getfile(verify)).parent
    source = "".join(f.read_text(encoding="utf-8") for f in folder.glob("*.py"))
    codes = set(re.findall(r'report\.add\(\s*[^,"]*(?:"[^"]*")?,\s*"(\w+)"', source))

    assert {"partition", "limits", "bound", "shape"} <= codes
    assert codes <= marked("Verification codes")


# --- commands ------------------------------------------------------------------------


def commands() -> Iterator[tuple[str, Any]]:
    """Yield every command by its whole name."""

    def walk(command: Any, name: str) -> Iterator[tuple[str, Any]]:
        inner = getattr(command, "commands", None)
        if inner is None:
            yield name, command
            return
        for key, one in inner.items():
            yield from walk(one, f"{name} {key}")

    yield from walk(typer.main.get_command(command_line), "allybin")


def test_every_command_is_documented() -> None:
    documented = " ".join(marked("Commands"))

    for name, _ in commands():
        assert name in documented, name
        assert name in page("README.md"), name


def test_every_option_is_documented_with_its_commands() -> None:
    rows = table_with(section("Commands"), "option", "of", "default")
    of = {
        option: set(re.split(r",\s*", row["of"]))
        for row in rows
        for option in re.findall(r"--[a-z-]+", row["option"])
    }
    used: dict[str, set[str]] = {}
    for name, command in commands():
        for parameter in command.params:
            for option in parameter.opts:
                if option.startswith("--"):
                    used.setdefault(option, set()).add(name.split()[1])

    assert {option: names for option, names in of.items() if option in used} == {
        option: names for option, names in used.items() if option != "--help"
    }
    assert of.keys() - used.keys() <= {"--help", "--version"}
