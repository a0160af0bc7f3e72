"""Filesystems: what clients of NFS and SMB mount, and how much of it each may use."""
from capacity import GB
from infinisdk.core.exceptions import APICommandFailed
from infinisim import ControlError, Lab

with Lab() as lab:
    box = lab.arrays[0]
    system = box.sdk()
    filesystem = system.filesystems.create(name="home", pool=system.pools.create(), size=10 * GB)

    # An export gives it to clients of NFS, by their addresses.
    export = filesystem.add_export(
        export_path="/home", permissions=[{"client": "10.0.0.1-10.0.0.9", "access": "RW", "no_root_squash": True}])
    assert [each.get_export_path() for each in filesystem.get_exports()] == ["/home"]
    assert export.get_permissions()[0].client == "10.0.0.1-10.0.0.9"
    export.disable()
    assert not export.is_enabled()

    # A share gives it to clients of SMB; who may do what goes by their SIDs.
    share = filesystem.add_share(name="docs")
    everyone = share.permissions.create(sid="S-1-1-0", access="READ")
    everyone.update_access("FULLCONTROL")
    assert share.permissions.get(sid="S-1-1-0").get_access() == "FULLCONTROL"

    # A tree queue limits a directory, by bytes or by files.
    queue = filesystem.treeqs.create(name="ann", path="/ann", hard_capacity=GB, hard_inodes=2)
    write = {"offset": 0, "length": 4096, "seed": 1, "treeq_id": queue.id, "inodes": 1}
    for _ in range(2):
        box.control("POST", f"datasets/{filesystem.id}/write", write)  # a client of NFS makes a file
    assert queue.get_used_inodes() == 2

    # A soft limit is an event, a hard one a refusal.
    try:
        box.control("POST", f"datasets/{filesystem.id}/write", write)
    except ControlError as refusal:
        print(f"refused: {refusal}")
    else:
        raise AssertionError("a third file went beyond the hard limit")
    assert queue.get_used_inodes() == 2

    # While clients could mount it, it is not deleted by mistake.
    try:
        filesystem.delete()
    except APICommandFailed as refusal:
        print(f"refused: {refusal.error_code}")
    else:
        raise AssertionError("a filesystem with exports was deleted")
