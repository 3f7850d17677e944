"""Drills of the examples on what `make up` puts into the simulator."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import yaml  # type: ignore[import-untyped]  # no stubs in use
from tools.local_stack.first_minutes import EXAMPLES, add_example_networks, add_example_servers

if TYPE_CHECKING:
    from tests.support.stack import Stack


def test_f2_the_isolated_drill_of_the_examples_lands_in_the_network_that_it_names(stack: Stack) -> None:
    simulator = os.environ["AWS_ENDPOINT_URL_EC2"]
    for _ in range(2):  # make up may be said twice
        add_example_servers(simulator)
        add_example_networks(simulator)
    plan = yaml.safe_load((EXAMPLES / "isolated-drill.yaml").read_text(encoding="utf-8"))
    ended = stack.ended(stack.start(plan))
    assert ended["status"] == "COMPLETED", [each["error"] for wave in ended["waves"] for each in wave["servers"]]
    launched = {each["InstanceId"]: each["SubnetId"] for each in stack.control.state()["ec2Instances"]}
    named = {subnet for entry in plan["drill"]["networks"] for subnet in entry["subnetIds"]}
    instances = [each["recoveryInstanceId"] for wave in ended["waves"] for each in wave["servers"]]
    assert {launched[each] for each in instances} <= named


def test_f2_a_subnet_that_is_there_already_stays_as_it_is(stack: Stack) -> None:
    simulator = os.environ["AWS_ENDPOINT_URL_EC2"]
    subnet = stack.control.put_subnet("subnet-0123456789abcdef0", cidrBlock="10.7.0.0/24")
    add_example_networks(simulator)
    assert stack.control.put_subnet("subnet-0123456789abcdef0") == subnet
