"""Users of files: who clients of SMB and NFS are, and the locks that they hold."""
from infinisim import Lab

with Lab() as lab:
    box = lab.arrays[0]
    system = box.sdk()

    # SMB users have a password and a primary group; the array gives both a SID.
    group = system.smb_groups.create(name="staff")
    ann = system.smb_users.create(name="ann", password="Aa1!aaa123456")
    ann.update_primary_group(group)
    assert ann.get_primary_group() == group and ann.get_sid().startswith("S-1-5-21-")

    # NFS users are numbers.
    bob = system.nfs_users.create(uid=1001, primary_gid=100)
    bob.update_supplementary_gids([101, 102])
    assert bob.get_supplementary_gids() == [101, 102]

    # A client of NFS locks a file; an administrator sees the lock, and breaks it.
    filesystem = system.filesystems.create(pool=system.pools.create())
    box.control("POST", "nlm_locks", {"filesystem_id": filesystem.id, "file_path": "/report", "client": "10.0.0.1", "owner": "1"})
    [lock] = system.nlm_locks.to_list()
    assert lock.get_filesystem() == filesystem and lock.get_file_path() == "/report"
    system.nlm_locks.break_locks(filesystem=filesystem)
    assert system.nlm_locks.to_list() == []
    print("the lock is broken")
