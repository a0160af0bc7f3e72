"""S3: accounts, their buckets, their users and the keys of those."""
from capacity import MiB
from infinisdk.core.exceptions import APICommandFailed
from infinisim import Lab

with Lab() as lab:
    box = lab.arrays[0]
    system = box.sdk()

    # Buckets are in an account, which is in a pool of its own kind.
    pool = system.pools.create(type="S3")
    account = system.s3_accounts.create(name="shop", pool=pool)
    bucket = system.s3_buckets.create(name="pictures", account=account)
    assert account.get_buckets_count(from_cache=False) == 1 and bucket.get_pool() == pool

    # A client of S3 puts objects into it; the array counts them.
    box.control("POST", f"s3_buckets/{bucket.id}/objects", {"objects": 3, "bytes": 3 << 20})
    assert bucket.get_object_count(from_cache=False) == 3 and bucket.get_used_size(from_cache=False) == 3 * MiB
    try:
        bucket.delete()
    except APICommandFailed as refusal:
        print(f"refused: {refusal.error_code}")
    else:
        raise AssertionError("a bucket with objects was deleted")

    # Clients sign with a user's access key; the secret one is told once.
    user = system.s3_users.create(name="web", account=account)
    key = system.s3_credentials.create(user=user)
    assert key.get_access_key() and key.get_user() == user
    assert user.get_num_credentials(from_cache=False) == account.get_credentials_count(from_cache=False) == 1
    print(f"{bucket.get_object_count()} objects for {key.get_access_key()}")
