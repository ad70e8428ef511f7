"""Real S3 servers on loopback, each in a process of its own."""

from tests.servers.moto_server import moto_server
from tests.servers.s3 import S3Server
from tests.servers.seaweedfs import seaweedfs_server, write_only

__all__ = ["S3Server", "moto_server", "seaweedfs_server", "write_only"]
