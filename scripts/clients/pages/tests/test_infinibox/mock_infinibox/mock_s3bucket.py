"""A bucket."""
from tests.mocks.answers import many, one

_BUCKET = {
    "id": 23, "name": "my-bucket", "account_id": 11111, "object_count": 3, "capacity_consumed": 0, "used_size": 0,
    "compression_enabled": True, "ssd_enabled": True,
}

MOCK_S3_BUCKET_CREATE = one(_BUCKET)
MOCK_S3_BUCKETS_GET = many(_BUCKET)
