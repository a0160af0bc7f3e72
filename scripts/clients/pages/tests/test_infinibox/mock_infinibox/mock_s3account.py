"""A pool for S3 and an account in it."""
from tests.mocks.answers import many, one

_ACCOUNT = {
    "id": 11111, "name": "my_account", "pool_id": 2341, "pool_name": "my_pool", "email": None, "location": None, "enabled": True,
    "capacity_consumed": 327680, "buckets_count": 1, "users_count": 1,
}

MOCK_S3_POOL_CREATION = one({"id": 2341, "name": "my_pool", "type": "S3"})
MOCK_ACCOUNT_CREATE = one(_ACCOUNT)
MOCK_ACCOUNTS_GET = many(_ACCOUNT)
