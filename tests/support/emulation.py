"""What moto needs to run the real state machine definitions with the real handlers in this process.

Each cure stands for one thing that AWS does and moto does not: JSONata, functions of this process, DynamoDB writes that
do not get in each other's way, polls of a fraction of a second, and the quotas of DRS; or spares moto work in vain.
"""

from __future__ import annotations

import copy
import json
import threading
import time
from contextlib import ExitStack, contextmanager
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from botocore.client import BaseClient
from botocore.retries.standard import ExponentialBackoff
from jsonata.jsonata import Jsonata  # type: ignore[import-untyped]  # the package ships no types
from moto import mock_aws
from moto.awslambda_simple.models import LambdaSimpleBackend
from moto.core.serialize import BaseJSONSerializer
from moto.dynamodb import models as dynamodb_models
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler
from moto.servicequotas.exceptions import NoSuchResource
from moto.servicequotas.models import ServiceQuotasBackend
from moto.stepfunctions.parser.asl.component.common.timeouts.timeout import TimeoutSeconds
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_aws_sdk,
    state_task_service_lambda,
)
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction
from moto.stepfunctions.parser.asl.jsonata import jsonata as moto_jsonata
from moto.stepfunctions.parser.models import StepFunctionsParserBackend
from moto.stepfunctions.parser.utils import TMP_THREADS
from tests.support import called_operations as called

from wavebreak.domain.drs import JOBS_QUOTA, SERVERS_A_JOB_QUOTA, SERVERS_IN_JOBS_QUOTA

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Invoke = Callable[[str, dict[str, Any]], dict[str, Any]]

POLL_SECONDS = 7
"""The poll interval that the definitions are given: a number that no other timeout in them has."""
BRIEF_SECONDS = 3
"""The short interval, likewise."""
REAL_SECONDS = {POLL_SECONDS: 0.2, BRIEF_SECONDS: 0.1}
"""What they come to in a test."""
CALL_SECONDS = 10.0
"""What the call that begins a poll may take beside it: cut down as the interval is, it would end in a busy process."""
WAIT_SCALE = 0.05
"""What a wait of a machine is cut down to."""
_INVOKE_PARAMETERS = {"ClientContext", "FunctionName", "InvocationType", "Payload", "Qualifier"}
_ACCOUNT_QUOTAS = {
    ("drs", JOBS_QUOTA): "jobs",
    ("drs", SERVERS_A_JOB_QUOTA): "servers_a_job",
    ("drs", SERVERS_IN_JOBS_QUOTA): "servers_in_jobs",
    ("ec2", "L-1216C47A"): "vcpus",
}
_THREAD_SECONDS = 60
_VALIDATE = StepFunctionsParserBackend._validate_definition
_PLAIN = frozenset({"S", "N", "BOOL", "NULL", "SS", "M", "L"})
_SERIALIZE = BaseJSONSerializer._serialize_type_structure


@contextmanager
def emulated_aws(
    invoke: Invoke, quotas: dict[str, int], actions: list[str], dropped: Callable[[str, Exception], None] | None = None
) -> Iterator[None]:
    """Run moto until the block ends.

    `quotas` holds what the account was granted, by the names of `Quotas`; `actions` takes the name of every
    DynamoDB action; `dropped` is told of functions that failed on an event nobody waits for.
    """
    config: Any = {
        "core": {"reset_boto3_session": False},
        "stepfunctions": {"execute_state_machine": True},
        "lambda": {"use_docker": False},
    }
    with ExitStack() as cures:
        cures.enter_context(mock_aws(config=config))
        cures.enter_context(patch.object(BaseClient, "_make_api_call", called.call))
        cures.enter_context(patch.object(moto_jsonata, "_eval_jsonata", _evaluated))
        validated = staticmethod(_validated_once)
        cures.enter_context(patch.object(StepFunctionsParserBackend, "_validate_definition", validated))
        cures.enter_context(patch.object(LambdaSimpleBackend, "invoke", _invoking(invoke, dropped)))
        cures.enter_context(
            patch.dict(state_task_service_lambda._SUPPORTED_API_PARAM_BINDINGS, invoke=_INVOKE_PARAMETERS)
        )
        serialised = _one_at_a_time(DynamoHandler.call_action, actions)
        cures.enter_context(patch.object(DynamoHandler, "call_action", serialised))
        cures.enter_context(patch.object(dynamodb_models, "copy", SimpleNamespace(deepcopy=_copied, copy=copy.copy)))
        cures.enter_context(patch.object(BaseJSONSerializer, "_serialize_type_structure", _answered))
        cures.enter_context(patch.object(ExponentialBackoff, "delay_amount", _no_delay))
        cures.enter_context(patch.object(TimeoutSeconds, "_eval_seconds", _seconds))
        cures.enter_context(patch.object(WaitFunction, "_wait_interval", _waited))
        for module in (lambda_eval_utils, state_task_service_aws_sdk):
            cures.enter_context(patch.object(module, "boto_client_for", _made_once(module.boto_client_for)))
        cures.enter_context(patch.object(ServiceQuotasBackend, "get_service_quota", _granting(quotas)))
        yield


def join_machines() -> None:
    """Wait for the threads of every state machine; TimeoutError when one does not end."""
    while TMP_THREADS:
        thread = TMP_THREADS.pop()
        while thread.ident is None:
            time.sleep(0.001)  # moto lists a thread just before it starts it
        thread.join(_THREAD_SECONDS)
        if thread.is_alive():
            raise TimeoutError(f"{thread.name} of a state machine does not end")


@cache
def _validated_once(definition: str) -> None:
    """Check a definition once in a session: it takes longer than all else that a deployment does."""
    _VALIDATE(definition)


def _answered(serializer: Any, serialized: Any, value: Any, shape: Any, key: str) -> None:
    """Answer attributes as they are: moto asks each for every type there is, a good part of all its work."""
    if shape.name == "AttributeValue" and type(value) is dict and value.keys() <= _PLAIN:
        serializer._default_serialize(serialized, value, shape, key)
    else:
        _SERIALIZE(serializer, serialized, value, shape, key)


def _evaluated(expression: str) -> Any:
    return Jsonata(expression).evaluate(None)


def _invoking(invoke: Invoke, dropped: Callable[[str, Exception], None] | None) -> Callable[..., bytes]:
    def replacement(
        _backend: Any, function_name: str, _qualifier: str, body: Any, headers: Any, response_headers: dict[str, str]
    ) -> bytes:
        function, event = function_name.rpartition(":")[2], json.loads(body or "{}")
        if {str(name).lower(): value for name, value in headers.items()}.get("x-amz-invocation-type") == "Event":
            _beside(lambda: invoke(function, event), lambda error: dropped and dropped(function, error))
            return b""
        try:
            answer = invoke(function, event)
        except Exception as error:  # noqa: BLE001  the doorway at which Lambda turns any error of a handler into an answer
            response_headers["x-amz-function-error"] = "Unhandled"
            answer = {"errorType": type(error).__name__, "errorMessage": str(error)}
        return json.dumps(answer).encode()

    return replacement


def _beside(work: Callable[[], Any], failed: Callable[[Exception], Any]) -> None:
    """Do what an asynchronous invocation does: nobody waits for it; `join_machines` does in the end."""

    def run() -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001  Lambda keeps any error of a handler from its caller
            failed(error)

    thread = threading.Thread(target=run, name="asynchronous", daemon=True)
    TMP_THREADS.append(thread)
    thread.start()


def _made_once(make: Any) -> Any:
    """Keep the clients that the machines' tasks use: moto makes one for every task, which is most of a test's time."""
    made: dict[tuple[str, str], Any] = {}
    lock = threading.Lock()

    def client_for(region: str, service: str, state_credentials: Any = None) -> Any:
        with lock:
            if (region, service) not in made:
                client = make(region=region, service=service, state_credentials=state_credentials)
                client.meta.events.register("provide-client-params.sfn", _lower_initials)
                made[region, service] = client
            return made[region, service]

    return client_for


def _lower_initials(params: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Give the parameters of a Step Functions call botocore's names: in a definition they begin with a capital."""
    return {name[0].lower() + name[1:]: value for name, value in params.items()}


def _one_at_a_time(call_action: Any, actions: list[str]) -> Any:
    """Serialise DynamoDB: moto rolls a refused transaction back by putting the whole table back as it was before."""
    lock = threading.RLock()

    def serialised(handler: Any) -> Any:
        with lock:
            actions.append(handler.headers["X-Amz-Target"].rpartition(".")[2])
            return call_action(handler)

    return serialised


def _seconds(timeout: TimeoutSeconds, env: Any) -> float:
    """Give the time of a task; moto asks for that of the whole task first, and in a frame for that of its sleep."""
    seconds = timeout.timeout_seconds
    if seconds not in REAL_SECONDS:
        return seconds
    return REAL_SECONDS[seconds] if env.is_frame() else REAL_SECONDS[seconds] + CALL_SECONDS


def _waited(_wait: WaitFunction, env: Any, wait_seconds: float) -> None:
    """Wait a twentieth of the time, and no longer once the machine is stopped."""
    if wait_seconds > 0:
        env.program_state_event.wait(wait_seconds * WAIT_SCALE)


def _copied(thing: Any) -> Any:
    """Copy for moto's roll-back: of a table only the shelves, for a transaction of ours replaces items as a whole."""
    if not isinstance(thing, Table):
        return copy.deepcopy(thing)
    table = copy.copy(thing)
    table.items = copy.copy(thing.items)
    for key, shelf in thing.items.items():
        table.items[key] = copy.copy(shelf)
    return table


def _no_delay(_backoff: ExponentialBackoff, _context: Any) -> float:
    return 0.0


def _granting(quotas: dict[str, int]) -> Any:
    def get_service_quota(_backend: Any, service_code: str, quota_code: str) -> Any:
        name = _ACCOUNT_QUOTAS.get((service_code, quota_code))
        if name not in quotas:
            raise NoSuchResource
        return {"Value": quotas[name]}

    return get_service_quota
