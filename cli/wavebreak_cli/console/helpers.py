"""The calls that this server answers itself: check a plan's text, write a plan as YAML, verify a trail's chain."""

from __future__ import annotations

from typing import Any

import yaml  # type: ignore[import-untyped]  # no stubs in use

from wavebreak.domain.executions.audit_chain import verify
from wavebreak.domain.plans.document import normalised, parse_plan
from wavebreak.domain.plans.text import load_plan_text
from wavebreak.json_pointers import PlanInvalidError
from wavebreak_cli.plan_files import located


class _Writer(yaml.SafeDumper):  # type: ignore[misc]  # no stubs in use
    """Writes lists indented below their name, as people do."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> Any:  # noqa: ARG002 - PyYAML's signature
        """Indent lists too."""
        return super().increase_indent(flow, indentless=False)


def plan_text(plan: Any) -> str:
    """Write a plan document as YAML for people: in the schema's order, without defaults."""
    return str(yaml.dump(_brief(plan), Dumper=_Writer, sort_keys=False, allow_unicode=True, width=100))


def _brief(document: Any) -> Any:
    """Leave out defaults, unless the shorter document would not be the same plan."""
    try:
        plan = parse_plan(document)
        brief = plan.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude_none=True)
        for position, wave in enumerate(brief["waves"]):
            usual = [brief["waves"][position - 1]["name"]] if position else []
            if wave.get("dependsOn") == usual:
                del wave["dependsOn"]
        return brief if normalised(parse_plan(brief)) == normalised(plan) else document
    except PlanInvalidError:
        return document


def judged(text: str, plan_id: str | None, pointers: list[dict[str, Any]]) -> dict[str, Any]:
    """Judge a plan's text by the API's own rules: `{document, faults: [{pointer, message, line?}]}`.

    `pointers` are faults that the API found itself, to be given their lines too. `document` is null when the text
    cannot be read.
    """
    document = None
    faults: list[dict[str, Any]] = list(pointers)
    try:
        document = load_plan_text(text)
        parse_plan(document, plan_id=plan_id)
    except PlanInvalidError as error:
        faults += [{"pointer": problem.pointer, "message": problem.message} for problem in error.problems]
    return {"document": document, "faults": located(text, faults)}


def chain_of(trail: list[dict[str, Any]]) -> dict[str, Any]:
    """Check that nothing in a trail is missing or edited: `{intact, events, brokenAt, reason}`."""
    verdict = verify(trail)
    return {"intact": verdict.intact, "events": len(trail), "brokenAt": verdict.broken_at, "reason": verdict.why}
