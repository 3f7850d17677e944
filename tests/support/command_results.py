"""Results of targets for tests."""

from hypothesis import strategies as st

from wavebreak.domain.commands.results import ExecutionResult

FAILURES = [
    ExecutionResult.completed("t", 3, "out", "err"),
    ExecutionResult.timed_out("t", 300, "part"),
    ExecutionResult.unreachable("t"),
    ExecutionResult.cancelled("t"),
    ExecutionResult.unexpected("t", ValueError("odd")),
    ExecutionResult.circuit_open("t", "ssm"),
]
"""One failure of each kind, in the order of FailureKind."""

any_text = st.text(st.characters(), max_size=40)
any_target = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


def succeeded(target: str, stdout: str = "ok") -> ExecutionResult:
    return ExecutionResult.completed(target, 0, stdout)


def failed(target: str, stderr: str = "error", exit_code: int = 1, stdout: str = "") -> ExecutionResult:
    return ExecutionResult.completed(target, exit_code, stdout, stderr)


@st.composite
def results(draw: st.DrawFn) -> ExecutionResult:
    """Any result there can be."""
    target = draw(any_target)
    match draw(st.integers(0, 5)):
        case 0:
            return succeeded(target, draw(any_text))
        case 1:
            return failed(target, draw(any_text), draw(st.integers(1, 255)), draw(any_text))
        case 2:
            return ExecutionResult.timed_out(target, draw(st.integers(1, 600)), draw(any_text))
        case 3:
            return ExecutionResult.unreachable(target)
        case 4:
            return ExecutionResult.cancelled(target, draw(any_text))
        case _:
            return ExecutionResult.unexpected(target, draw(any_text))
