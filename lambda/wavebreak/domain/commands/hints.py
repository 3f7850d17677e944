"""A line of advice for a target that failed.

Requirement S1-14. Derived from how it failed, then from its exit code, then from what it printed on stderr; the first
that fits wins. Advice only: nothing is decided by it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from wavebreak.domain.commands.results import REFUSED_BY_SSM, FailureKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wavebreak.domain.commands.results import ExecutionResult

COMMANDS_DIRECTORY: Final = "/opt/wavebreak/commands"
"""Where a target has the scripts of the catalogue's commands, each under the command's name."""

TIMEOUT_HINT: Final = "It took longer than it may: look at what it waits for, or give more time with timeoutSeconds."
UNREACHABLE_HINT: Final = (
    "Check that the instance runs, that it has an SSM Agent, and that its instance profile allows Systems Manager."
)
CANCELLED_HINT: Final = "Run the command again for this target if it is still wanted."
EXCEPTION_HINT: Final = "This is no fault of the target: `wavebreak errors` lists what is known of it."
PLATFORM_HINT: Final = "The commands are shell scripts, and this target runs another system: leave it out."
DOCUMENT_HINT: Final = (
    "The command's document is missing in the target's account and Region: deploy infra/command-documents.yaml there."
)
PARAMETERS_HINT: Final = "The command's document there is of another version: deploy infra/command-documents.yaml anew."
RIGHTS_HINT: Final = "A right is missing, which the message names: docs/permissions.md tells who needs which."
REFUSED_HINT: Final = "Systems Manager refused it for the reason given, and nothing ran on the target."
CIRCUIT_OPEN_HINT: Final = "The service failed several times in a row and is left alone for a minute: try again then."
NOT_EXECUTABLE_HINT: Final = f"Make the script in {COMMANDS_DIRECTORY} executable, and check its first line."
NOT_FOUND_HINT: Final = (
    f"Check that {COMMANDS_DIRECTORY} has a script of this name, and that what it calls is installed."
)
PORT_HINT: Final = "The port is taken: stop what listens on it, or configure another."
PERMISSION_HINT: Final = "Check owner and mode of the files, and as which user the command runs."
CONNECT_HINT: Final = "Check that the service it connects to runs, and that security groups and routes let it through."
SLOW_SERVICE_HINT: Final = "A service that the command asked did not answer in time: check its load and its health."
CONFIGURATION_HINT: Final = "Check the application's configuration; fix-config applies the post-recovery one."

_BY_KIND: Final[Mapping[FailureKind, str]] = {
    FailureKind.TIMEOUT: TIMEOUT_HINT,
    FailureKind.UNREACHABLE: UNREACHABLE_HINT,
    FailureKind.CANCELLED: CANCELLED_HINT,
    FailureKind.CIRCUIT_OPEN: CIRCUIT_OPEN_HINT,
}
_BY_REFUSAL: Final[Mapping[str, str]] = {
    "UnsupportedPlatformType": PLATFORM_HINT,
    "InvalidPlatform": PLATFORM_HINT,
    "InvalidDocument": DOCUMENT_HINT,
    "InvalidDocumentVersion": DOCUMENT_HINT,
    "InvalidParameters": PARAMETERS_HINT,
}
"""By what SSM refuses a command with: errors of SendCommand, and words of StatusDetails."""
_REFUSAL: Final = re.compile(rf"{REFUSED_BY_SSM}: (?P<code>[A-Za-z]+(?: [A-Z][a-z]+)*)")
_DENIED: Final = re.compile(r"\bAccess ?Denied(?:Exception)?\b")
_BY_EXIT_CODE: Final[Mapping[int, str]] = {126: NOT_EXECUTABLE_HINT, 127: NOT_FOUND_HINT}
"""What a POSIX shell answers for a command that it cannot execute or find."""

_BY_STDERR: Final[tuple[tuple[re.Pattern[str], str], ...]] = tuple(
    (re.compile(pattern, re.IGNORECASE), hint)
    for pattern, hint in (
        (r"command not found|executable file not found|is not recognized as", NOT_FOUND_HINT),
        (r"address already in use|port \S{1,20} (?:is )?(?:already )?(?:in use|taken|allocated)|EADDRINUSE", PORT_HINT),
        (r"permission denied|access (?:is )?denied|operation not permitted|EACCES|EPERM", PERMISSION_HINT),
        (
            (
                r"(?:can ?not|can't|could not|couldn't|unable to|failed to) connect|ECONNREFUSED|no route to host"
                r"|connection (?:refused|reset|timed out)|(?:host|network) (?:is )?unreachable"
                r"|could not resolve|name or service not known"
            ),
            CONNECT_HINT,
        ),
        (r"timed out|time-?out|deadline exceeded|ETIMEDOUT", SLOW_SERVICE_HINT),
        (
            r"configuration|config\b|\.(?:ya?ml|toml|ini|conf|cfg)\b|(?:missing|unknown) (?:setting|option)",
            CONFIGURATION_HINT,
        ),
    )
)
_READ_CHARACTERS: Final = 8_000


def hint_for(result: ExecutionResult) -> str | None:
    """Return advice for a failed result; None for a success, or when nothing fits."""
    if result.success:
        return None
    if result.failure_kind is FailureKind.EXCEPTION:
        return _hint_for_exception(result.stderr[:_READ_CHARACTERS])
    if result.failure_kind is not None and result.failure_kind in _BY_KIND:
        return _BY_KIND[result.failure_kind]
    if result.exit_code in _BY_EXIT_CODE:
        return _BY_EXIT_CODE[result.exit_code]
    stderr = result.stderr[-_READ_CHARACTERS:]
    return next((hint for pattern, hint in _BY_STDERR if pattern.search(stderr)), None)


def _hint_for_exception(stderr: str) -> str:
    """Return the hint for a refusal of SSM, which a person can mend, or for an error of ours."""
    if _DENIED.search(stderr):
        return RIGHTS_HINT
    refused = _REFUSAL.search(stderr)
    if refused is None:
        return EXCEPTION_HINT
    return _BY_REFUSAL.get(refused["code"].replace(" ", ""), REFUSED_HINT)
