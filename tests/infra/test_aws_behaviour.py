"""The table of what the product relies on AWS to do: its tests exist, and what nobody has written down is verified."""

import ast
from collections import Counter
from pathlib import Path

import pytest
from tools.template import ROOT
from tools.verify_aws import rows
from tools.verify_aws.catalogue import CHECKS
from tools.verify_aws.rows import DRILL, READ, MalformedError, Row

ROWS = rows.read()
BY_ID = {row.id: row for row in ROWS}


def names_below(folder: Path) -> set[str]:
    """Name every test in the files of a folder, as pytest collects them: functions, and methods of Test classes."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("test_*.py"))]
    scopes: list[ast.Module | ast.ClassDef] = [*trees]
    for tree in trees:
        scopes += [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name.startswith("Test")]
    return {
        node.name
        for scope in scopes
        for node in scope.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


SIMULATORS = names_below(ROOT / "tests" / "simulator")
EVERYBODYS = names_below(ROOT / "tests")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_every_test_that_a_row_names_exists(row: Row) -> None:
    assert set(row.simulator_tests) <= SIMULATORS
    assert set(row.product_tests) <= EVERYBODYS


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_a_row_is_a_sentence_with_a_source(row: Row) -> None:
    assert row.behaviour.endswith(".")
    assert row.source
    assert not row.source.startswith(rows.NOT_ESTABLISHED) or ":" in row.source or row.source == rows.NOT_ESTABLISHED


def test_a_source_has_a_date_unless_there_is_none() -> None:
    sourced = [row for row in ROWS if not row.source.startswith(rows.NOT_ESTABLISHED)]
    undated = [row.id for row in sourced if "2026-" not in row.source]
    assert undated == []


def test_ids_are_used_once() -> None:
    assert [name for name, times in Counter(row.id for row in ROWS).items() if times > 1] == []
    assert [name for name, times in Counter(check.id for check in CHECKS).items() if times > 1] == []


def test_a_source_that_does_not_tell_all_establishes_nothing() -> None:
    known = {row.id for row in ROWS if not row.source.startswith(rows.NOT_ESTABLISHED) and not row.established}
    assert known >= {"ssm-automation-tag", "ssm-automation-token", "drs-terminate-shows", "apigateway-problems"}


def test_what_is_not_established_is_verified() -> None:
    assert [row.id for row in ROWS if not row.established and row.verified not in {READ, DRILL}] == []


def test_rows_and_checks_are_of_each_other() -> None:
    verified = {row.id for row in ROWS if row.verified in {READ, DRILL}}
    assert verified == {check.id for check in CHECKS}


def test_a_row_says_whether_its_check_needs_a_drill() -> None:
    wrong = [check.id for check in CHECKS if (BY_ID[check.id].verified == DRILL) != check.needs_drill]
    assert wrong == []


def test_the_simulators_own_behaviour_has_a_test_wherever_it_has_the_service() -> None:
    """DRS, EC2 and Run Command are simulated, so that each of their rows can be tested without AWS."""
    bare = [row.id for row in ROWS if row.id.startswith(("drs-", "ec2-", "ssm-")) and not row.simulator_tests]
    assert set(bare) == {"drs-borrows", "drs-calls-as-caller", "drs-describe-right"}


@pytest.mark.parametrize(
    "line",
    [
        "| `drs-x` | It does. | source | test_a | test_b |",
        "| `drs-x` | It does. | source | test_a | test_b | sometimes |",
        "| `DRS X` | It does. | source | test_a | test_b | read |",
    ],
)
def test_a_row_of_another_form_is_refused(line: str, tmp_path: Path) -> None:
    table = tmp_path / "table.md"
    table.write_text(f"{rows.HEADINGS}\n{line}\n", encoding="utf-8")
    with pytest.raises(MalformedError):
        rows.read(table)


def test_only_what_pytest_collects_counts_as_a_test(tmp_path: Path) -> None:
    written = """
def test_there(): ...
class TestSome:
    def test_in_a_class(self): ...
    def helper(self): ...
class Other:
    def test_in_none(self): ...
def helper():
    def test_inside(): ...
# def test_commented_out(): ...
"""
    (tmp_path / "test_some.py").write_text(written, encoding="utf-8")
    (tmp_path / "some.py").write_text("def test_elsewhere(): ...\n", encoding="utf-8")
    assert names_below(tmp_path) == {"test_there", "test_in_a_class"}
