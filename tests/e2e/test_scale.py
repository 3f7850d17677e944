"""A plan of 10 waves and 600 servers, 300 of them in one wave."""

import json
from typing import Any

from tools.bench.call_log import largest_item, start_calls
from tools.local_stack.product import Product, wave

LARGEST_ITEM = 100_000
LARGEST_PAYLOAD = 2_000


def payloads(event: dict[str, Any]) -> list[str]:
    """Give every input, output and assigned variable that an event of a state machine's history holds."""
    details = [value for name, value in event.items() if name.endswith("EventDetails")]
    texts = [value for one in details for value in one.values()]
    return [text if isinstance(text, str) else json.dumps(text) for text in texts]


def test_ten_waves_and_six_hundred_servers(product: Product) -> None:
    large = [name for tenth in range(10) for name in product.servers(30, launchSeconds=10 + 3 * tenth)]
    groups, last = [product.servers(33) for _ in range(8)], product.servers(36)
    middle = [
        wave(f"tier {number}", servers, dependsOn=["large"] if number < 5 else [f"tier {number - 4}"])
        for number, servers in enumerate(groups, start=1)
    ]
    closing = wave("last", last, dependsOn=[f"tier {number}" for number in range(5, 9)])
    execution_id = product.run(wave("large", large), *middle, closing)

    after = product.ended(execution_id, within=90)

    assert after["status"] == "COMPLETED"
    assert (after["totalWaves"], after["completedWaves"]) == (10, 10)
    servers = [server for one in after["waves"] for server in one["servers"]]
    assert len(servers) == 600
    assert {server["launchStatus"] for server in servers} == {"LAUNCHED"}
    assert len(after["waves"][0]["jobIds"]) == 3
    everything = [*large, *(name for group in groups for name in group), *last]
    started = [
        server["sourceServerID"]
        for call in start_calls(product.control.calls(), everything)
        for server in call["parameters"]["sourceServers"]
    ]
    assert sorted(started) == sorted(everything)
    size, sort_key = largest_item(product.items())
    assert size < LARGEST_ITEM, sort_key
    written = [text for event in product.history(execution_id) for text in payloads(event)]
    assert written
    assert max(len(text.encode()) for text in written) < LARGEST_PAYLOAD
