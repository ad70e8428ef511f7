"""What `enable` and `disable` make of a configuration, without any API."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

pytest.importorskip("hypothesis")

from hypothesis import given
from hypothesis import strategies as st

from profiler.deploy.change import BEFORE, Wanted, disable, enable
from profiler.deploy.function import EXEC_WRAPPER, INNER_WRAPPER, OUR_WRAPPER, Function, FunctionName
from profiler.errors import FunctionError
from profiler.settings import unknown_variables

LAYER = "arn:aws:lambda:eu-west-1:123456789012:layer:invocation-profiler:"
OTHER_LAYER = "arn:aws:lambda:eu-west-1:210987654321:layer:numpy:"
ON = {"PROFILER_ENABLED": "1", "PROFILER_STORE": "s3://team-profiles/shop"}


def function(variables: dict[str, str] | None = None, *layers: str, **facts: Any) -> Function:
    facts = {"runtime": "python3.12", "handler": "app.handler", "revision_id": "r1", **facts}
    return Function(name="checkout", variables=variables or {}, layers=layers, **facts)


names = st.sampled_from(["TEAM", "DB", EXEC_WRAPPER, "PROFILER_RATE", "PROFILER_LABELS", "PROFILER_STORE"])
values = {
    "PROFILER_RATE": st.sampled_from(["0.5", "1"]),
    "PROFILER_LABELS": st.sampled_from(["a=b", "ü=\"'"]),
    "PROFILER_STORE": st.sampled_from(["s3://other", "/mnt/profiles"]),
    EXEC_WRAPPER: st.sampled_from(["/opt/otel", OUR_WRAPPER]),
}
configurations = st.builds(
    lambda variables, layers: function(variables, *layers),
    st.lists(names, unique=True).flatmap(
        lambda chosen: st.fixed_dictionaries(
            {n: values.get(n, st.sampled_from(["", "ü x", "secret"])) for n in chosen}
        )
    ),
    st.lists(st.sampled_from([OTHER_LAYER + "1", LAYER + "1", LAYER + "2"]), unique_by=lambda a: a[:-1]),
)
wishes = st.builds(
    lambda settings, layer, wrapper: Wanted({**ON, **settings}, layer, wrapper),
    st.dictionaries(st.just("PROFILER_RATE"), st.sampled_from(["0.1", "0.2"])),
    st.sampled_from([None, LAYER + "2", LAYER + "3", OTHER_LAYER + "9"]),
    st.sampled_from([None, True, False]),
)


@given(configurations, st.lists(wishes, min_size=1, max_size=3))
def test_disable_undoes_whatever_was_enabled(before: Function, wanted: list[Wanted]) -> None:
    now = before
    for wish in wanted:
        now = enable(now, wish).after
        assert now.state == "on"
        kept = {n: v for n, v in before.variables.items() if not n.startswith(("PROFILER_", EXEC_WRAPPER))}
        assert {n: now.variables[n] for n in kept} == kept
        assert set(now.variables) - {*before.variables, EXEC_WRAPPER} <= {
            n for n in now.variables if n.startswith("PROFILER_")
        }
        assert unknown_variables(now.variables) == []
        assert enable(now, wish).is_empty
    assert disable(now).after == before


@given(configurations, wishes)
def test_only_what_changes_is_sent(before: Function, wish: Wanted) -> None:
    change = enable(before, wish)
    arguments = change.arguments()
    assert arguments.pop("FunctionName") == "checkout"
    assert arguments.pop("RevisionId") == "r1"
    assert arguments.pop("Environment") == {"Variables": change.after.variables}
    assert arguments == (
        {} if change.after.layers == before.layers else {"Layers": list(change.after.layers)}
    )


def test_a_layer_brings_the_wrapper_around_the_one_that_is_there() -> None:
    change = enable(function({EXEC_WRAPPER: "/opt/otel", "DB": "secret"}), Wanted(ON, LAYER + "4"))
    assert change.after.layers == (LAYER + "4",)
    assert change.after.variables[EXEC_WRAPPER] == OUR_WRAPPER
    assert change.after.variables[INNER_WRAPPER] == "/opt/otel"
    assert change.notes == ()
    assert list(change.lines()) == [
        f"~ {EXEC_WRAPPER}=/opt/otel → {OUR_WRAPPER}",
        "+ PROFILER_BEFORE=(what disable puts back)",
        "+ PROFILER_ENABLED=1",
        "+ PROFILER_INNER_WRAPPER=/opt/otel",
        "+ PROFILER_STORE=s3://team-profiles/shop",
        f"+ layer {LAYER}4",
    ]


def test_without_a_layer_only_variables_are_set_and_that_is_said() -> None:
    change = enable(function(), Wanted(ON))
    assert EXEC_WRAPPER not in change.after.variables
    assert change.notes == ("only variables are set, so its code needs @profile, or --layer ARN",)
    assert enable(function(is_image=True, runtime=None), Wanted(ON)).notes == (
        "only variables are set, so its code needs @profile, or the image our entry point",
    )
    assert enable(function(handler="profiler.aws.entrypoint.handler"), Wanted(ON)).notes == ()


@pytest.mark.parametrize(
    ("before", "wanted", "uses"),
    [
        (function({}, LAYER + "1"), Wanted(ON), True),
        (function({}, LAYER + "1"), Wanted(ON, wrapper=False), False),
        (function({}, OTHER_LAYER + "1"), Wanted(ON), False),
        (function({}), Wanted(ON, wrapper=True), True),
        (function(is_image=True, runtime=None), Wanted(ON, wrapper=True), True),
        (function({}, handler="profiler.aws.entrypoint.handler"), Wanted(ON, LAYER + "1"), False),
    ],
)
def test_the_wrapper_is_used_where_the_layer_is(before: Function, wanted: Wanted, uses: bool) -> None:
    assert enable(before, wanted).after.has_wrapper is uses


def test_a_newer_version_of_the_layer_takes_the_place_of_the_older() -> None:
    before = function({}, LAYER + "3", OTHER_LAYER + "1")
    now = enable(before, Wanted(ON, LAYER + "4")).after
    assert now.layers == (LAYER + "4", OTHER_LAYER + "1")
    assert disable(now).after.layers == before.layers
    again = enable(now, Wanted(ON, LAYER + "5")).after
    assert again.layers == (LAYER + "5", OTHER_LAYER + "1")
    assert disable(again).after == before


def test_settings_of_an_earlier_enable_stay() -> None:
    first = enable(function(), Wanted({**ON, "PROFILER_RATE": "0.1"})).after
    second = enable(first, Wanted({"PROFILER_ENABLED": "1", "PROFILER_CPU": "off"})).after
    assert (second.variables["PROFILER_RATE"], second.variables["PROFILER_CPU"]) == ("0.1", "off")


def test_what_was_switched_on_by_hand_loses_the_flag_alone() -> None:
    by_hand = function({**ON, "PROFILER_RATE": "0.1"})
    assert disable(by_hand).after.variables == {
        "PROFILER_STORE": ON["PROFILER_STORE"],
        "PROFILER_RATE": "0.1",
    }
    off = function({"PROFILER_ENABLED": "0", "TEAM": "shop"})
    assert disable(off).is_empty


def test_what_was_on_before_is_on_afterwards_and_that_is_said() -> None:
    now = enable(function(dict(ON)), Wanted({"PROFILER_RATE": "0.1"})).after
    change = disable(now)
    assert change.after.state == "on"
    assert change.notes == ("it was on before it was enabled, and still is",)


def test_a_wrapper_put_there_meanwhile_stays() -> None:
    now = enable(function(), Wanted(ON, LAYER + "1")).after
    theirs = replace(now, variables={**now.variables, EXEC_WRAPPER: "/opt/datadog_wrapper"})
    assert disable(theirs).after.variables == {EXEC_WRAPPER: "/opt/datadog_wrapper"}


def test_a_secret_is_never_shown() -> None:
    secret = {"PROFILER_REQUEST_KEY": "hush-hush-hush-hush"}
    now = enable(function({**secret, "DB_PASSWORD": "hush-hush-hush-hush"}), Wanted(ON, LAYER + "1"))
    assert "hush" not in "".join(now.lines())
    assert "hush" not in "".join(disable(now.after).lines())


def test_variables_over_lambdas_limit_are_refused() -> None:
    small = function({"TEAM": "x" * 3800})
    assert enable(small, Wanted(ON)).after.variables[BEFORE] == "{}"
    with pytest.raises(
        FunctionError, match=r"checkout: its variables would take 4\d\d\d bytes, Lambda allows 4096"
    ):
        enable(function({"TEAM": "x" * 4000}), Wanted(ON))


@pytest.mark.parametrize(
    ("before", "wanted", "told"),
    [
        (function(), Wanted({"PROFILER_ENABLED": "1"}), "PROFILER_STORE is not set: give --store"),
        (function(), Wanted({"PROFILER_STORE": "profiles"}), "is a folder of yours"),
        (function(), Wanted({"PROFILER_STORE": "http://x"}), "unknown scheme"),
        (
            function(),
            Wanted({**ON, "PROFILER_RATE": "2"}),
            "PROFILER_RATE=2: allowed is a number from 0 to 1",
        ),
        (function({"PROFILER_CPU": "gdb"}), Wanted(ON), "PROFILER_CPU=gdb"),
        (function(runtime="nodejs20.x"), Wanted(ON), "runs nodejs20.x"),
        (function(runtime="python3.9"), Wanted(ON), "runs python3.9; the profiler needs 3.10"),
        (function(runtime="python2.7"), Wanted(ON), "runs python2.7"),
        (function(runtime=None), Wanted(ON), "runs no managed runtime"),
        (function(is_image=True, runtime=None), Wanted(ON, LAYER + "1"), "a container image takes no layer"),
        (
            function({}, *(f"{OTHER_LAYER}{n}" for n in range(5))),
            Wanted(ON, LAYER + "1"),
            "has 5 layers already",
        ),
        (function({BEFORE: "["}), Wanted(ON), "PROFILER_BEFORE cannot be read"),
        (function({BEFORE: "3"}), Wanted(ON), "PROFILER_BEFORE cannot be read"),
        (function({BEFORE: '{"settings": 3}'}), Wanted(ON), "PROFILER_BEFORE cannot be read"),
    ],
)
def test_what_cannot_work_is_refused(before: Function, wanted: Wanted, told: str) -> None:
    with pytest.raises(FunctionError, match="checkout: ") as refused:
        enable(before, wanted)
    assert told in str(refused.value)


def test_variables_that_cannot_be_read_are_not_written() -> None:
    answer = {"Environment": {"Error": {"ErrorCode": "AccessDeniedException", "Message": "kms"}}}
    with pytest.raises(FunctionError, match="cannot be read"):
        Function.of("checkout", answer)


ARN = "arn:aws:lambda:eu-west-1:123456789012:function:checkout"


@pytest.mark.parametrize(
    ("text", "name", "qualifier", "region"),
    [
        ("checkout", "checkout", None, None),
        ("checkout:$LATEST", "checkout", None, None),
        ("checkout:live", "checkout", "live", None),
        ("checkout:12", "checkout", "12", None),
        (ARN, ARN, None, "eu-west-1"),
        (f"{ARN}:live", ARN, "live", "eu-west-1"),
        ("123456789012:function:checkout", "123456789012:function:checkout", None, None),
        ("arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:f", ..., None, "us-gov-west-1"),
    ],
)
def test_functions_go_by_name_and_arn(
    text: str, name: Any, qualifier: str | None, region: str | None
) -> None:
    found = FunctionName.parse(text)
    assert found == FunctionName(text if name is ... else name, qualifier, region)
    if qualifier:
        with pytest.raises(FunctionError, match="versions and aliases cannot be changed"):
            found.changeable()


@pytest.mark.parametrize("text", ["", "a b", "arn:aws:s3:::bucket", "f:", "x" * 141])
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(FunctionError, match="no name and no ARN"):
        FunctionName.parse(text)


def test_the_note_of_what_was_there_is_short() -> None:
    now = enable(function({"PROFILER_RATE": "1"}), Wanted(ON, LAYER + "1")).after
    assert json.loads(now.variables[BEFORE]) == {
        "settings": {"PROFILER_RATE": "1"},
        "layer": LAYER + "1",
        "wrapper": True,
    }
