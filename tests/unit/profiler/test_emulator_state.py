"""The emulator's state machines, without sockets and processes."""

from __future__ import annotations

import threading
import time

import pytest

from profiler.testing.concurrent import ConcurrentRuntimeState
from profiler.testing.extensions import ExtensionFailure, Extensions
from profiler.testing.protocol import Invocation, Refused, Reply
from profiler.testing.state import Phase, RuntimeState


def invocation(request_id: str = "1") -> Invocation:
    return Invocation(request_id, b"{}", 0, "arn", "Root=1")


def reply() -> Reply:
    return Reply(b"{}", time.monotonic())


def wait(changed: threading.Condition, predicate: object) -> None:
    assert callable(predicate)
    with changed:
        assert changed.wait_for(predicate, 5.0)


def test_one_runtime_goes_round() -> None:
    changed = threading.Condition()
    state = RuntimeState(changed)
    seen: list[str | None] = []

    def runtime() -> None:
        while (given := state.next_invocation()) is not None:
            state.reply(given.request_id, reply())
            seen.append(given.request_id)

    thread = threading.Thread(target=runtime)
    thread.start()
    for number in ("1", "2"):
        wait(changed, lambda: state.phase is Phase.READY)
        state.offer(invocation(number))
        assert not state.is_done(number) or state.reply_to(number)
        wait(changed, lambda: state.phase is Phase.READY)
    state.runtime_exited(0)
    thread.join()
    assert seen == ["1", "2"]


def test_calls_out_of_turn_are_refused() -> None:
    state = RuntimeState(threading.Condition())
    calls = {
        "reply": lambda: state.reply("1", reply()),
        "offer": lambda: state.offer(invocation()),
        "restore": lambda: state.restore(),
        "restore error": lambda: state.fail_restore(reply()),
    }
    refusals = {}
    for name, call in calls.items():
        with pytest.raises(Refused) as refused:
            call()
        refusals[name] = refused.value.status
    assert refusals == {"reply": 400, "offer": 403, "restore": 403, "restore error": 403}
    state.fail_init(reply())
    with pytest.raises(Refused):
        state.next_invocation()
    with pytest.raises(Refused):
        state.next_restore()


def test_a_queue_serves_each_worker_one_and_refuses_what_comes_late() -> None:
    changed = threading.Condition()
    state = ConcurrentRuntimeState(changed)
    fetched: list[Invocation | None] = []
    threads = [threading.Thread(target=lambda: fetched.append(state.next_invocation())) for _ in range(2)]
    for thread in threads:
        thread.start()
    wait(changed, lambda: state.phase is Phase.READY)
    state.offer(invocation("1"))
    state.offer(invocation("2"))
    for thread in threads:
        thread.join()
    assert sorted(given.request_id for given in fetched if given) == ["1", "2"]
    state.reply("2", reply())
    assert (state.is_done("1"), state.is_done("2")) == (False, True)
    state.forget("1")
    for late in ("1", "2"):
        with pytest.raises(Refused) as refused:
            state.reply(late, reply())
        assert refused.value.status == 400
    state.offer(invocation("3"))
    state.forget("3")
    state.runtime_exited(-9)
    with pytest.raises(Refused):
        state.next_invocation()


def test_extensions_are_released_together_and_all_must_come_back() -> None:
    changed = threading.Condition()
    extensions = Extensions(changed)
    assert extensions.are_ready
    identifiers = [extensions.register(name, ["INVOKE"]) for name in ("one", "two")]
    idle = extensions.register("idle", [])
    fetched: list[Invocation | None] = []
    threads = [
        threading.Thread(target=lambda i=i: fetched.append(extensions.next_event(i)))  # type: ignore[misc]
        for i in (*identifiers, idle)
    ]
    assert not extensions.are_ready
    for thread in threads:
        thread.start()
    wait(changed, lambda: extensions.are_ready)
    extensions.release(invocation())
    for thread in threads[:2]:
        thread.join()
    assert fetched == [invocation(), invocation()]
    assert not extensions.are_ready
    assert threads[2].is_alive()
    with pytest.raises(Refused):
        extensions.next_event(idle)
    extensions.stop()
    threads[2].join()
    assert fetched[2] is None
    extensions.fail(identifiers[0], "Exit", "Extension.Broken")
    assert extensions.failure is not None
    with pytest.raises(Refused):
        extensions.next_event(identifiers[0])


@pytest.mark.parametrize("phase", ["Init", "Exit"])
def test_an_extension_may_report_its_error_again_and_only_the_first_counts(phase: str) -> None:
    extensions = Extensions(threading.Condition())
    identifier = extensions.register("inner", ["INVOKE"])
    extensions.fail(identifier, phase, "Extension.First")
    extensions.fail(identifier, phase, "Extension.Second")
    assert extensions.failure == ExtensionFailure(phase, "Extension.First")
    with pytest.raises(Refused, match="not allowed while FAILED"):
        extensions.fail(identifier, "Exit" if phase == "Init" else "Init", "Extension.Other")


def test_an_extension_that_waits_is_refused_another_next_until_its_event_is_sent() -> None:
    changed = threading.Condition()
    extensions = Extensions(changed)
    identifier = extensions.register("inner", ["INVOKE"])
    calls = [threading.Thread(target=extensions.next_event, args=(identifier,)) for _ in range(2)]
    calls[0].start()
    with changed:
        assert changed.wait_for(lambda: extensions.are_ready, 10)
    with pytest.raises(Refused, match="next is not allowed while READY"):
        extensions.next_event(identifier)
    # Whether or not the first call's connection still stood, the event counts as delivered.
    extensions.release(invocation())
    calls[0].join()
    assert not extensions.are_ready
    calls[1].start()
    with changed:
        assert changed.wait_for(lambda: extensions.are_ready, 10)
    extensions.stop()
    calls[1].join()
