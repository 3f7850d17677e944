"""Stack files, and stacks as CloudFormation describes them."""

import json
from pathlib import Path

from tests.cli.fake_api import Fault

GATEWAY = "https://abc.execute-api.eu-west-3.amazonaws.com/v1"


STACK_ID = "arn:aws:cloudformation:eu-central-1:111122223333:stack/any/1"


OUTPUTS = "<member><OutputKey>ApiUrl</OutputKey><OutputValue>https://cfn.example/v1/</OutputValue></member>"


def stack(outputs: str = OUTPUTS) -> Fault:
    """Describe a stack as CloudFormation does."""
    stack = f"<member><StackName>any</StackName><StackId>{STACK_ID}</StackId><Outputs>{outputs}</Outputs></member>"
    answer = f"<DescribeStacksResult><Stacks>{stack}</Stacks></DescribeStacksResult>"
    return Fault(200, f"<DescribeStacksResponse>{answer}</DescribeStacksResponse>", {"content-type": "text/xml"})


def stack_file(directory: Path, url: str, **more: object) -> None:
    (directory / ".local").mkdir(parents=True)
    keys = {"accessKeyId": "test", "secretAccessKey": "pass"}
    content = {"apiUrl": url, "region": "us-east-1", "credentials": keys, **more}
    (directory / ".local" / "stack.json").write_text(json.dumps(content))
