"""The body of a request to forward a command."""

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from wavebreak.api.requests import RequestBody
from wavebreak.domain.commands.catalogue import MAX_ARGUMENTS, MAX_TIMEOUT_SECONDS
from wavebreak.domain.commands.query_merge import DEFAULT_LIMIT
from wavebreak.domain.commands.runs import Asked
from wavebreak.domain.plans.pydantic_errors import FINISHED, forwardable


class CommandRequest(RequestBody):
    """The request to forward a command to the given targets, or to all servers that an execution launched.

    With both, the targets must belong to the execution. The catalogue checks the name and the arguments of the command.
    """

    command: str = Field(examples=["status"])
    args: tuple[Annotated[str, AfterValidator(forwardable)], ...] = Field(
        default=(), max_length=MAX_ARGUMENTS, description="Passed to the command as they are."
    )
    targets: list[Annotated[str, Field(max_length=256)]] | None = Field(
        default=None, description="Source server ids or recovery instance ids of a live execution."
    )
    execution_id: Annotated[str, Field(max_length=64)] | None = None
    timeout_seconds: Annotated[int, Field(strict=True, ge=1, le=MAX_TIMEOUT_SECONDS)] | None = Field(
        default=None, description="Limit for one target; the catalogue's own unless given."
    )
    limit: Annotated[int, Field(strict=True, ge=0, le=1000)] = Field(
        default=DEFAULT_LIMIT, description="Rows of a merged query over all targets; 0 is all."
    )
    stop_on_failure: Annotated[bool, Field(strict=True)] = Field(
        default=False, description="Whether a sequential command leaves out the targets after the first that fails."
    )

    @model_validator(mode="after")
    def _names_somebody(self) -> "CommandRequest":
        if self.targets is None and self.execution_id is None:
            raise PydanticCustomError(FINISHED, "{message}", {"message": "names neither targets nor an executionId"})
        return self

    def asked(self) -> Asked:
        """Return the command to forward."""
        return Asked(self.command, self.args, self.timeout_seconds, self.limit, self.stop_on_failure)
