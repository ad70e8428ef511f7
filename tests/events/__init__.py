"""Events as AWS makes them, in full: for each way in, and with a token in the place where it would stand.

Sources: the AWS Lambda developer guide ("Using AWS Lambda with ..."), the API Gateway developer guide
("Input format of a Lambda function for proxy integration", payload formats 1.0 and 2.0), the user guide for
Application Load Balancers ("Lambda functions as targets"), the EventBridge user guide ("Event structure").
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
NAME = "x-profile-token"


def load(name: str) -> Any:
    """Return one event, as `json.loads` gives it to a handler."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def _header(spelling: str = NAME) -> Callable[[Any, str], None]:
    def put(event: Any, token: str) -> None:
        event["headers"][spelling] = token

    return put


def _multi_value_header(event: Any, token: str) -> None:
    event["multiValueHeaders"]["X-Profile-Token"] = [token]


def _message_attribute(event: Any, token: str) -> None:
    event["Records"][-1]["messageAttributes"][NAME] = {
        "stringValue": token,
        "stringListValues": [],
        "binaryListValues": [],
        "dataType": "String",
    }


def _notification_attribute(event: Any, token: str) -> None:
    event["Records"][0]["Sns"]["MessageAttributes"][NAME] = {"Type": "String", "Value": token}


def _detail(event: Any, token: str) -> None:
    event["detail"][NAME] = token


def _object_key(event: Any, token: str) -> None:
    event["Records"][0]["s3"]["object"]["key"] = f"in/x-profile-token%3D{token}/b%21.csv"


def _field(event: Any, token: str) -> None:
    event[NAME] = token


# Each event, with the way a token is put into it.
CARRIERS: dict[str, Callable[[Any, str], None]] = {
    "api_gateway_rest": _header("X-Profile-Token"),
    "api_gateway_http": _header(),
    "function_url": _header(),
    "alb": _header(),
    "alb_multi_value": _multi_value_header,
    "sqs": _message_attribute,
    "sns": _notification_attribute,
    "eventbridge": _detail,
    "s3": _object_key,
    "direct": _field,
}
