import subprocess
import sys

import pytest

_SAY = (
    "import sys; {}; import optimizer.selection.model; print('ortools' in sys.modules)"
)


@pytest.mark.parametrize(
    ("before", "said"), [("pass", "False"), ("import ortools", "True")]
)
def test_or_tools_is_not_loaded_with_pulp_unless_it_was_before(tmp_path, before, said):
    solver = tmp_path / "ortools" / "sat" / "python"
    solver.mkdir(parents=True)
    (solver / "cp_model.py").touch()
    program = f"sys.path.insert(0, {str(tmp_path)!r}); {before}"
    ran = subprocess.run(
        [sys.executable, "-c", _SAY.format(program)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.strip() == said


def test_or_tools_can_be_imported_after_pulp_was(tmp_path):
    (tmp_path / "ortools.py").touch()
    program = f"sys.path.insert(0, {str(tmp_path)!r})"
    said = _SAY.format(program).replace("print(", "import ortools; print(")
    subprocess.run([sys.executable, "-c", said], check=True)
