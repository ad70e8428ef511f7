"""What is seen of the runtime client from another thread."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from profiler.aws.runtime import Runtime


class LambdaRuntimeClient:
    """As in awslambdaric: it waits in a function of this name, perhaps a few calls deeper."""

    def wait_next_invocation(self, meanwhile: Callable[[], Any], deeper: int = 0) -> Any:
        return self._deeper(meanwhile, deeper)

    def _deeper(self, meanwhile: Callable[[], Any], deeper: int) -> Any:
        return self._deeper(meanwhile, deeper - 1) if deeper else meanwhile()


@pytest.fixture
def bootstrap(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The client's two modules, before the first invocation."""
    bootstrap: Any = ModuleType("awslambdaric.bootstrap")
    client: Any = ModuleType("awslambdaric.lambda_runtime_client")
    bootstrap._GLOBAL_AWS_REQUEST_ID = None
    client.LambdaRuntimeClient = LambdaRuntimeClient
    monkeypatch.setitem(sys.modules, bootstrap.__name__, bootstrap)
    monkeypatch.setitem(sys.modules, client.__name__, client)
    return bootstrap


def elsewhere(look: Callable[[], Any]) -> Any:
    """Return what another thread sees while this one stands here."""
    seen: list[Any] = []
    thread = threading.Thread(target=lambda: seen.append(look()))
    thread.start()
    thread.join()
    return seen[0]


def found() -> Runtime:
    runtime = Runtime.find()
    assert runtime is not None
    return runtime


def test_the_request_id_is_the_clients(bootstrap: Any) -> None:
    runtime = found()
    assert runtime.request_id() is None
    bootstrap._GLOBAL_AWS_REQUEST_ID = "a"
    assert runtime.request_id() == "a"
    del bootstrap._GLOBAL_AWS_REQUEST_ID
    assert runtime.request_id() is None


@pytest.mark.parametrize("deeper", [0, 6])
def test_it_waits_while_it_stands_in_the_clients_function(bootstrap: Any, deeper: int) -> None:
    runtime = found()
    assert not elsewhere(runtime.is_waiting)
    client = LambdaRuntimeClient()
    assert client.wait_next_invocation(lambda: elsewhere(runtime.is_waiting), deeper)
    assert not elsewhere(runtime.is_waiting)


def test_the_handler_is_not_waiting_however_deep_it_is(bootstrap: Any) -> None:
    runtime = found()

    def down(depth: int) -> bool:
        return down(depth - 1) if depth else bool(elsewhere(runtime.is_waiting))

    assert not down(100)


def test_it_has_answered_when_it_waits_again_and_not_while_it_still_waits(bootstrap: Any) -> None:
    runtime = found()
    client = LambdaRuntimeClient()
    bootstrap._GLOBAL_AWS_REQUEST_ID = "before"

    def look() -> tuple[bool, bool]:
        return elsewhere(lambda: (runtime.has_answered("before"), runtime.has_answered("now")))

    assert client.wait_next_invocation(look) == (True, False)
    bootstrap._GLOBAL_AWS_REQUEST_ID = "now"
    assert look() == (False, False)
    assert client.wait_next_invocation(look) == (False, True)


@pytest.mark.parametrize("missing", ["bootstrap", "client", "class", "function", "request id"])
def test_a_client_that_is_another_is_none(
    bootstrap: Any, missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = sys.modules["awslambdaric.lambda_runtime_client"]
    if missing == "bootstrap":
        monkeypatch.delitem(sys.modules, "awslambdaric.bootstrap")
    elif missing == "client":
        monkeypatch.delitem(sys.modules, "awslambdaric.lambda_runtime_client")
    elif missing == "class":
        monkeypatch.delattr(client, "LambdaRuntimeClient")
    elif missing == "function":
        monkeypatch.setattr(client, "LambdaRuntimeClient", object)
    else:
        del bootstrap._GLOBAL_AWS_REQUEST_ID
    assert Runtime.find() is None


def test_the_real_client_is_known() -> None:
    pytest.importorskip("awslambdaric")
    from awslambdaric import bootstrap, lambda_runtime_client

    assert bootstrap is not None
    runtime = found()
    code = lambda_runtime_client.LambdaRuntimeClient.wait_next_invocation.__code__
    assert runtime._waiting is code
    assert runtime.request_id() is None
