"""The placeholders that strings of `parameters` and `payload` may hold (contract 12), and no other templating.

`{{recoveryInstanceIds}}` and `{{sourceServerIds}}` stand alone in their string and become a list. `{{ssm:…}}` in
parameters is left to SSM.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from wavebreak.json_pointers import DocumentFault, json_pointer, quoted
from wavebreak.values import Value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MAX_VALUES: Final = 50
"""Values of one parameter of an automation that SSM takes."""
SINGLE: Final = ("executionId", "mode", "waveName", "region")
LISTS: Final = ("recoveryInstanceIds", "sourceServerIds")
PLACEHOLDER: Final = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
"""Anything between double braces."""
_SSM: Final = re.compile(r"\s*ssm:\S+\s*")
_IN_A_NAME: Final = "has a placeholder in its name: only values may hold one"
_KNOWN: Final = ", ".join("{{" + name + "}}" for name in (*SINGLE, *LISTS))


class PlaceholderError(ValueError):
    """A placeholder cannot be filled; the message says which, and why."""


class Filling(Value):
    """What placeholders are filled with."""

    execution_id: str
    mode: str
    wave_name: str
    region: str
    recovery_instance_ids: tuple[str, ...] = ()
    source_server_ids: tuple[str, ...] = ()

    def single(self, name: str) -> str:
        """Return what a placeholder of one value stands for."""
        values = (self.execution_id, self.mode, self.wave_name, self.region)
        return dict(zip(SINGLE, values, strict=True))[name]

    def listed(self, name: str) -> tuple[str, ...]:
        """Return what a placeholder of a list stands for."""
        return self.recovery_instance_ids if name == LISTS[0] else self.source_server_ids


def parameter_faults(parameters: Mapping[str, Sequence[str]], servers: int | None = None) -> Iterator[DocumentFault]:
    """Yield the faults that keep parameters from being filled; the pointers continue that of `parameters`.

    `servers` is how many the step concerns; None when a selector tells only later.
    """
    for name, values in parameters.items():
        if PLACEHOLDER.search(name):
            yield DocumentFault(json_pointer([name]), _IN_A_NAME)
        count = 0
        for index, value in enumerate(values):
            yield from _faults_of(value, json_pointer([name, index]), ssm=True)
            count += (servers or 0) if _alone(value) else 1
        if servers is not None and count > MAX_VALUES and any(map(_alone, values)):
            yield DocumentFault(json_pointer([name]), f"would have {count} values, and SSM takes {MAX_VALUES} at most")


def payload_faults(payload: Any, pointer: str = "") -> Iterator[DocumentFault]:
    """Yield what keeps a payload from being filled: its pointer goes on from that of `payload`."""
    if isinstance(payload, str):
        yield from _faults_of(payload, pointer, ssm=False)
    elif isinstance(payload, list):
        for index, each in enumerate(payload):
            yield from payload_faults(each, pointer + json_pointer([index]))
    elif isinstance(payload, dict):
        for name, each in payload.items():
            if PLACEHOLDER.search(name):
                yield DocumentFault(pointer + json_pointer([name]), _IN_A_NAME)
            yield from payload_faults(each, pointer + json_pointer([name]))


def fill_parameters(parameters: Mapping[str, Sequence[str]], filling: Filling) -> dict[str, tuple[str, ...]]:
    """Return the parameters with their placeholders filled; raise PlaceholderError for what cannot be."""
    _refuse(parameter_faults(parameters))
    filled: dict[str, tuple[str, ...]] = {}
    for name, values in parameters.items():
        listed: list[str] = []
        for value in values:
            alone = _alone(value)
            listed += filling.listed(alone) if alone else [_filled(value, filling)]
        if len(listed) > MAX_VALUES:
            raise PlaceholderError(
                f"parameter {quoted(name)} would have {len(listed)} values, and SSM takes {MAX_VALUES} at most"
            )
        filled[name] = tuple(listed)
    return filled


def fill_payload(payload: Mapping[str, Any], filling: Filling) -> dict[str, Any]:
    """Return the payload with its placeholders filled; raise PlaceholderError for what cannot be."""
    _refuse(payload_faults(dict(payload)))
    return {name: _filled_value(each, filling) for name, each in payload.items()}


def _filled_value(value: Any, filling: Filling) -> Any:
    if isinstance(value, str):
        alone = _alone(value)
        return list(filling.listed(alone)) if alone else _filled(value, filling)
    if isinstance(value, list):
        return [_filled_value(each, filling) for each in value]
    if isinstance(value, dict):
        return {name: _filled_value(each, filling) for name, each in value.items()}
    return value


def _filled(text: str, filling: Filling) -> str:
    """Fill in the placeholders of one value; others have been refused, but for those that are left to SSM."""
    return PLACEHOLDER.sub(lambda found: filling.single(found[1]) if found[1] in SINGLE else found[0], text)


def _alone(text: str) -> str | None:
    """Return the list that a string stands for; None for any other string."""
    found = PLACEHOLDER.fullmatch(text)
    return found[1] if found and found[1] in LISTS else None


def _faults_of(text: str, pointer: str, *, ssm: bool) -> Iterator[DocumentFault]:
    if _alone(text):
        return
    for found in PLACEHOLDER.finditer(text):
        name = found[1]
        if name in SINGLE or (ssm and _SSM.fullmatch(name)):
            continue
        if name in LISTS:
            yield DocumentFault(pointer, f"{found[0]} becomes a list: it must stand alone in its string")
        elif _SSM.fullmatch(name):
            yield DocumentFault(pointer, f"{quoted(found[0])} is known to SSM only: a payload cannot hold it")
        else:
            yield DocumentFault(
                pointer, f"{quoted(found[0])} is no placeholder; there are {_KNOWN}{_hint(name, ssm=ssm)}"
            )


def _hint(name: str, *, ssm: bool) -> str:
    if name.strip() in (*SINGLE, *LISTS):
        return ", each without spaces"
    return " and what SSM fills in, {{ssm:NAME}}" if ssm else ""


def _refuse(faults: Iterator[DocumentFault]) -> None:
    for fault in faults:
        raise PlaceholderError(f"{fault.pointer}: {fault.message}")
