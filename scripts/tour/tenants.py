"""Tenants: parts of an array with objects and users of their own."""
from infinisdk.core.exceptions import APICommandFailed
from infinisim import Lab

with Lab() as lab:
    box = lab.arrays[0]
    box.set_feature("tenants", True)  # arrays come with it switched off
    system = box.sdk()

    tenant = system.tenants.create(name="branch", visible_to_sysadmin=True)
    tenant.update_name("office")
    assert [each.get_name() for each in system.tenants] == ["SYSTEM", "office"]

    # What is made belongs to the array's own tenant, which counts it, and stays.
    own = system.tenants.get(name="SYSTEM")
    pool = system.pools.create(name="p")
    assert pool.get_tenant() == own
    assert own.get_entity_counts(from_cache=False)["pools"] == 1 and tenant.get_entity_counts()["pools"] == 0
    try:
        own.delete()
    except APICommandFailed as refusal:
        print(f"refused: {refusal.error_code}")
    else:
        raise AssertionError("the array's own tenant was deleted")
    tenant.delete()
    assert not tenant.is_in_system()
