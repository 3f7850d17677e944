"""What a scan found, against the list of what is as it is on purpose. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import yaml  # type: ignore[import-untyped]  # the package ships no types

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True)
class Skip:
    """A rule that some resources break on purpose; a name may end or begin with `*`."""

    rule: str
    about: str
    reason: str
    resources: tuple[str, ...]


class BadListError(Exception):
    """The list of skipped rules is not as it has to be; the message says where."""


def skips(text: str) -> list[Skip]:
    """Read the list. Raise BadListError for a rule without a reason, or one that is there twice."""
    found: list[Skip] = []
    for entry in yaml.safe_load(text):
        unknown = entry.keys() ^ {"rule", "about", "reason", "resources"}
        if unknown or not str(entry.get("reason", "")).strip() or not entry["resources"]:
            raise BadListError(f"{entry.get('rule')}: must have rule, about, reason and resources")
        if entry["rule"] in {skip.rule for skip in found}:
            raise BadListError(f"{entry['rule']} is there twice")
        found.append(Skip(entry["rule"], entry["about"], entry["reason"], tuple(entry["resources"])))
    return found


def problems(report: Mapping[str, Any], chosen: Iterable[Skip], files: Iterable[str]) -> list[str]:
    """Return a line for each finding that is not skipped, and for each skip that is not found.

    `report` is checkov's JSON of one framework; `files` are the templates that it has to have checked.
    """
    lines = [f"{path}: cannot be read" for path in report["results"]["parsing_errors"]]
    checked = {check["file_path"] for check in report["results"]["passed_checks"] + report["results"]["failed_checks"]}
    lines += [f"{file} was not looked at" for file in files if f"/{file}" not in checked]
    broken: dict[str, dict[str, str]] = defaultdict(dict)
    for check in report["results"]["failed_checks"]:
        name = check["resource"].rpartition(".")[2]
        broken[check["check_id"]][name] = f"{check['file_path']}: {name}: {check['check_id']} {check['check_name']}"
    for skip in chosen:
        found = broken.get(skip.rule, {})
        for pattern in skip.resources:
            met = [name for name in found if fnmatchcase(name, pattern)]
            if not met:
                lines.append(f"{skip.rule} is skipped for {pattern}, where nothing breaks it any more")
            for name in met:
                del found[name]
    return lines + [line for found in broken.values() for line in found.values()]
