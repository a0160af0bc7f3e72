"""Metadata: what a client writes on the array's objects for itself, and finds them by."""
from infinisdk.core.exceptions import APICommandFailed
from infinisim import Lab

with Lab() as lab:
    system = lab.arrays[0].sdk()
    volume = system.volumes.create(pool=system.pools.create())

    # Keys and values belong to an object of any kind.
    volume.set_metadata("owner", "billing")
    volume.set_metadata_from_dict({"tier": "2", "ticket": "4711"})
    assert volume.get_all_metadata() == {"owner": "billing", "tier": "2", "ticket": "4711"}
    assert volume.get_metadata_value("owner") == "billing"
    assert volume.get_metadata_value("nothing", "default") == "default"

    # They are looked for over all objects.
    [found] = system.api.get("metadata?key=eq:owner&value=eq:billing").get_result()
    assert found["object_id"] == volume.id and found["object_type"] == "volume"

    volume.unset_metadata("ticket")
    volume.clear_metadata()
    assert volume.get_all_metadata() == {}
    try:
        volume.get_metadata_value("owner")
    except APICommandFailed as refusal:
        print(f"refused: {refusal.error_code}")
    else:
        raise AssertionError("a key that is gone has a value")
