"""What goes wrong behind the API is told by the API, with the execution that it concerns."""

from tools.local_stack.product import Product, chain, until


def test_s3_14_drs_faults_during_a_drill_are_recorded_and_the_drill_completes(product: Product) -> None:
    before = product.api.get("/errors/summary")["total"]
    plan_id = product.plan(*chain(product.servers(launchSeconds=40)))
    product.control.fault("DescribeJobs", error="ThrottlingException", count=9)
    execution_id = product.start(plan_id)
    assert product.ended(execution_id, within=60)["status"] == "COMPLETED"

    found = until(
        lambda: product.api.get("/errors", category="DRS", severity="WARNING", limit=1000)["items"],
        lambda items: any(item["executionId"] == execution_id for item in items),
        within=10,
    )
    error = next(item for item in found if item["executionId"] == execution_id)
    assert error["errorType"] == "ThrottlingException"
    assert "Traceback" in error["stackTrace"]
    counted = product.api.get("/errors/summary")
    assert counted["total"] > before
    assert counted["byCategory"]["DRS"] >= 1
    product.terminated(execution_id)


def test_s3_13_a_misspelt_question_is_refused(product: Product) -> None:
    answer = product.api.call("GET", "/errors", query={"severty": "ERROR"})
    assert (answer.status, answer.code) == (400, "VALIDATION_FAILED")
