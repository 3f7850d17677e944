"""The lease of a drill on the local stack: its instances end by themselves, by the sweep (contract 13)."""

from tools.local_stack.product import Product, wave

MINUTES = 15
"""The shortest lease there is."""
REAL_SECONDS = 60 * 3
"""How long a drill, its lease on a stack whose time is scaled, the next sweep and a termination may take."""


def test_13_a_lease_that_expires_ends_in_no_instance(special_product: Product) -> None:
    product = special_product
    servers = product.servers(2)
    plan_id = product.plan(wave("only", servers), drill={"terminateAfterMinutes": MINUTES})
    drill = product.start(plan_id)

    ended = product.ended(drill)
    assert (ended["status"], ended["lease"]["minutes"], len(product.instances_of(servers))) == ("COMPLETED", MINUTES, 2)
    assert ended["lease"]["expiresAt"] > ended["endedAt"]

    after = product.seen(drill, lambda seen: seen["termination"]["status"] == "COMPLETED", within=REAL_SECONDS)
    assert (after["termination"]["terminated"], after["instancesLeft"]) == (2, 0)
    assert product.instances_of(servers) == []
    told = product.api.call("GET", f"/executions/{drill}/events").document["items"]
    begun = next(event for event in told if event["type"] == "TERMINATION_IN_PROGRESS")
    assert (begun["actor"], begun["data"]["reason"]) == ("wavebreak", "The lease of the drill has expired")
    assert begun["at"] >= ended["lease"]["expiresAt"]
    refused = product.operate(drill, "lease", {"minutes": 60})
    assert (refused.status, refused.document["code"]) == (409, "INVALID_STATE")
