"""The policies that `profiler policy` prints."""

from __future__ import annotations

import json
from typing import Any

import pytest

from profiler.cli import main


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    assert main(["policy", *arguments]) == 0
    policy = json.loads(capsys.readouterr().out)
    assert policy.pop("Version") == "2012-10-17"
    statements: list[dict[str, Any]] = policy.pop("Statement")
    assert policy == {}
    assert {statement.pop("Effect") for statement in statements} == {"Allow"}
    assert all(statement.pop("Sid").isalnum() for statement in statements)
    return statements


def test_a_function_may_put_below_one_prefix(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, "--store", "s3://team-profiles/shop") == [
        {"Action": "s3:PutObject", "Resource": "arn:aws:s3:::team-profiles/shop/*"}
    ]


def test_a_whole_bucket_has_no_prefix(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, "--store", "s3://b", "--partition", "aws-cn") == [
        {"Action": "s3:PutObject", "Resource": "arn:aws-cn:s3:::b/*"}
    ]
    assert printed(capsys, "--store", "s3://b", "--reader") == [
        {"Action": "s3:ListBucket", "Resource": "arn:aws:s3:::b"},
        {"Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"},
    ]


def test_a_reader_may_list_and_get_one_prefix(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROFILER_STORE", "s3://team-profiles/shop/eu")
    assert printed(capsys, "--reader") == [
        {
            "Action": "s3:ListBucket",
            "Resource": "arn:aws:s3:::team-profiles",
            "Condition": {"StringLike": {"s3:prefix": "shop/eu/*"}},
        },
        {"Action": "s3:GetObject", "Resource": "arn:aws:s3:::team-profiles/shop/eu/*"},
    ]


def test_what_a_policy_would_read_as_a_pattern_is_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    (statement,) = printed(capsys, "--store", "s3://b/a*b$c")
    assert statement["Resource"] == "arn:aws:s3:::b/a${*}b${$}c/*"


@pytest.mark.parametrize(
    ("key", "resource", "alias"),
    [
        ("1234-abcd", "arn:aws:kms:*:*:key/1234-abcd", None),
        ("arn:aws:kms:eu-west-1:123456789012:key/1234", "arn:aws:kms:eu-west-1:123456789012:key/1234", None),
        ("alias/profiles", "arn:aws:kms:*:*:key/*", "alias/profiles"),
        (
            "arn:aws:kms:eu-west-1:123456789012:alias/profiles",
            "arn:aws:kms:eu-west-1:123456789012:key/*",
            "alias/profiles",
        ),
    ],
)
@pytest.mark.parametrize(("role", "action"), [((), "kms:GenerateDataKey"), (("--reader",), "kms:Decrypt")])
def test_the_stores_own_key_is_allowed(
    capsys: pytest.CaptureFixture[str],
    key: str,
    resource: str,
    alias: str | None,
    role: tuple[str, ...],
    action: str,
) -> None:
    expected: dict[str, Any] = {"Action": action, "Resource": resource}
    if alias:
        expected["Condition"] = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": alias}}
    assert printed(capsys, "--store", f"s3://b/p?kms_key_id={key}", *role)[-1] == expected


def test_s3s_own_key_needs_no_permission(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(printed(capsys, "--store", "s3://b/p?sse=aws:kms")) == 1


@pytest.mark.parametrize(
    ("live", "action", "resource"),
    [
        ("ssm:/shop/flag", "ssm:GetParameter", "arn:aws:ssm:*:*:parameter/shop/flag"),
        ("ssm:flag", "ssm:GetParameter", "arn:aws:ssm:*:*:parameter/flag"),
        (
            "ssm:arn:aws:ssm:eu-west-1:111122223333:parameter/shop/flag",
            "ssm:GetParameter",
            "arn:aws:ssm:eu-west-1:111122223333:parameter/shop/flag",
        ),
        (
            "appconfig:shop/prod/profiler",
            ["appconfig:StartConfigurationSession", "appconfig:GetLatestConfiguration"],
            "arn:aws:appconfig:*:*:application/*/environment/*/configuration/*",
        ),
    ],
)
def test_a_live_flag_may_be_read(
    capsys: pytest.CaptureFixture[str], live: str, action: object, resource: str
) -> None:
    assert printed(capsys, "--store", "s3://b", "--live", live)[1] == {"Action": action, "Resource": resource}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "policy: give --store s3://bucket/prefix"),
        (["--store", "profiles"], "profiles is no bucket"),
        (["--store", "http://x"], "http://x is no bucket"),
        (["--store", "s3://b", "--live", "etcd:x"], "write ssm:NAME"),
        (["--store", "s3://b", "--live", "ssm:x", "--reader"], "--live is for a function's role"),
    ],
)
def test_a_mistake_is_one_line(capsys: pytest.CaptureFixture[str], arguments: list[str], told: str) -> None:
    assert main(["policy", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert line.startswith("profiler: ")
    assert told in line
