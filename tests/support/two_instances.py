"""An execution that launched two servers, and its termination."""

from tests.support.execution_builders import (
    instance_id,
    later,
)
from tests.support.terminations import (
    decide,
)

from wavebreak.domain.executions.ending.termination import TerminationDirective
from wavebreak.domain.executions.model.executions import Execution
from wavebreak.domain.executions.observing.instances import TerminationObservation
from wavebreak.execution_utils import ExecutionStatus, TerminationStatus, WaveStatus

W, E, T, D = WaveStatus, ExecutionStatus, TerminationStatus, TerminationDirective


ONE, TWO = instance_id(1), instance_id(2)


def twice(subject: Execution, observation: TerminationObservation) -> tuple[Execution, TerminationDirective]:
    """Two looks a minute apart that show the same."""
    once, _ = decide(subject, observation, later(60))
    return decide(once, observation, later(120))
