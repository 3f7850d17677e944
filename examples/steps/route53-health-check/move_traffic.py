"""Move traffic by a health check of Route 53: write the metric that its alarm watches.

The records and the health check are there beforehand. Nothing of Route 53's control plane is needed on the day: the
metric is written in the Region that takes over, and Route 53's health checkers read it. Doing it twice does no harm.
"""

from __future__ import annotations

import os
from typing import Any

import boto3


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Write 1 to have traffic go to this Region, 0 to have it go back; `payload` is `{application, failedOver}`."""
    payload = event["payload"]
    failed_over = bool(payload.get("failedOver", True))
    boto3.client("cloudwatch").put_metric_data(
        Namespace=os.environ["NAMESPACE"],
        MetricData=[
            {
                "MetricName": "FailedOver",
                "Dimensions": [{"Name": "Application", "Value": str(payload["application"])}],
                "Value": float(failed_over),
            }
        ],
    )
    return {"application": payload["application"], "failedOver": failed_over, "stepId": event["stepId"]}
