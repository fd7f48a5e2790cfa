"""docs/openapi.json and docs/api.md are what the service says of itself."""

import importlib.util
import json
import re

from app.server.checkup import description
from tests.documents import ROOT, page


def test_the_pages_of_the_api_are_what_the_service_says() -> None:
    path = ROOT / "scripts" / "api_page.py"
    found = importlib.util.spec_from_file_location("api_page", path)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)

    for name, text in module.written(description()).items():
        assert page(f"docs/{name}") == text, "run scripts/api_page.py"


def test_every_call_has_a_name_a_sentence_and_its_errors() -> None:
    document = json.loads(page("docs/openapi.json"))
    names = []
    for path, calls in document["paths"].items():
        for method, call in calls.items():
            names.append(call["operationId"])
            assert call["description"].endswith("."), (method, path)
            if call["security"]:
                assert {"401", "403", "429"} <= set(call["responses"]), (method, path)
            for status, answer in call["responses"].items():
                assert answer["description"], (method, path, status)
                if status >= "400" and call["security"]:
                    (content,) = answer["content"].items()
                    assert content[0] == "application/problem+json"
                    assert content[1]["example"]["status"] == int(status)
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z_]+", name) for name in names)
