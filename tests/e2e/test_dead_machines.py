"""An execution outlives its state machine: one that was stopped, lost or never started is taken up again."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from tools.bench.call_log import start_calls
from tools.local_stack.product import Product, chain, until


def stop_machine(product: Product, execution_id: str) -> None:
    arn = product.description["stateMachineArns"]["recovery"].replace(":stateMachine:", ":execution:")
    product.aws("stepfunctions").stop_execution(executionArn=f"{arn}:{execution_id}")
    assert product.machine_status(execution_id) == "ABORTED"


def sweep(product: Product) -> int:
    answer = product.aws("lambda").invoke(FunctionName=product.function("SweepFunction"))
    assert "FunctionError" not in answer
    restarted: int = json.loads(answer["Payload"].read())["restarted"]
    return restarted


def assert_completes_once(product: Product, execution_id: str, servers: list[str]) -> None:
    after = product.ended(execution_id)
    assert after["status"] == "COMPLETED"
    assert len(start_calls(product.control.calls(), servers)) == len(after["waves"])


@contextmanager
def without_machine(product: Product) -> Iterator[None]:
    """Let the function that starts executions find no state machine."""
    client, name = product.aws("lambda"), product.function("ExecutionsFunction")
    found = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    arn = found["RECOVERY_STATE_MACHINE_ARN"]

    def use(machine: str) -> None:
        variables = {**found, "RECOVERY_STATE_MACHINE_ARN": machine}
        client.update_function_configuration(FunctionName=name, Environment={"Variables": variables})

    use(f"{arn}-missing")
    try:
        yield
    finally:
        use(arn)


@contextmanager
def without_rule(product: Product, name_part: str) -> Iterator[None]:
    """Have the events of a rule go nowhere."""
    client = product.aws("events")
    (rule,) = [one["Name"] for one in client.list_rules()["Rules"] if name_part in one["Name"]]
    client.disable_rule(Name=rule)
    try:
        yield
    finally:
        client.enable_rule(Name=rule)


def age_heartbeat(product: Product, execution_id: str) -> None:
    """Let the machine's last sign of life lie ten minutes back."""
    past = (datetime.now(UTC) - timedelta(minutes=10)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    request: dict[str, Any] = {
        "Key": {"pk": {"S": f"EXEC#{execution_id}"}, "sk": {"S": "TOKEN"}},
        "UpdateExpression": "SET heartbeatAt = :past",
        "ExpressionAttributeValues": {":past": {"S": past}},
    }
    product.aws("dynamodb").update_item(TableName=product.description["tableName"], **request)


def test_a_machine_stopped_by_hand_is_taken_up_again(product: Product) -> None:
    servers = [product.servers(2, launchSeconds=30), product.servers()]
    execution_id = product.run(*chain(*servers))
    product.launching(execution_id, 1)
    stop_machine(product, execution_id)
    assert_completes_once(product, execution_id, [name for group in servers for name in group])
    assert product.machine_status(f"{execution_id}-r2") in {"RUNNING", "SUCCEEDED"}


def test_the_sweep_starts_a_machine_that_was_never_started(product: Product) -> None:
    servers = product.servers()
    plan_id = product.plan(*chain(servers))
    with without_machine(product):
        execution_id = product.start(plan_id)
    assert product.execution(execution_id)["status"] == "PENDING"
    until(lambda: sweep(product) or product.execution(execution_id)["status"] != "PENDING", bool, within=10)
    assert_completes_once(product, execution_id, servers)


def test_the_sweep_finds_a_machine_whose_end_nobody_told(product: Product) -> None:
    servers = product.servers(launchSeconds=30)
    execution_id = product.run(*chain(servers))
    product.launching(execution_id, 1)
    with without_rule(product, "MachineEnded"):
        stop_machine(product, execution_id)
        assert sweep(product) == 0
        age_heartbeat(product, execution_id)
        assert sweep(product) == 1
    assert sweep(product) == 0
    assert_completes_once(product, execution_id, servers)
