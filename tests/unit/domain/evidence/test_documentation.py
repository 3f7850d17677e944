"""The page about evidence says what a report holds, and how to verify one without us."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.evidence_samples import completed_drill

from wavebreak.evidence import as_json, report

PAGE = (Path(__file__).parents[4] / "docs" / "evidence.md").read_text(encoding="utf-8")
REPORT = report(*completed_drill())


@pytest.mark.parametrize("field", REPORT)
def test_8_every_field_of_a_report_is_documented(field: str) -> None:
    table = PAGE.partition("## What a report holds")[2].partition("\n**")[0]
    assert re.search(rf"^\| [^|]*`{field}(\.\w+)?`", table, re.MULTILINE), field


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`([a-z]+(?:\[\])?(?:\.[a-zA-Z]+(?:\[\])?)+)`", PAGE))))
def test_8_every_field_that_answers_a_demand_exists(name: str) -> None:
    """`waves[].servers[].phases` names a field of a list's items."""
    found: object = REPORT
    for part in name.split("."):
        assert isinstance(found, dict), name
        assert part.removesuffix("[]") in found, name
        found = found[part.removesuffix("[]")]
        if part.endswith("[]"):
            assert isinstance(found, list)
            found = next(item for item in found if item)


@pytest.mark.parametrize(("change", "said"), [("", "True"), ("x", "False")])
def test_8_the_hash_can_be_computed_as_the_page_says(tmp_path: Path, change: str, said: str) -> None:
    (program,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    file = tmp_path / "report.json"
    file.write_text(as_json({**REPORT, "reason": f"{REPORT['reason']}{change}"}), encoding="utf-8")
    done = subprocess.run(  # noqa: S603  runs this interpreter on the page's own program
        [sys.executable, "-c", program, str(file)], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == said
