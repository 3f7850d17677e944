"""Evidence: what an execution did, as a report, as a page, and the check of a report (contract 8). Pure.

This is the face of the modules of `domain.evidence` for code that makes or checks reports elsewhere. The functions
import the modules themselves, each where it is needed, so that none of them pays for all.
"""

from wavebreak.domain.evidence.inputs import Event, ExecutionInput, JobLogItem, JobLogs
from wavebreak.domain.evidence.job_log import Phase
from wavebreak.domain.evidence.page import page
from wavebreak.domain.evidence.page_style import TIMELINE
from wavebreak.domain.evidence.progress import ServerPhase, phase_seconds, phases
from wavebreak.domain.evidence.report import report
from wavebreak.domain.evidence.seal import Verification, as_json, report_hash, verify_report, verify_text
from wavebreak.domain.evidence.timeline import legend, timeline

__all__ = [
    "TIMELINE",
    "Event",
    "ExecutionInput",
    "JobLogItem",
    "JobLogs",
    "Phase",
    "ServerPhase",
    "Verification",
    "as_json",
    "legend",
    "page",
    "phase_seconds",
    "phases",
    "report",
    "report_hash",
    "timeline",
    "verify_report",
    "verify_text",
]
