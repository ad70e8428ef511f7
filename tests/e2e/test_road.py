"""The whole road: AWS's own runtime client, a real S3 server, and the viewer's commands on the other end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from profiler.codec import decode
from profiler.keys import CaptureKey
from profiler.testing import ExecutionEnvironment
from tests.e2e.apps import EVENT, LEAKY, expected_total
from tests.servers import S3Server

WARM = 30


@pytest.fixture
def task_root(tmp_path: Path) -> Path:
    root = tmp_path / "task"
    root.mkdir()
    (root / "app.py").write_text(LEAKY, encoding="utf-8")
    return root


def viewer(store: str, *arguments: str, env: dict[str, str] | None = None) -> Any:
    """Run a viewer command on a store."""
    command = [sys.executable, "-m", "viewer", *arguments, "--store", store]
    environ = {**os.environ, **(env or {})}
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)


def invoke_all(environment: ExecutionEnvironment, count: int) -> list[Any]:
    results = [environment.invoke(EVENT) for _ in range(count)]
    assert [result.status for result in results] == ["ok"] * count, environment.log
    assert {result.payload["total"] for result in results} == {expected_total()}
    return results


def test_captures_of_two_environments_reach_s3_and_become_a_verdict(
    task_root: Path, s3_server: S3Server, bucket: str, tmp_path: Path
) -> None:
    store = f"s3://{bucket}/team/shop"
    env = {**s3_server.env(), "PROFILER_ENABLED": "1", "PROFILER_STORE": store, "PROFILER_LABELS": "build=91"}
    for _ in range(2):
        with ExecutionEnvironment("app.handler", task_root=task_root, env=env, memory_mb=256) as environment:
            invoke_all(environment, WARM + 1)
            assert "profiler:" not in environment.log

    pages = s3_server.client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="team/shop/")
    objects = [item["Key"] for page in pages for item in page.get("Contents", [])]
    keys = [CaptureKey.parse(name) for name in objects]
    assert None not in keys
    assert len({key.environment_id for key in keys if key}) == 2
    for environment_id in {key.environment_id for key in keys if key}:
        sequence = sorted(key.sequence for key in keys if key and key.environment_id == environment_id)
        assert sequence == list(range(1, WARM + 2))

    body = s3_server.client().get_object(Bucket=bucket, Key=objects[0])["Body"].read()
    capture = decode(body)
    assert capture.invocation.memory_limit_mb == 256
    assert capture.invocation.labels == {"build": "91"}
    assert capture.frames[capture.threads[0].stacks[0][0]].name == "handler"

    reader = s3_server.env()
    listed = json.loads(viewer(store, "ls", "--json", env=reader).stdout)
    assert len(listed) == 2 * (WARM + 1)
    page = tmp_path / "slowest.html"
    drawn = viewer(store, "flamegraph", "--slowest", "20", "-o", str(page), env=reader)
    assert drawn.returncode == 0, drawn.stderr
    assert "slow_price" in page.read_text(encoding="utf-8")
    verdict = viewer(store, "leaks", env=reader)
    assert verdict.returncode == 1, verdict.stdout + verdict.stderr
    assert "app.PRICES" in verdict.stdout
    assert "in lookup" in verdict.stdout
    leaks = json.loads(viewer(store, "leaks", "--json", env=reader).stdout)
    # Found in both environments, joined to one; its bounded neighbour is no finding.
    assert [(found["subject"], len(found["environments"])) for found in leaks["findings"]] == [
        ("app.PRICES", 2)
    ]
    assert {place["name"] for place in leaks["findings"][0]["filled_at"]} == {"lookup"}


def test_captures_reach_a_local_folder(task_root: Path, tmp_path: Path) -> None:
    store = tmp_path / "profiles"
    env = {"PROFILER_ENABLED": "1", "PROFILER_STORE": str(store), "PROFILER_MEMORY": "tracemalloc"}
    with ExecutionEnvironment("app.handler", task_root=task_root, env=env) as environment:
        invoke_all(environment, WARM + 1)
    files = sorted(store.rglob("*.speedscope.json.gz"))
    assert len(files) == WARM + 1
    assert not [path for path in store.rglob("*") if path.is_file() and path not in files]
    verdict = viewer(str(store), "leaks")
    assert verdict.returncode == 1, verdict.stdout + verdict.stderr
    assert "app.PRICES" in verdict.stdout


def test_off_loads_nothing_and_leaves_nothing(task_root: Path, tmp_path: Path) -> None:
    with ExecutionEnvironment(
        "app.handler", task_root=task_root, env={"PROFILER_STORE": str(tmp_path / "profiles")}
    ) as environment:
        results = invoke_all(environment, 3)
    assert results[-1].payload["loaded"] == ["profiler", "profiler._wrap"]
    assert not (tmp_path / "profiles").exists()


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"PROFILER_CPU": "perf", "PROFILER_RATE": "1.5"}, ["PROFILER_CPU=perf", "PROFILER_RATE=1.5"]),
        ({"PROFILER_STORE": ""}, ["PROFILER_STORE"]),
        ({"PROFILER_STORE": "ftp://bucket"}, ["ftp://bucket"]),
    ],
)
def test_bad_settings_are_one_warning(task_root: Path, variables: dict[str, str], said: list[str]) -> None:
    env = {"PROFILER_ENABLED": "1", "PROFILER_STORE": "s3://bucket", **variables}
    with ExecutionEnvironment("app.handler", task_root=task_root, env=env) as environment:
        invoke_all(environment, 3)
        lines = [line for line in environment.log.splitlines() if "profiler:" in line]
    assert len(lines) == 1
    assert all(part in lines[0] for part in said)


def test_a_wrong_secret_is_one_clear_line(task_root: Path, seaweedfs: S3Server) -> None:
    seaweedfs.make_bucket("refusing")
    env = {
        **seaweedfs.env(),
        "AWS_SECRET_ACCESS_KEY": "wrong",
        "PROFILER_ENABLED": "1",
        "PROFILER_STORE": "s3://refusing/shop",
    }
    with ExecutionEnvironment("app.handler", task_root=task_root, env=env) as environment:
        invoke_all(environment, 5)
        lines = [line for line in environment.log.splitlines() if "profiler:" in line]
    assert len(lines) == 1, environment.log
    assert "AWS_SECRET_ACCESS_KEY" in lines[0]
    assert "Traceback" not in environment.log


def test_an_unreachable_store_never_reaches_the_handler(task_root: Path) -> None:
    env = {
        "AWS_ACCESS_KEY_ID": "any",
        "AWS_SECRET_ACCESS_KEY": "any",
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9",
        "PROFILER_ENABLED": "1",
        "PROFILER_STORE": "s3://bucket",
    }
    with ExecutionEnvironment("app.handler", task_root=task_root, env=env) as environment:
        invoke_all(environment, 3)
        assert environment.log.count("profiler:") == 1
