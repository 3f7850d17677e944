"""The scan of the templates: what it finds is told, unless the list has a reason, and the list does not outlive it."""

from typing import Any

import pytest
from tools.compliance.__main__ import SKIPPED, WITHOUT_RULES
from tools.compliance.findings import BadListError, Skip, problems, skips
from tools.template import ROOT, load


def report(*failed: tuple[str, str], broken: tuple[str, ...] = ()) -> dict[str, Any]:
    """A report of one template in which a passed rule and these failed ones were looked at."""
    checks = [
        {"check_id": rule, "check_name": "be good", "resource": f"AWS::X::Y.{name}", "file_path": "/t.yaml"}
        for rule, name in (("R0", "Fine"), *failed)
    ]
    return {"results": {"passed_checks": checks[:1], "failed_checks": checks[1:], "parsing_errors": list(broken)}}


def test_a_finding_that_nobody_gave_a_reason_for_is_told() -> None:
    assert problems(report(("R1", "Queue")), [], ["t.yaml"]) == ["/t.yaml: Queue: R1 be good"]


def test_a_finding_with_a_reason_is_not_told_of_the_resources_that_have_it() -> None:
    skip = Skip("R1", "", "why", ("*Function", "Api"))
    found = report(("R1", "PlansFunction"), ("R1", "Api"), ("R1", "Queue"), ("R2", "Api"))
    assert problems(found, [skip], ["t.yaml"]) == ["/t.yaml: Queue: R1 be good", "/t.yaml: Api: R2 be good"]


def test_a_reason_that_nothing_needs_any_more_is_told() -> None:
    (line,) = problems(report(("R1", "Api")), [Skip("R1", "", "why", ("Api", "Gone"))], ["t.yaml"])
    assert line == "R1 is skipped for Gone, where nothing breaks it any more"


def test_a_template_that_was_not_looked_at_or_cannot_be_read_is_told() -> None:
    lines = problems(report(broken=("/bad.yaml",)), [], ["t.yaml", "bad.yaml"])
    assert lines == ["/bad.yaml: cannot be read", "bad.yaml was not looked at"]


@pytest.mark.parametrize(
    "text",
    [
        "- {rule: R1, about: x, reason: '', resources: [a]}",
        "- {rule: R1, about: x, resources: [a]}",
        "- {rule: R1, about: x, reason: y, resources: []}",
        "- {rule: R1, about: x, reason: y, resources: [a], more: 1}",
        "[{rule: R1, about: x, reason: y, resources: [a]}, {rule: R1, about: x, reason: y, resources: [b]}]",
    ],
)
def test_a_rule_without_a_reason_is_no_line_of_the_list(text: str) -> None:
    with pytest.raises(BadListError, match="R1"):
        skips(text)


def test_the_list_is_one_and_names_only_what_the_template_has() -> None:
    chosen = skips(SKIPPED.read_text(encoding="utf-8"))
    names = load()["Resources"].keys()
    for skip in chosen:
        assert all("*" in pattern or pattern in names for pattern in skip.resources), skip.rule
    assert len(chosen) == 5
    assert "CKV_AWS_18" not in {skip.rule for skip in chosen}, (
        "access to the bucket is logged where a user names a bucket for it"
    )


def test_a_template_without_rules_is_one_of_documents_alone() -> None:
    for name in WITHOUT_RULES:
        kinds = {resource["Type"] for resource in load(ROOT / name)["Resources"].values()}
        assert kinds == {"AWS::SSM::Document"}
