"""Every state machine's definition with its substitutions, such that Step Functions would take it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tools.template import ROOT, STATE_MACHINE, Json, load, resources, substituted

if TYPE_CHECKING:
    from collections.abc import Mapping

SAMPLE_ACCOUNT: Final = "123456789012"


def deployable(
    region: str, partition: str = "aws", account: str = SAMPLE_ACCOUNT, parameters: Mapping[str, str] | None = None
) -> dict[str, Json]:
    """Return the definitions by the name of their file; names of what is not made yet are samples."""
    template = load()
    defaults = {name: about.get("Default") for name, about in template["Parameters"].items()}
    chosen = {**defaults, **(parameters or {})}

    def filled(value: Any) -> Any:
        match value:
            case {"Ref": "AWS::Partition"}:
                return partition
            case {"Ref": str(name)}:
                return chosen.get(name, f"sample-{name.lower()}")
            case {"Fn::GetAtt": [str(name), "Arn"]}:
                return f"arn:{partition}:lambda:{region}:{account}:function:{name}"
        raise LookupError(f"no sample for {value}")

    return {
        machine["DefinitionUri"]: substituted(
            (ROOT / machine["DefinitionUri"]).read_text(encoding="utf-8"),
            {name: filled(value) for name, value in machine["DefinitionSubstitutions"].items()},
        )
        for machine in resources(template, STATE_MACHINE).values()
    }
