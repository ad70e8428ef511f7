"""How a test reaches an S3 server, whichever it is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import boto3
from botocore.config import Config


@dataclass(frozen=True, slots=True)
class S3Server:
    """An endpoint and the credentials of one identity."""

    endpoint_url: str
    access_key: str
    secret_key: str
    region: str = "us-east-1"

    def env(self) -> dict[str, str]:
        """Return the variables with which any AWS SDK finds this server; nothing of the caller's."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_ENDPOINT_URL_S3": self.endpoint_url,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def as_identity(self, access_key: str, secret_key: str) -> S3Server:
        """Return the same server with other credentials."""
        return replace(self, access_key=access_key, secret_key=secret_key)

    def client(self) -> Any:
        """Return a boto3 client of its own session, path style, that never retries."""
        session = boto3.session.Session(self.access_key, self.secret_key, region_name=self.region)
        config = Config(
            s3={"addressing_style": "path"},
            retries={"total_max_attempts": 1},
            connect_timeout=5,
            read_timeout=30,
        )
        return session.client("s3", endpoint_url=self.endpoint_url, config=config)

    def make_bucket(self, name: str) -> str:
        """Create a bucket and return its name."""
        self.client().create_bucket(Bucket=name)
        return name
