"""A command forwarded to many targets: the pure part of it that callers import. Pure.

One broken target never stops the others: each yields one result, and the results are folded at the end. Everything else
of a command is in `domain/commands`, each part in a module of its own. `is_parallel_command` raises UnsupportedCommand.
"""

from wavebreak.domain.commands.catalogue import is_parallel_command
from wavebreak.domain.commands.results import ExecutionResult
from wavebreak.domain.commands.summary import RunStatus, determine_exit_code, generate_summary
from wavebreak.problems import UnsupportedCommand

__all__ = [
    "ExecutionResult",
    "RunStatus",
    "UnsupportedCommand",
    "determine_exit_code",
    "generate_summary",
    "is_parallel_command",
]
