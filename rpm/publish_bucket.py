"""A bucket of an S3-compatible service, with conditional writes (Cloudflare R2, Amazon S3).

Credentials, endpoint and region are boto3's own affair: $AWS_ACCESS_KEY_ID,
$AWS_SECRET_ACCESS_KEY, $AWS_ENDPOINT_URL and so on, or its configuration files.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from programs import BuildFailed
from repository_metadata import digest_of


@dataclass(frozen=True, kw_only=True)
class Stored:
    """What the bucket knows of an object without handing it out."""

    etag: str
    sha256: str
    """As told when it was written; empty for what somebody else wrote."""


@dataclass(frozen=True)
class Replacing:
    """Write only over the object with this ETag; None: only where there is none."""

    etag: str | None


class Changed(Exception):
    """The bucket's object is not the one that was to be replaced; nothing was written."""


def connect() -> Any:
    """Return boto3's client of the service that the environment names, or raise BuildFailed."""
    # Without it, boto3 would go to Amazon.
    if not any(os.environ.get(name) for name in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")):
        raise BuildFailed("publish: AWS_ENDPOINT_URL is not set: it is the bucket's service")
    try:
        return boto3.Session().client(
            "s3",
            # R2 has one region, "auto".
            region_name=os.environ.get("AWS_REGION", "auto"),
            config=Config(
                # Not every compatible service knows the checksums that are sent unasked; the
                # request's signature covers the SHA-256 of the body instead.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                retries={"mode": "standard", "total_max_attempts": 4},
                s3={"payload_signing_enabled": True, "addressing_style": "path"},
            ),
        )
    except (BotoCoreError, ValueError) as error:
        raise BuildFailed(f"publish: {error}") from None


class S3Bucket:
    """One bucket. Whatever the service or the network refuses is BuildFailed."""

    def __init__(self, name: str, client: Any) -> None:
        self._name = name
        self._client = client

    def sizes(self, prefix: str) -> dict[str, int]:
        """Return the size of each object whose key begins with the prefix, by key."""
        pages = self._client.get_paginator("list_objects_v2")
        with self._told(prefix):
            return {
                found["Key"]: found["Size"]
                for page in pages.paginate(Bucket=self._name, Prefix=prefix)
                for found in page.get("Contents", ())
            }

    def find(self, key: str) -> Stored | None:
        """Return what the bucket knows of an object, or None if there is none."""
        with self._told(key):
            try:
                found = self._client.head_object(Bucket=self._name, Key=key)
            except ClientError as error:
                if _status(error) == 404:
                    return None
                raise
        return Stored(etag=found["ETag"], sha256=found["Metadata"].get("sha256", ""))

    def read(self, key: str) -> tuple[bytes, str] | None:
        """Return an object's content and ETag, or None if there is none."""
        with self._told(key):
            try:
                found = self._client.get_object(Bucket=self._name, Key=key)
            except ClientError as error:
                if _status(error) == 404:
                    return None
                raise
            return found["Body"].read(), found["ETag"]

    def write(
        self,
        key: str,
        content: Path | bytes,
        *,
        media_type: str,
        cache_control: str,
        over: Replacing | None = None,
    ) -> str:
        """Write an object at once, and return its ETag. Raises Changed if `over` does not hold.

        A write whose answer was lost is tried again and then finds itself: that is no change.
        """
        sha256 = digest_of(content)
        condition = {} if over is None else _condition(over)
        with (
            self._told(key),
            BytesIO(content) if isinstance(content, bytes) else content.open("rb") as body,
        ):
            try:
                written = self._client.put_object(
                    Bucket=self._name,
                    Key=key,
                    Body=body,
                    ContentType=media_type,
                    CacheControl=cache_control,
                    Metadata={"sha256": sha256},
                    **condition,
                )
            except ClientError as error:
                # 409: another conditional write of this key was under way (Amazon S3's PutObject).
                # 404: If-Match, and there is no object.
                if over is None or _status(error) not in (404, 409, 412):
                    raise
                found = self.find(key)
                if found is None or found.sha256 != sha256:
                    raise Changed(key) from None
                return found.etag
        return str(written["ETag"])

    @contextmanager
    def _told(self, key: str) -> Iterator[None]:
        try:
            yield
        except (ClientError, BotoCoreError) as error:
            raise BuildFailed(f"publish: {self._name}/{key}: {error}") from None


def _condition(over: Replacing) -> dict[str, str]:
    return {"IfNoneMatch": "*"} if over.etag is None else {"IfMatch": over.etag}


def _status(error: ClientError) -> int:
    return int(error.response["ResponseMetadata"]["HTTPStatusCode"])
