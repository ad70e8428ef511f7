"""`profiler policy`: the permissions that a function, or whoever looks at its captures, needs."""

from __future__ import annotations

import argparse
import json
import os

from profiler.deploy.policy import reader_policy, writer_policy
from profiler.errors import UsageError
from profiler.location import S3Location, parse_location


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--store", metavar="URI", help="s3://bucket/prefix (PROFILER_STORE)")
    parser.add_argument("--reader", action="store_true", help="for the viewer, not for the function's role")
    parser.add_argument(
        "--live",
        metavar="FLAG",
        help="also read a live flag: ssm:NAME or appconfig:APPLICATION/ENVIRONMENT/PROFILE",
    )
    parser.add_argument(
        "--partition", choices=("aws", "aws-cn", "aws-us-gov"), default="aws", help="of the ARNs (aws)"
    )


def run(options: argparse.Namespace) -> int:
    """Print the policy as JSON."""
    uri = options.store or os.environ.get("PROFILER_STORE")
    if not uri:
        raise UsageError("policy: give --store s3://bucket/prefix")
    location = parse_location(uri)
    if not isinstance(location, S3Location):
        raise UsageError(
            f"policy: {uri} is no bucket, and there is no policy for it; give s3://bucket/prefix"
        )
    if options.reader and options.live:
        raise UsageError("policy: --live is for a function's role, --reader for a viewer's")
    policy = (
        reader_policy(location, options.partition)
        if options.reader
        else writer_policy(location, options.live, options.partition)
    )
    print(json.dumps(policy, indent=2))
    return 0
