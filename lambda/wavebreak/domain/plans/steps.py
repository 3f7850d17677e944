"""The steps before and after the launch of a wave, each of one kind (contract 12)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
)
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from wavebreak.domain.commands.catalogue import MAX_ARGUMENT_CHARACTERS, MAX_ARGUMENTS, MAX_TIMEOUT_SECONDS, CommandName
from wavebreak.domain.plans.model import InDrill
from wavebreak.domain.plans.pydantic_errors import FINISHED, Length, forwardable
from wavebreak.domain.steps.limits import DEFAULT_TIMEOUT_SECONDS, LONGEST_TIMEOUT_SECONDS
from wavebreak.domain.steps.placeholders import MAX_VALUES
from wavebreak.domain.steps.runs import StepKind
from wavebreak.json_pointers import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_STEPS: Final = 10
_FUNCTION: Final = (
    r"^(arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:)?[A-Za-z0-9_-]{1,64}(:[A-Za-z0-9_$-]{1,128})?$"
)
_AUTOMATION: Final = (
    r"^(arn:aws[a-z-]*:ssm:[a-z0-9-]+:[0-9]{0,12}:(document|automation-definition)/)?"
    r"[A-Za-z0-9_.-]{3,128}(:[0-9]{1,9})?$"
)

Argument = Annotated[str, Field(strict=True, max_length=MAX_ARGUMENT_CHARACTERS), AfterValidator(forwardable)]
Arguments = Annotated[tuple[Argument, ...], Length(0, MAX_ARGUMENTS)]
_Flag = Annotated[bool, Field(strict=True)]
_Required = Annotated[_Flag, Field(description="Whether the wave fails if the step does.")]
_ParameterName = Annotated[str, Field(strict=True, min_length=1, max_length=50)]
_ParameterValue = Annotated[str, Field(strict=True, min_length=1, max_length=512)]
_ParameterValues = Annotated[tuple[_ParameterValue, ...], Length(0, MAX_VALUES)]


class _Step(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True)


class CommandStep(_Step):
    """A command of the catalogue, forwarded to the servers of the step."""

    command: CommandName = Field(description="Name in the catalogue.", examples=["status"])
    args: Arguments = Field((), description="Its arguments, passed as they are.")
    required: _Required = False
    in_drill: InDrill = Field(InDrill.RUN, description="Whether it runs in drills.")
    timeout_seconds: Annotated[int, Field(strict=True, ge=1, le=MAX_TIMEOUT_SECONDS)] | None = Field(
        None, description="Limit for one target; without it the catalogue's own."
    )


class AutomationStep(_Step):
    """An SSM Automation runbook; the step waits for its end in the account and Region of the wave."""

    automation: Annotated[str, Field(strict=True, max_length=128, pattern=_AUTOMATION)] = Field(
        description="Name or ARN of the runbook.", examples=["PromoteDatabase"]
    )
    parameters: Annotated[dict[_ParameterName, _ParameterValues], Length(0, 200)] = Field(
        default_factory=dict,
        description="Parameters of the runbook; values may contain placeholders.",
        examples=[{"Role": ["x"]}],
    )
    required: _Required = False
    in_drill: InDrill = Field(InDrill.SKIP, description="Whether it runs in drills.")
    timeout_seconds: int = Field(
        DEFAULT_TIMEOUT_SECONDS[StepKind.AUTOMATION],
        strict=True,
        ge=1,
        le=LONGEST_TIMEOUT_SECONDS[StepKind.AUTOMATION],
        description="Minutes after which the runbook is stopped and the step has failed.",
    )


def _json_only(value: Any) -> Any:
    """Refuse what JSON cannot hold, which YAML and Python can."""
    waiting: list[Any] = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, (list, tuple)):
            waiting += one
        elif not isinstance(one, (str, int, float, type(None))) or (isinstance(one, float) and not math.isfinite(one)):
            message = f"{quoted(one)} is nothing that JSON can hold"
            raise PydanticCustomError(FINISHED, "{message}", {"message": message})
    return value


class FunctionStep(_Step):
    """A Lambda function of the stack's own account and Region; the step waits for its answer."""

    function: Annotated[str, Field(strict=True, pattern=_FUNCTION)] = Field(
        description="Name or ARN of the function.", examples=["notify-status-page"]
    )
    payload: Annotated[dict[Annotated[str, Field(strict=True)], Any], AfterValidator(_json_only)] = Field(
        default_factory=dict, description="The event of the function; strings may contain placeholders."
    )
    required: _Required = False
    in_drill: InDrill = Field(InDrill.SKIP, description="Whether it runs in drills.")
    timeout_seconds: int = Field(
        DEFAULT_TIMEOUT_SECONDS[StepKind.FUNCTION],
        strict=True,
        ge=1,
        le=LONGEST_TIMEOUT_SECONDS[StepKind.FUNCTION],
        description="Seconds after which the step has failed without an answer.",
    )


_KINDS: Final[Mapping[str, type[_Step]]] = {
    StepKind.COMMAND.lower(): CommandStep,
    StepKind.AUTOMATION.lower(): AutomationStep,
    StepKind.FUNCTION.lower(): FunctionStep,
}
_NAMED: Final = "command, automation and function"


class _OfOneKind:
    """Judges a step as what it names itself, so that its problems are those of that kind alone."""

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Choose the kind before the fields are checked."""
        return core_schema.no_info_wrap_validator_function(self._chosen, handler(source))

    def _chosen(self, value: object, handler: core_schema.ValidatorFunctionWrapHandler) -> object:
        if isinstance(value, _Step):
            return handler(value)
        if not isinstance(value, dict):
            return CommandStep.model_validate(value)
        named = [kind for kind in _KINDS if kind in value]
        if len(named) == 1:
            return _KINDS[named[0]].model_validate(value)
        both = f"a step is of one kind, not {' and '.join(named)}" if named else f"needs one of {_NAMED}"
        raise PydanticCustomError(FINISHED, "{message}", {"message": both})


Step: TypeAlias = Annotated[CommandStep | AutomationStep | FunctionStep, _OfOneKind()]
Steps = Annotated[tuple[Step, ...], Length(0, MAX_STEPS)]
