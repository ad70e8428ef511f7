"""The pytest plugin: the fixture `assert_no_leak`."""

from __future__ import annotations

from collections.abc import Callable

import pytest


@pytest.fixture(name="assert_no_leak")
def assert_no_leak_fixture() -> Callable[..., None]:
    """Return `profiler.leaktest.assert_no_leak`: `assert_no_leak(handler, event, invocations=50)`."""
    from profiler.leaktest import assert_no_leak  # only where a test asks for it

    return assert_no_leak
