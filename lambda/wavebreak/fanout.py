"""A command forwarded to many targets: everything about it that needs no AWS. Pure.

One broken target never stops the others: each yields one result, and the results are folded at the end. This is the
face of the modules beside it; import a part that is needed alone from its own module.
"""

from wavebreak.domain.commands.arguments import (
    ENCODED_ARGUMENTS_PATTERN,
    argument_problems,
    decode_arguments,
    encode_arguments,
)
from wavebreak.domain.commands.catalogue import (
    CATALOGUE,
    COMMAND_NAMES,
    MAX_ARGUMENT_CHARACTERS,
    MAX_ARGUMENTS,
    MAX_CONCURRENCY,
    MAX_TIMEOUT_SECONDS,
    CatalogueEntry,
    CommandMode,
    CommandName,
    catalogue_entry,
    command_mode,
    is_parallel_command,
    unsupported_message,
)
from wavebreak.domain.commands.concurrency import (
    ROUND_SECONDS,
    concurrency,
    not_run,
    rounds_of_a_worker,
    should_stop_early,
)
from wavebreak.domain.commands.hints import COMMANDS_DIRECTORY, hint_for
from wavebreak.domain.commands.query_merge import (
    DEFAULT_LIMIT,
    MergedRow,
    QueryAnswer,
    QueryMerger,
    merge_query,
    parse_answer,
)
from wavebreak.domain.commands.result_documents import ResultDocument, result_document, result_of
from wavebreak.domain.commands.result_text import (
    combined_output,
    duration_text,
    error_text,
    progress_text,
    result_text,
    watch_lines,
)
from wavebreak.domain.commands.results import NO_EXIT_CODE, ExecutionResult, FailureKind
from wavebreak.domain.commands.safe_output import (
    MAX_OUTPUT_BYTES,
    Shortened,
    decoded,
    shortened,
    shortened_result,
)
from wavebreak.domain.commands.ssm_invocations import InvocationReading, read_invocation
from wavebreak.domain.commands.summary import (
    CommandRunStatus,
    ResultTracker,
    RunStatus,
    Summary,
    determine_exit_code,
    generate_summary,
    run_status,
    summary_text,
)
from wavebreak.harmless_text import displayed, displayed_line
from wavebreak.problems import UnsupportedCommand

__all__ = [
    "CATALOGUE",
    "COMMANDS_DIRECTORY",
    "COMMAND_NAMES",
    "DEFAULT_LIMIT",
    "ENCODED_ARGUMENTS_PATTERN",
    "MAX_ARGUMENTS",
    "MAX_ARGUMENT_CHARACTERS",
    "MAX_CONCURRENCY",
    "MAX_OUTPUT_BYTES",
    "MAX_TIMEOUT_SECONDS",
    "NO_EXIT_CODE",
    "ROUND_SECONDS",
    "CatalogueEntry",
    "CommandMode",
    "CommandName",
    "CommandRunStatus",
    "ExecutionResult",
    "FailureKind",
    "InvocationReading",
    "MergedRow",
    "QueryAnswer",
    "QueryMerger",
    "ResultDocument",
    "ResultTracker",
    "RunStatus",
    "Shortened",
    "Summary",
    "UnsupportedCommand",
    "argument_problems",
    "catalogue_entry",
    "combined_output",
    "command_mode",
    "concurrency",
    "decode_arguments",
    "decoded",
    "determine_exit_code",
    "displayed",
    "displayed_line",
    "duration_text",
    "encode_arguments",
    "error_text",
    "generate_summary",
    "hint_for",
    "is_parallel_command",
    "merge_query",
    "not_run",
    "parse_answer",
    "progress_text",
    "read_invocation",
    "result_document",
    "result_of",
    "result_text",
    "rounds_of_a_worker",
    "run_status",
    "shortened",
    "shortened_result",
    "should_stop_early",
    "summary_text",
    "unsupported_message",
    "watch_lines",
]
