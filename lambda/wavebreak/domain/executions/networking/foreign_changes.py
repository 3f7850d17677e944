"""Notices about launch templates that others changed while a drill had them changed (contract 13). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wavebreak.domain.executions.notices import Notice, NoticeCode
from wavebreak.values import replace

if TYPE_CHECKING:
    from wavebreak.domain.executions.model.executions import Execution

MOST_NAMED: Final = 5
"""Servers of a wave that are warned of by name; one more warning stands for all others."""
_MORE: Final = "Launch templates of other servers were changed by somebody meanwhile, too; the errors name each"


def with_foreign_change(execution: Execution, wave: int, server: str, template_id: str, words: str) -> Execution:
    """Warn that somebody changed a server's launch template meanwhile; telling it again changes nothing."""
    code = NoticeCode.TEMPLATE_CHANGED_BY_OTHERS
    known = [each for each in execution.warnings if each.code is code and each.wave == wave]
    notice = Notice(code, f"Launch template {template_id} of {server}: {words}", wave, server)
    if notice not in known and len([each for each in known if each.source_server_id]) >= MOST_NAMED:
        notice = Notice(code, _MORE, wave)
    return execution if notice in known else replace(execution, warnings=(*execution.warnings, notice))
