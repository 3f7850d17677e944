"""What no single field of a step can tell: its placeholders, where its function is, whether it has servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from wavebreak.domain.steps.placeholders import parameter_faults, payload_faults
from wavebreak.json_pointers import DocumentFault, Location, PlanInvalidError, json_pointer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from wavebreak.site import Site

_LISTS: Final = ("before", "after")

Finding: TypeAlias = tuple[Location, str]


def placeholder_findings(waves: Sequence[Mapping[str, Any]], depends_on: Sequence[Sequence[int]]) -> Iterator[Finding]:
    """Yield what keeps the placeholders of steps from being filled; what is not well formed is passed over."""
    for where, step in _steps(waves):
        index, listed = int(where[1]), str(where[2])
        parameters, payload = step.get("parameters"), step.get("payload")
        if "automation" in step and isinstance(parameters, dict) and _is_parameters(parameters):
            concerned = depends_on[index] if listed == "before" else [index]
            for fault in parameter_faults(parameters, _servers(waves, concerned)):
                yield _location(fault.pointer, parameters, (*where, "parameters")), fault.message
        if "function" in step and isinstance(payload, dict):
            for fault in payload_faults(payload):
                yield _location(fault.pointer, payload, (*where, "payload")), fault.message


def functions_elsewhere(waves: Sequence[Mapping[str, Any]], own: Site) -> Iterator[Finding]:
    """Yield the functions of a plan that an ARN places in another account or Region than the stack's own."""
    for where, step in _steps(waves):
        name = step.get("function")
        if not isinstance(name, str) or not name.startswith("arn:"):
            continue
        _, _, _, region, account, *_ = name.split(":")
        if (account, region) != (own.account_id or account, own.region or region):
            here = " and ".join(filter(None, (own.account_id, own.region)))
            yield (*where, "function"), f"is in {account}, {region}: a function is invoked in the stack's own {here}"


def refuse_functions_elsewhere(waves: Sequence[Mapping[str, Any]], own: Site) -> None:
    """Raise PlanInvalidError with every function of a plan that is not where the stack is."""
    problems = tuple(DocumentFault(json_pointer(where), message) for where, message in functions_elsewhere(waves, own))
    if problems:
        raise PlanInvalidError(problems)


def commands_without_servers(wave: Mapping[str, Any]) -> bool:
    """Return whether a wave, which depends on none, has commands before its launch."""
    listed = wave.get("before")
    return isinstance(listed, (list, tuple)) and any(isinstance(step, dict) and "command" in step for step in listed)


def _steps(waves: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Location, Mapping[str, Any]]]:
    for index, wave in enumerate(waves):
        for name in _LISTS:
            listed = wave.get(name)
            for position, step in enumerate(listed if isinstance(listed, (list, tuple)) else ()):
                if isinstance(step, dict):
                    yield ("waves", index, name, position), step


def _servers(waves: Sequence[Mapping[str, Any]], indexes: Sequence[int]) -> int | None:
    """Count the servers of waves; None when a selector chooses some of them later."""
    total = 0
    for index in indexes:
        servers = waves[index].get("servers")
        if not isinstance(servers, (list, tuple)):
            return None
        total += len(servers)
    return total


def _is_parameters(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(name, str) and isinstance(values, (list, tuple)) and all(isinstance(each, str) for each in values)
        for name, values in value.items()
    )


def _location(pointer: str, document: Any, prefix: Location) -> Location:
    """Read a JSON pointer into a document as a location, whose positions in lists are numbers."""
    found: list[int | str] = []
    value = document
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        step: int | str = int(name) if isinstance(value, (list, tuple)) else name
        found.append(step)
        value = value[step]
    return (*prefix, *found)
