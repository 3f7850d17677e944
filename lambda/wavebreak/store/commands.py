"""Command runs in the table: a run, one item for each of its targets, and the event that reports each change.

The run's status changes together with an event of its execution's audit trail, in one transaction. A target's item is
written under the condition that it has not ended, so that it has exactly one result, however many write.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.commands.query_merge import QueryAnswer
from wavebreak.domain.commands.result_documents import result_of
from wavebreak.domain.commands.runs import CommandRun, CommandTarget, TargetState, stream_name
from wavebreak.domain.executions.audit_trail import COMMAND
from wavebreak.problems import NotFound
from wavebreak.resilience.lost_races import LostRaceError, retry_lost_races
from wavebreak.store import keys
from wavebreak.store.answer_sizes import room_for
from wavebreak.store.table import TRANSACTION_LIMIT, ConditionFailedError, Table, Write
from wavebreak.values import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from wavebreak.domain.commands.results import ExecutionResult
    from wavebreak.domain.executions.model.attribution import Attribution
    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.store.executions import ExecutionStore
    from wavebreak.store.table import Item

_TARGET_FIELDS: Final = tuple(CommandTarget(0, "", "").record())
_RESULT: Final = "result"
_ROWS: Final = "rows"
_ANSWER: Final = (_ROWS, "rowsSkipped", "rowsCut")


class CommandStore:
    """Command runs and their targets."""

    def __init__(self, table: Table, executions: ExecutionStore) -> None:
        """Keep the table, and the executions whose audit trails record the runs."""
        self.table = table
        self.executions = executions

    def create(
        self,
        run: CommandRun,
        targets: Iterable[CommandTarget],
        act: Attribution,
        allow: Callable[[Execution], object] = lambda _execution: None,
    ) -> bool:
        """Write a new run with its targets; gives False, and changes nothing, when it exists already.

        `allow` is shown the execution as it stands when the run is written, and may raise: then there is no run.

        Targets come first: without the run they are not seen. Those that are there already are left as they are: when
        two make the same run at a time, the later must not put back what the earlier has sent since.
        """
        pk = keys.command(run.command_id)
        if self.table.get(pk, keys.META) is not None:
            return False
        items = [{"pk": pk, "sk": keys.target(target.number), **target.record()} for target in targets]
        for start in range(0, len(items), TRANSACTION_LIMIT):
            batch = items[start : start + TRANSACTION_LIMIT]
            # A refusal means that another call wrote them, which happens to all of a batch or to none.
            self._wrote([Write(str(item["sk"]), "Put", item, "attribute_not_exists(pk)") for item in batch])
        write = Write("run", "Put", _run_record(run), "attribute_not_exists(pk)")
        try:
            self._record_event(None, run, act, write, allow)
        except ConditionFailedError:
            return False
        return True

    def load(self, command_id: str) -> CommandRun:
        """Read a run consistently; raise NotFound."""
        found = self.table.get(keys.command(command_id), keys.META)
        if found is None:
            raise NotFound(f"There is no command run {command_id}")
        return CommandRun.read(found)

    def load_many(self, command_ids: Iterable[str]) -> dict[str, CommandRun]:
        """Read runs by their ids; those that do not exist are left out."""
        items = self.table.get_many([(keys.command(command_id), keys.META) for command_id in command_ids])
        return {str(item["commandId"]): CommandRun.read(item) for item in items}

    def change(self, command_id: str, decide: Callable[[CommandRun], CommandRun], act: Attribution) -> CommandRun:
        """Read, decide and write, again from the start after each lost race.

        A change of status is written to the execution's trail in the same transaction.
        """

        def attempt() -> CommandRun:
            before = self.load(command_id)
            after = decide(before)
            if after == before:
                return before
            write = replace(_guarded(before), item=_run_record(after))
            try:
                if after.status is before.status:
                    self.table.transact([write])
                else:
                    self._record_event(before, after, act, write)
            except ConditionFailedError as refused:
                raise LostRaceError from refused
            return after

        return retry_lost_races(f"Command run {command_id}", attempt, self.executions.pause)

    def _record_event(
        self,
        before: CommandRun | None,
        after: CommandRun,
        act: Attribution,
        write: Write,
        allow: Callable[[Execution], object] = lambda _execution: None,
    ) -> None:
        """Write a change of a run's status; its execution knows those that have not ended, at any moment."""
        change = {
            "subject": COMMAND,
            "commandId": after.command_id,
            "from": before.status.value if before else None,
            "to": after.status.value,
        }
        details: dict[str, Any] = {"command": after.command, "targets": after.total}
        if after.status.is_terminal:
            details |= {"succeeded": after.succeeded, "failed": after.failed}
        if after.wave is not None:
            details["waveNumber"] = after.wave
        mark = {"pk": keys.execution(after.execution_id), "sk": keys.running_command(after.command_id)}
        marked = Write("running", "Delete" if after.status.is_terminal else "Put", mark)
        self.executions.record_event(after.execution_id, [change], act, details, write, marked, allow=allow)

    def count(self, command_id: str, *, succeeded: bool) -> None:
        """Count a result for watching callers; the end of the run counts again, exactly, and is final."""
        self.table.update_if(
            (keys.command(command_id), keys.META),
            "ADD #count :one",
            {":one": 1},
            condition="attribute_exists(activePk)",
            names={"#count": "succeeded" if succeeded else "failed"},
            returned="NONE",
        )

    def target(self, command_id: str, number: int) -> CommandTarget:
        """Read a target consistently; raise NotFound."""
        return CommandTarget.read(self._target_item(command_id, number))

    def succeeded(self, command_id: str, number: int) -> bool | None:
        """Return how a target ended; None while it has no result. Reads consistently; raise NotFound."""
        return self._target_item(command_id, number).get("succeeded")

    def _target_item(self, command_id: str, number: int) -> Item:
        found = self.table.get(keys.command(command_id), keys.target(number))
        if found is None:
            raise NotFound(f"Command run {command_id} has no target {number}")
        return found

    def move(self, command_id: str, before: CommandTarget, after: CommandTarget) -> bool:
        """Write how far a target got, from the state that was read; False when another write was first."""
        return self._wrote(_target_writes(command_id, before, after.record(), _standing_at(before)))

    def move_all(self, command_id: str, moves: Sequence[tuple[CommandTarget, CommandTarget]]) -> None:
        """Write how far many targets got, many at a time; one that was written meanwhile stays as it is."""
        most = TRANSACTION_LIMIT // 2
        for start in range(0, len(moves), most):
            batch = moves[start : start + most]
            writes = [
                _target_writes(command_id, before, after.record(), _standing_at(before)) for before, after in batch
            ]
            if not self._wrote([write for each in writes for write in each]):
                for each in writes:
                    self._wrote(each)

    def end(
        self,
        command_id: str,
        target: CommandTarget,
        result: Mapping[str, Any],
        answer: QueryAnswer | None = None,
        *,
        only_as_read: bool = False,
    ) -> bool:
        """Write the one result of a target; False when it has one already.

        With `only_as_read` also when it got further meanwhile than `target` says: what was not sent may be by now.
        """
        ended = replace(target, state=TargetState.ENDED).record()
        # As text: the table has no floating point numbers, and no query reads a part of it.
        written = ended | {_RESULT: json.dumps(result, ensure_ascii=False), "succeeded": result["success"]}
        if answer is not None and answer.rows:
            written[_ROWS] = json.dumps(answer.rows, ensure_ascii=False)
        if answer is not None and (answer.skipped or answer.cut):
            written |= {"rowsSkipped": answer.skipped, "rowsCut": answer.cut}
        condition = _standing_at(target) if only_as_read else ("#state <> :state", TargetState.ENDED)
        return self._wrote(_target_writes(command_id, target, written, condition))

    def _wrote(self, writes: Sequence[Write]) -> bool:
        """Make conditional writes, again while others write beside; False when a condition does not hold."""

        def attempt() -> bool:
            try:
                self.table.transact(writes)
            except ConditionFailedError as refused:
                if refused.failed:
                    return False
                raise LostRaceError from refused
            return True

        return retry_lost_races("This target", attempt, self.executions.pause)

    def deal(self, command_id: str, machine_run: int, taken: int) -> None:
        """Let a run of the machine take its targets by turns, the first after those `taken`."""
        item = {"pk": keys.command(command_id), "sk": keys.TURNS, "machineRun": machine_run, "taken": taken}
        self.table.put_many([item])

    def taken(self, command_id: str) -> int:
        """Return up to which number targets were taken."""
        return int((self.table.get(keys.command(command_id), keys.TURNS) or {}).get("taken", 0))

    def take(self, command_id: str, machine_run: int) -> int | None:
        """Return the next number, which no other worker gets; None when another run of the machine has taken over."""
        dealt = self.table.update_if(
            (keys.command(command_id), keys.TURNS),
            "ADD #taken :one",
            {":one": 1, ":run": machine_run},
            condition="machineRun = :run",
            names={"#taken": "taken"},
        )
        return int(dealt["taken"]) if dealt else None

    def waiting(self, command_id: str) -> int:
        """Count the targets that are postponed: as a rule they wait for their agents."""
        pk = keys.command(command_id)
        return sum(1 for _ in self.table.query(pk, sk_from=keys.late(1), sk_to=keys.late(keys.MAX_NUMBER)))

    def late(self, command_id: str) -> list[CommandTarget]:
        """Read the postponed targets, in their order."""
        pk = keys.command(command_id)
        marks = self.table.query(pk, sk_from=keys.late(1), sk_to=keys.late(keys.MAX_NUMBER))
        items = self.table.get_many([(pk, keys.target(int(mark["number"]))) for mark in marks])
        found = [CommandTarget.read(item) for item in items]
        self.table.delete_many(
            [(pk, keys.late(target.number)) for target in found if target.state is TargetState.ENDED]
        )
        postponed = (target for target in found if target.state is TargetState.POSTPONED)
        return sorted(postponed, key=lambda target: target.number)

    def targets(self, command_id: str) -> Iterator[tuple[CommandTarget, bool | None, QueryAnswer]]:
        """Read all targets in their order, without their output: each with whether it succeeded and what it found."""
        names = {f"#{name}": name for name in (*_TARGET_FIELDS, "succeeded", *_ANSWER)}
        for item in self.table.query(
            keys.command(command_id), sk_from=keys.target(1), sk_to=keys.target(keys.MAX_NUMBER), names=names
        ):
            rows = tuple((float(score), str(text)) for score, text in json.loads(item.get(_ROWS) or "[]"))
            answer = QueryAnswer(rows, int(item.get("rowsSkipped") or 0), bool(item.get("rowsCut")))
            yield CommandTarget.read(item), item.get("succeeded"), answer

    def outcomes(self, command_id: str) -> Iterator[tuple[int, ExecutionResult]]:
        """Read the results of all targets that have ended, in their order, with their numbers: one query in all."""
        pk = keys.command(command_id)
        for item in self.table.query(pk, sk_from=keys.target(1), sk_to=keys.target(keys.MAX_NUMBER)):
            if _RESULT in item:
                yield int(item["number"]), result_of(json.loads(item[_RESULT]))

    def results(self, command_id: str, *, limit: int, token: str | None) -> tuple[list[Item], str | None]:
        """List the results of the targets that have ended, in the order of the targets; raise NotFound."""
        self.load(command_id)
        query = {
            "KeyConditionExpression": "pk = :pk AND begins_with(sk, :prefix)",
            "FilterExpression": "#state = :ended",
            "ExpressionAttributeNames": {"#state": "state"},
            "ExpressionAttributeValues": {
                ":pk": {"S": keys.command(command_id)},
                ":prefix": {"S": keys.TARGET_PREFIX},
                ":ended": {"S": TargetState.ENDED.value},
            },
            "ConsistentRead": True,
        }
        items, rest = self.table.page(query, limit=limit, token=token, fits=room_for(_shown))
        return [_shown(item) for item in items], rest

    def active_ids(self) -> list[str]:
        """List the runs that have not ended."""
        return [str(item["commandId"]) for item in self.table.active(keys.ACTIVE_COMMANDS)]

    def active_of(self, execution_id: str) -> list[str]:
        """List the runs of an execution that have not ended, read consistently.

        Those that were begun before executions knew them are found by the index, which may tell late.
        """
        marks = self.table.query(
            keys.execution(execution_id), sk_from=keys.COMMAND_PREFIX, sk_to=f"{keys.COMMAND_PREFIX}~"
        )
        known = {str(mark["sk"]).removeprefix(keys.COMMAND_PREFIX) for mark in marks}
        query = {
            "IndexName": keys.PLAN_INDEX,
            "KeyConditionExpression": "planKey = :pk",
            "FilterExpression": "attribute_exists(activePk)",
            "ExpressionAttributeValues": {":pk": {"S": keys.execution(execution_id)}},
        }
        return sorted(known.union(str(item["commandId"]) for item in self.table.every(query)))


def _target_writes(
    command_id: str, before: CommandTarget, record: Item, condition: tuple[str, TargetState]
) -> list[Write]:
    """Write a target, and with it the mark by which postponed ones are found."""
    pk, number = keys.command(command_id), int(record["number"])
    expression, state = condition
    item = {"pk": pk, "sk": keys.target(number), **record}
    name = str(item["sk"])
    writes = [Write(name, "Put", item, expression, {":state": state.value}, {"#state": "state"})]
    mark = {"pk": pk, "sk": keys.late(number)}
    if record["state"] == TargetState.POSTPONED:
        writes.append(Write(f"{name}-late", "Put", {**mark, "number": number}))
    elif before.state is TargetState.POSTPONED:
        writes.append(Write(f"{name}-late", "Delete", mark))
    return writes


def _standing_at(target: CommandTarget) -> tuple[str, TargetState]:
    return ("#state = :state", target.state)


def _run_record(run: CommandRun) -> Item:
    record: Item = {
        "pk": keys.command(run.command_id),
        "sk": keys.META,
        "planKey": keys.execution(run.execution_id),
        "listSk": keys.sort_of_id(run.command_id),
        **run.record(),
    }
    if not run.status.is_terminal:
        record["activePk"] = keys.ACTIVE_COMMANDS
    return record


def _guarded(before: CommandRun) -> Write:
    """Guard a write of a run: its status, its machine and why it stopped are unchanged; counts go on meanwhile."""
    return Write(
        "run",
        "Put",
        {},
        "#status = :status AND machineRun = :run AND #stopped = :stopped",
        {":status": before.status.value, ":run": before.machine_run, ":stopped": before.stopped_by},
        {"#status": "status", "#stopped": "stoppedBy"},
    )


def _shown(item: Item) -> Item:
    target = CommandTarget.read(item)
    shown: Item = json.loads(item[_RESULT])
    sent = target.ssm_command_id
    return {
        **shown,
        "number": target.number,
        "instanceId": target.instance_id or None,
        "ssmCommandId": sent,
        "logStream": stream_name(sent, target.instance_id) if sent else None,
    }
