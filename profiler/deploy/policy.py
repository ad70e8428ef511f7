"""Minimal IAM policies: what a function needs to leave captures, and what a viewer needs to read them.

Sources: "Actions, resources, and condition keys" for S3, KMS, Systems Manager and AppConfig, in the Service
Authorization Reference; "IAM policy elements: Variables and tags" for what has to be escaped.
"""

from __future__ import annotations

from typing import Any

from profiler.errors import UsageError
from profiler.location import S3Location

Statement = dict[str, Any]


def writer_policy(location: S3Location, live: str | None = None, partition: str = "aws") -> Statement:
    """Return the policy for a function's role: put objects below one prefix, and nothing else.

    `live` names the live flag, `ssm:NAME` or `appconfig:APPLICATION/ENVIRONMENT/PROFILE`.
    """
    statements = [_allow("WriteCaptures", "s3:PutObject", _objects(location, partition))]
    statements += _key(location, "EncryptCaptures", "kms:GenerateDataKey", partition)
    if live is not None:
        statements.append(_live(live, partition))
    return _policy(statements)


def reader_policy(location: S3Location, partition: str = "aws") -> Statement:
    """Return the policy for whoever looks at the captures: list one prefix and get what is there."""
    listing = _allow("ListCaptures", "s3:ListBucket", f"arn:{partition}:s3:::{location.bucket}")
    if location.prefix:
        listing["Condition"] = {"StringLike": {"s3:prefix": f"{_escaped(location.prefix)}*"}}
    statements = [listing, _allow("ReadCaptures", "s3:GetObject", _objects(location, partition))]
    return _policy([*statements, *_key(location, "DecryptCaptures", "kms:Decrypt", partition)])


def _policy(statements: list[Statement]) -> Statement:
    return {"Version": "2012-10-17", "Statement": statements}


def _allow(sid: str, actions: str | list[str], resource: str) -> Statement:
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource}


def _objects(location: S3Location, partition: str) -> str:
    return f"arn:{partition}:s3:::{location.bucket}/{_escaped(location.prefix)}*"


def _key(location: S3Location, sid: str, action: str, partition: str) -> list[Statement]:
    """Return the statement for the key that the store's URI names; for S3's own keys none is needed.

    An alias cannot be a resource; a condition names it.
    """
    key = location.kms_key_id
    if key is None:
        return []
    arn = key if key.startswith("arn:") else f"arn:{partition}:kms:*:*:{key}"
    owner, _, name = arn.rpartition(":")
    if not name.startswith("alias/"):
        return [_allow(sid, action, f"{owner}:key/{name.removeprefix('key/')}")]
    statement = _allow(sid, action, f"{owner}:key/*")
    statement["Condition"] = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": name}}
    return [statement]


def _live(flag: str, partition: str) -> Statement:
    kind, _, name = flag.partition(":")
    if kind == "ssm" and name:
        # A parameter that another account shares is named by its ARN.
        is_arn = name.startswith("arn:")
        resource = name if is_arn else f"arn:{partition}:ssm:*:*:parameter/{name.lstrip('/')}"
        return _allow("ReadLiveFlag", "ssm:GetParameter", resource)
    if kind == "appconfig" and name.count("/") == 2:
        # AppConfig's ARNs hold ids, which the names do not tell.
        resource = f"arn:{partition}:appconfig:*:*:application/*/environment/*/configuration/*"
        actions = ["appconfig:StartConfigurationSession", "appconfig:GetLatestConfiguration"]
        return _allow("ReadLiveFlag", actions, resource)
    raise UsageError(f"--live {flag}: write ssm:NAME or appconfig:APPLICATION/ENVIRONMENT/PROFILE")


def _escaped(text: str) -> str:
    """Return a key's prefix as a policy writes it: `*`, `?` and `$` have a meaning there."""
    return "".join(f"${{{character}}}" if character in "*?$" else character for character in text)
