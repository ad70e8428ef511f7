"""The variables, their arguments, and one message for everything that is wrong with them."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from profiler.engines import CLOCKS, ENGINES
from profiler.errors import SettingsError
from profiler.settings import Settings, unknown_variables, variable_of
from profiler.triggers import Keep, Rules

# variable, text, field, value
GOOD = [
    ("PROFILER_ENABLED", "1", "enabled", True),
    ("PROFILER_ENABLED", " Yes ", "enabled", True),
    ("PROFILER_ENABLED", "off", "enabled", False),
    ("PROFILER_ENABLED", "", "enabled", False),
    ("PROFILER_FLAG", "ssm:/shop/profile", "flag", "ssm:/shop/profile"),
    ("PROFILER_FLAG", "appconfig:shop/prod/flags#profile", "flag", "appconfig:shop/prod/flags#profile"),
    ("PROFILER_FLAG", "openfeature:profile", "flag", "openfeature:profile"),
    ("PROFILER_FLAG_TTL_S", "5", "flag_ttl_s", 5.0),
    ("PROFILER_STORE", "s3://bucket/a/b", "store", "s3://bucket/a/b"),
    ("PROFILER_STORE", "captures", "store", "captures"),
    ("PROFILER_CPU", "PyInstrument", "cpu", "pyinstrument"),
    ("PROFILER_CPU", "off", "cpu", "off"),
    ("PROFILER_CLOCK", "cpu", "clock", "cpu"),
    ("PROFILER_INTERVAL_MS", "0.5", "interval_ms", 0.5),
    ("PROFILER_MEMORY", "tracemalloc", "memory", "tracemalloc"),
    ("PROFILER_MEMORY_FRAMES", "25", "memory_frames", 25),
    ("PROFILER_GC", "freeze", "gc", "freeze"),
    ("PROFILER_TRIGGER", "first:5, every:100", "trigger", Rules(first=5, every=100)),
    ("PROFILER_REQUEST_KEY", " sixteen characters ", "request_key", "sixteen characters"),
    ("PROFILER_KEEP", "error,slow:500ms", "keep", Keep(error=True, slow_ns=500_000_000)),
    ("PROFILER_INIT", "on", "init", True),
    ("PROFILER_RATE", "0.1", "rate", 0.1),
    ("PROFILER_RATE", "0", "rate", 0.0),
    ("PROFILER_UPLOAD", "after-response", "upload", "after-response"),
    ("PROFILER_RESERVE_MS", "1000", "reserve_ms", 1000),
    ("PROFILER_MAX_CAPTURES", "5", "max_captures", 5),
    ("PROFILER_SPOOL_MB", "512", "spool_mb", 512),
    (
        "PROFILER_LABELS",
        "team=shop, build=91,url=a=b,",
        "labels",
        {"team": "shop", "build": "91", "url": "a=b"},
    ),
]
BAD = [
    ("PROFILER_ENABLED", "flase"),
    ("PROFILER_FLAG", "ssm:"),
    ("PROFILER_FLAG", "appconfig:shop/prod"),
    ("PROFILER_FLAG", "file:/etc/flag"),
    ("PROFILER_FLAG_TTL_S", "0"),
    ("PROFILER_STORE", "ftp://host/a"),
    ("PROFILER_STORE", "s3:///a"),
    ("PROFILER_STORE", "s3://[bucket/a"),
    ("PROFILER_CPU", "perf"),
    ("PROFILER_CLOCK", "solar"),
    ("PROFILER_INTERVAL_MS", "0"),
    ("PROFILER_INTERVAL_MS", "nan"),
    ("PROFILER_INTERVAL_MS", "1ms"),
    ("PROFILER_MEMORY", "all"),
    ("PROFILER_MEMORY_FRAMES", "0"),
    ("PROFILER_MEMORY_FRAMES", "1.5"),
    ("PROFILER_GC", "on"),
    ("PROFILER_TRIGGER", "always"),
    ("PROFILER_REQUEST_KEY", "short"),
    ("PROFILER_KEEP", "slow"),
    ("PROFILER_INIT", "maybe"),
    ("PROFILER_RATE", "1.5"),
    ("PROFILER_RATE", "-0.1"),
    ("PROFILER_RATE", "inf"),
    ("PROFILER_UPLOAD", "later"),
    ("PROFILER_RESERVE_MS", "-1"),
    ("PROFILER_MAX_CAPTURES", "0"),
    ("PROFILER_MAX_CAPTURES", "many"),
    ("PROFILER_SPOOL_MB", "0"),
    ("PROFILER_SPOOL_MB", "0.5"),
    ("PROFILER_LABELS", "shop"),
    ("PROFILER_LABELS", "=shop"),
]


def test_every_setting_is_tried_here() -> None:
    variables = {variable_of(field.name) for field in fields(Settings)}
    assert {variable for variable, *_ in GOOD} == variables
    assert {variable for variable, *_ in BAD} == variables


@pytest.mark.parametrize(("variable", "text", "field", "value"), GOOD)
def test_a_variable_is_read(variable: str, text: str, field: str, value: Any) -> None:
    assert getattr(Settings.from_env({variable: text}), field) == value


@pytest.mark.parametrize(("variable", "text"), BAD)
def test_a_bad_value_is_named_with_what_is_allowed(variable: str, text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({variable: text})
    message = str(caught.value)
    shown = "…" if variable == "PROFILER_REQUEST_KEY" else text
    assert message.startswith(f"{variable}={shown}: ")
    assert len(message) > len(f"{variable}={text}: ")
    assert "\n" not in message


def test_an_empty_variable_is_not_set() -> None:
    environ = {variable_of(field.name): " " for field in fields(Settings)}
    assert Settings.from_env(environ) == Settings()


def test_an_empty_environment_gives_the_defaults() -> None:
    assert Settings.from_env({"PATH": "/bin"}) == Settings()


def test_all_bad_values_come_in_one_message() -> None:
    environ = {"PROFILER_RATE": "2", "PROFILER_CPU": "perf", "PROFILER_MEMORY_FRAMES": "x"}
    with pytest.raises(SettingsError) as caught:
        Settings.from_env(environ, interval_ms=-1)
    message = str(caught.value)
    assert all(f"{name}={value}: " in message for name, value in environ.items())
    assert "interval_ms=-1: " in message


def test_an_argument_beats_its_variable() -> None:
    environ = {"PROFILER_RATE": "0.5", "PROFILER_CPU": "off"}
    assert Settings.from_env(environ, rate=0.25) == Settings(rate=0.25, cpu="off")


def test_an_argument_beats_even_a_bad_variable() -> None:
    assert Settings.from_env({"PROFILER_RATE": "lots"}, rate=1) == Settings()


def test_an_argument_of_none_leaves_the_variable() -> None:
    assert Settings.from_env({"PROFILER_RATE": "0.5"}, rate=None).rate == 0.5


@pytest.mark.parametrize("value", [10**400, float("nan"), None, [], "x"])
def test_a_bad_argument_is_an_error_of_settings(value: Any) -> None:
    for name in ("rate", "memory_frames", "cpu"):
        if value is not None:
            with pytest.raises(SettingsError, match=f"^{name}="):
                Settings.from_env({}, **{name: value})


def test_live_needs_a_flag() -> None:
    with pytest.raises(SettingsError, match="PROFILER_FLAG is not set"):
        Settings.from_env({"PROFILER_ENABLED": "live"})
    assert Settings.from_env({"PROFILER_ENABLED": "Live", "PROFILER_FLAG": "ssm:a"}).is_live
    assert not Settings.from_env({"PROFILER_ENABLED": "1", "PROFILER_FLAG": "ssm:a"}).is_live


def test_a_secret_is_in_no_message() -> None:
    with pytest.raises(SettingsError, match="PROFILER_REQUEST_KEY=…: a key has 16 characters") as caught:
        Settings.from_env({"PROFILER_REQUEST_KEY": "hush"})
    assert "hush" not in str(caught.value)


def test_labels_may_be_a_mapping() -> None:
    assert Settings.from_env({}, labels={"team": "shop", "build": 91}).labels == {
        "team": "shop",
        "build": "91",
    }


def test_an_unknown_argument_names_those_there_are() -> None:
    with pytest.raises(TypeError, match=r"no setting 'rat'.*rate"):
        Settings.from_env({}, rat=1)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("clock", ["wall", "cpu"])
def test_an_engine_refuses_a_clock_it_has_not(engine: str, clock: str) -> None:
    environ = {"PROFILER_CPU": engine, "PROFILER_CLOCK": clock}
    if clock in CLOCKS[engine]:
        assert Settings.from_env(environ).clock == clock
    else:
        with pytest.raises(SettingsError, match=f"PROFILER_CLOCK={clock}: {engine} has wall only"):
            Settings.from_env(environ)


def test_without_an_engine_the_clock_does_not_matter() -> None:
    assert Settings.from_env({"PROFILER_CPU": "off", "PROFILER_CLOCK": "cpu"}).cpu == "off"


def test_all_settings_that_contradict_each_other_are_told() -> None:
    environ = {"PROFILER_CPU": "pyinstrument", "PROFILER_CLOCK": "cpu", "PROFILER_ENABLED": "live"}
    growth = {"PROFILER_KEEP": "error,grew:1KB", "PROFILER_MEMORY": "off"}
    with pytest.raises(SettingsError) as caught:
        Settings.from_env(environ | growth)
    assert [problem.split(":")[0] for problem in str(caught.value).split("; ")] == [
        "PROFILER_FLAG is not set, and PROFILER_ENABLED=live reads it",
        "PROFILER_KEEP=grew",
        "PROFILER_CLOCK=cpu",
    ]


def test_slips_of_the_pen_are_found() -> None:
    environ = {"PROFILER_RATE": "1", "PROFILER_RATTE": "1", "PROFILERX": "", "PROFILER_": "", "PATH": ""}
    assert unknown_variables(environ) == ["PROFILER_", "PROFILER_RATTE"]
