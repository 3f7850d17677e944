"""Command documents: what SendCommand may run, and the script that a document becomes with its parameters."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from drs_simulator.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME: Final = r"[a-zA-Z0-9_\-.]{3,128}"
COMMANDS_DIRECTORY: Final = "CommandsDirectory"
# What the agent takes when a document says nothing, and the most that it allows.
DEFAULT_RUN_SECONDS: Final = 3600
_LONGEST_RUN: Final = 172_800

_REFERENCE = re.compile(r"\{\{\s*([A-Za-z0-9_:/.-]+)\s*\}\}")
_ARN = re.compile(r"arn:[a-z-]+:ssm:[a-z0-9-]*:\d*:(?:document|automation-definition)/([^:]*)(?::.*)?")
_STRICT = ConfigDict(extra="forbid", frozen=True)


class Parameter(BaseModel):
    """A parameter of a document; strings are all that the simulator knows."""

    model_config = _STRICT

    type: Literal["String"]
    description: str | None = None
    default: str | None = None
    allowedPattern: str | None = None  # noqa: N815 - the names of the document's schema
    allowedValues: Annotated[list[str], Field(min_length=1)] | None = None  # noqa: N815
    minChars: Annotated[int, Field(ge=0)] | None = None  # noqa: N815
    maxChars: Annotated[int, Field(ge=0)] | None = None  # noqa: N815

    @field_validator("allowedPattern")
    @classmethod
    def _is_pattern(cls, pattern: str | None) -> str | None:
        try:
            re.compile(pattern or "")
        except re.error as error:
            raise ValueError(f"no regular expression: {error}") from error
        return pattern

    @model_validator(mode="after")
    def _default_is_allowed(self) -> Parameter:
        if self.default is not None and (problem := self.problem(self.default)):
            raise ValueError(f"the default {problem}")
        return self

    def problem(self, value: str) -> str | None:
        """Return what is wrong with a value; None when nothing is. A pattern has to match all of it."""
        if self.allowedPattern is not None and not re.fullmatch(self.allowedPattern, value):
            return f"does not match {self.allowedPattern}"
        if self.allowedValues is not None and value not in self.allowedValues:
            return f"is none of {', '.join(self.allowedValues)}"
        if self.minChars is not None and len(value) < self.minChars:
            return f"has fewer than {self.minChars} characters"
        if self.maxChars is not None and len(value) > self.maxChars:
            return f"has more than {self.maxChars} characters"
        return None


class Inputs(BaseModel):
    """What ``aws:runShellScript`` takes; any of it may refer to parameters."""

    model_config = _STRICT

    runCommand: Annotated[list[str], Field(min_length=1)] | str  # noqa: N815
    timeoutSeconds: Annotated[int, Field(ge=1, le=_LONGEST_RUN)] | str | None = None  # noqa: N815
    workingDirectory: str | None = None  # noqa: N815


class Step(BaseModel):
    """A step of a document."""

    model_config = _STRICT

    action: Literal["aws:runShellScript"]
    name: Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9_\-.:*]{4,128}$")]
    inputs: Inputs


class Content(BaseModel):
    """A document of schema 2.2 with one step, which is what the simulator runs."""

    model_config = _STRICT

    schemaVersion: Literal["2.2"]  # noqa: N815
    description: str | None = None
    parameters: dict[Annotated[str, StringConstraints(pattern="^[A-Za-z0-9_]+$")], Parameter] = Field(
        default_factory=dict
    )
    mainSteps: Annotated[list[Step], Field(min_length=1, max_length=1)]  # noqa: N815

    @model_validator(mode="after")
    def _refers_to_its_own_parameters(self) -> Content:
        texts = [text for value in self.step.inputs.model_dump().values() for text in _texts(value)]
        for name in _REFERENCE.findall("\n".join(texts)):
            if name not in self.parameters:
                raise ValueError(f"{{{{ {name} }}}} is no parameter of the document")
        return self

    @property
    def step(self) -> Step:
        """Return the only step."""
        return self.mainSteps[0]

    def values(self, given: Mapping[str, list[str]]) -> dict[str, str]:
        """Return the value of every parameter; raise ApiError (InvalidParameters) for values that it may not have."""
        problems = [f"{name} is no parameter of the document" for name in given if name not in self.parameters]
        values = {}
        for name, parameter in self.parameters.items():
            texts = given.get(name, [] if parameter.default is None else [parameter.default])
            if not texts:
                problems.append(f"{name} is missing")
            elif len(texts) > 1:
                problems.append(f"{name} is one string, not {len(texts)}")
            elif problem := parameter.problem(texts[0]):
                problems.append(f"{name} {problem}")
            else:
                values[name] = texts[0]
        if problems:
            raise ApiError("InvalidParameters", "; ".join(problems))
        return values


@dataclass(frozen=True)
class Document:
    """One version of a document."""

    name: str
    version: int
    content: Content

    def script(self, values: Mapping[str, str]) -> str:
        """Return the script with the parameters put in as plain text, which is why a document needs patterns."""
        lines = self.content.step.inputs.runCommand
        text = lines if isinstance(lines, str) else "\n".join(lines)
        return _filled(text, values) + "\n"

    def run_seconds(self, values: Mapping[str, str]) -> int:
        """Return how long the script may run; raise ApiError (InvalidParameters) if that is no number of seconds."""
        given = self.content.step.inputs.timeoutSeconds
        text = _filled(str(DEFAULT_RUN_SECONDS if given is None else given), values).strip()
        seconds = int(text) if re.fullmatch("[0-9]{1,6}", text) else 0
        if not 1 <= seconds <= _LONGEST_RUN:
            raise ApiError("InvalidParameters", f"timeoutSeconds must be 1 to {_LONGEST_RUN}, not {text!r}")
        return seconds

    def working_directory(self, values: Mapping[str, str]) -> str:
        """Return where the script runs; empty for the agent's own place."""
        return _filled(self.content.step.inputs.workingDirectory or "", values)


@dataclass
class Documents:
    """All documents, of every account and Region, by name and in all their versions."""

    _versions: dict[str, list[Document]] = field(default_factory=dict)

    def put(self, name: str, content: Content) -> tuple[Document, bool]:
        """Add a document, or a version if it differs from the latest; returns it and whether the name is new."""
        versions = self._versions.setdefault(name, [])
        created = not versions
        if created or versions[-1].content != content:
            versions.append(Document(name, len(versions) + 1, content))
        return versions[-1], created

    def find(self, name: str, version: str | None = None) -> Document:
        """Return a document by name or ARN; raise ApiError (InvalidDocument, InvalidDocumentVersion)."""
        versions = self._versions.get(name_in(name))
        if versions is None:
            raise ApiError("InvalidDocument", f"Document {name} does not exist")
        if version in (None, "$DEFAULT", "$LATEST"):
            return versions[-1]
        for document in versions:
            if str(document.version) == version:
                return document
        raise ApiError("InvalidDocumentVersion", f"Document {name} has no version {version}")


def name_in(name_or_arn: str) -> str:
    """Return the name of a document that is given by its name or ARN."""
    arn = _ARN.fullmatch(name_or_arn)
    return arn[1] if arn else name_or_arn


def _filled(text: str, values: Mapping[str, str]) -> str:
    return _REFERENCE.sub(lambda found: values[found[1]], text)


def _texts(value: Any) -> list[str]:
    return value if isinstance(value, list) else [str(value)]
