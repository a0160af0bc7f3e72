"""Users: who may log in, and what a role may do."""
from infinisdk.core.exceptions import APICommandFailed
from infinisim import Lab

with Lab() as lab:
    system = lab.arrays[0].sdk()
    pool = system.pools.create(name="hers")
    password = "Aa1!aaa123456"
    ann = system.users.create(name="ann", email="ann@example.com", role="POOL_ADMIN", password=password)

    # An administrator of pools works in those that are hers, and in no others.
    pool.set_owners([ann])
    assert ann.get_owned_pools() == [pool]
    other = system.pools.create(name="not hers")
    with system.api.get_auth_context("ann", password):
        volume = system.volumes.create(name="v", pool=pool)
        try:
            system.volumes.create(name="w", pool=other)
        except APICommandFailed as refusal:
            print(f"refused: {refusal.status_code} {refusal.error_code}")
        else:
            raise AssertionError("an administrator of one pool made a volume in another")

    # Somebody who only looks changes nothing.
    system.users.create(name="bob", email="bob@example.com", role="READ_ONLY", password=password)
    with system.api.get_auth_context("bob", password):
        assert system.volumes.to_list() == [volume]
        try:
            volume.delete()
        except APICommandFailed as refusal:
            assert refusal.status_code == 403

    # A user who is disabled does not get in.
    ann.disable()
    try:
        with system.api.get_auth_context("ann", password):
            raise AssertionError("a disabled user logged in")
    except APICommandFailed as refusal:
        assert refusal.status_code == 401
    assert not ann.is_builtin() and system.users.get(name="admin").is_builtin()
