"""An execution made from a plan: its own frozen copy, waves numbered from 1 in the order of the document."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.executions.checking import turns
from wavebreak.domain.executions.model.executions import Execution, Mode
from wavebreak.domain.executions.model.findings import CallCounts, Objectives
from wavebreak.domain.executions.model.servers import Server
from wavebreak.domain.executions.model.waves import Wave
from wavebreak.domain.executions.stepping.wave_steps import planned
from wavebreak.domain.plans.model import Impact, OnFailure
from wavebreak.problems import InvalidRequest
from wavebreak.site import Site

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from wavebreak.domain.executions.model.starts import StartRequest
    from wavebreak.domain.plans.model import StoredPlan

MAX_FROZEN_BYTES: Final = 390 * 1024
"""The largest copy that is kept, below the 400 KB of an item: selectors add servers to what was stored as the plan."""


def frozen_document(plan: StoredPlan) -> tuple[str, str]:
    """Return the copy of a plan that an execution keeps, as canonical JSON, and its SHA-256 (hex)."""
    text = json.dumps(plan.document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text, hashlib.sha256(text.encode()).hexdigest()


def freeze(
    plan: StoredPlan,
    execution_id: str,
    mode: Mode,
    own: Site,
    request: StartRequest,
    now: datetime,
    *,
    other_accounts: bool,
) -> Execution:
    """Make the execution of a plan whose selectors are resolved.

    `other_accounts` says whether waves may name them. `own` is the stack's account and Region: a wave that names them
    is one that names none. Raise InvalidRequest for snapshots of servers that the plan does not have, a copy too large
    to keep, and a server that two waves name once their Regions are filled in.
    """
    written = plan.document["waves"]
    errors = _unknown_snapshots(written, request.snapshots)
    if not other_accounts:
        errors += foreign(written, own)
    text, digest = frozen_document(plan)
    if len(text.encode()) > MAX_FROZEN_BYTES:
        message = f"with the servers that its selectors match the plan is larger than {MAX_FROZEN_BYTES // 1024} KB"
        errors.append({"pointer": "/waves", "message": message})
    if errors:
        raise InvalidRequest.listing(errors)
    numbers = {wave["name"]: number for number, wave in enumerate(written, start=1)}
    waves = tuple(_wave(number, wave, numbers, own, request.snapshots) for number, wave in enumerate(written, start=1))
    _refuse_twice(waves)
    return Execution(
        execution_id=execution_id,
        plan_id=plan.document["planId"],
        plan_name=plan.document["name"],
        plan_version=plan.version,
        plan_hash=digest,
        mode=mode,
        requested_by=request.requested_by,
        reason=request.reason,
        started_at=now,
        waves=waves,
        calls=CallCounts(),
        objectives=Objectives.of(plan.document.get("objectives")),
        before=request.before,
    )


def _wave(
    number: int, written: Mapping[str, Any], numbers: Mapping[str, int], own: Site, snapshots: Mapping[str, str]
) -> Wave:
    depends_on = written.get("dependsOn")
    before = () if number == 1 else (number - 1,)
    return Wave(
        number=number,
        name=written["name"],
        servers=tuple(
            Server(
                source_server_id=server["sourceServerId"],
                impact=Impact(server.get("impact", Impact.CRITICAL)),
                snapshot_id=snapshots.get(server["sourceServerId"]),
            )
            for server in written["servers"]
        ),
        depends_on=before if depends_on is None else tuple(sorted({numbers[name] for name in depends_on})),
        site=site_of(written, own),
        requires_approval=written.get("requiresApproval", False) or written.get("approval") is not None,
        wait_before_seconds=written.get("waitBeforeSeconds", 0),
        timeout_minutes=written.get("timeoutMinutes", 60),
        on_failure=OnFailure(written.get("onFailure", OnFailure.STOP)),
        steps=(
            *planned(written.get("before") or (), written.get("after") or ()),
            *turns.planned(written.get("checks") or ()),
        ),
    )


def site_of(written: Mapping[str, Any], own: Site) -> Site:
    """Return the site of a wave of a plan document; one that names the stack's own is one that names none."""
    account, region = written.get("accountId"), written.get("region")
    return Site(None if account == own.account_id else account, None if region == own.region else region)


def foreign(waves: Sequence[Mapping[str, Any]], own: Site) -> list[dict[str, str]]:
    """List the waves that name another account, by the pointer of its id."""
    return [
        {"pointer": f"/waves/{index}/accountId", "message": "the stack has no TargetExternalId for other accounts"}
        for index, wave in enumerate(waves)
        if site_of(wave, own).account_id is not None
    ]


def _unknown_snapshots(waves: Sequence[Mapping[str, Any]], snapshots: Mapping[str, str]) -> list[dict[str, str]]:
    known = {server["sourceServerId"] for wave in waves for server in wave.get("servers") or ()}
    return [
        {"pointer": f"/snapshots/{server}", "message": "is no server of this plan"}
        for server in snapshots
        if server not in known
    ]


def _refuse_twice(waves: Sequence[Wave]) -> None:
    seen: dict[tuple[Site, str], Wave] = {}
    for wave in waves:
        for server in wave.servers:
            first = seen.setdefault((wave.site, server.source_server_id), wave)
            if first is not wave:
                raise InvalidRequest.of(
                    f"/waves/{wave.number - 1}/servers",
                    f"{server.source_server_id} is in wave {first.name!r} already, in the same Region",
                )
