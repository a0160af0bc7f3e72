package model

import "infinisim/sim/schema"

// entityCounts are those of system/entity_counts.
//
// unsourced: the names of the counts about S3.
func entityCounts(b *Box, _ *schema.Object) (any, error) {
	sum := func(dataset, kind string) (n int64) {
		for _, id := range b.Tx.IDs(b.Key, Pool, 0, -1) {
			n += b.census(id, dataset, kind)
		}
		return n
	}
	all := func(name string) int64 {
		if k := b.Eng.Catalog.byType[name]; k != nil {
			return b.Tx.Count(b.Key, k.Type)
		}
		return 0
	}
	count := func(t *schema.Type, is func(o *schema.Object) bool) (n int64, err error) {
		err = b.Tx.Each(b.Key, t, func(o *schema.Object) (bool, error) {
			if is(o) {
				n++
			}
			return true, nil
		})
		return n, err
	}
	groups, err := count(ConsGroup, func(o *schema.Object) bool { return DatasetKind.Get(o) == Snapshot })
	if err != nil {
		return nil, err
	}
	windows, err := count(Filesystem, func(o *schema.Object) bool {
		return DatasetKind.Get(o) == Master && FSSecurityStyle.Get(o) == "WINDOWS"
	})
	if err != nil {
		return nil, err
	}
	pools := map[string]int64{}
	if _, err := count(Pool, func(o *schema.Object) bool { pools[PoolKind.Get(o)]++; return true }); err != nil {
		return nil, err
	}
	mapped := map[int64]bool{}
	if _, err := count(LUN, func(o *schema.Object) bool { mapped[LUNVolume.Get(o)] = true; return true }); err != nil {
		return nil, err
	}
	exports, err := b.onWindows(Export, ExportFilesystem)
	if err != nil {
		return nil, err
	}
	shares, err := b.onWindows(Share, ShareFilesystem)
	if err != nil {
		return nil, err
	}
	express := map[*schema.Type]int64{}
	if err := b.express(spaceExpressActive, func(o *schema.Object) error { express[o.Type()]++; return nil }); err != nil {
		return nil, err
	}
	out := map[string]int64{
		"clusters": all("host_cluster"), "consistency_groups": all("cons_group") - groups, "snapshot_groups": groups,
		"filesystem_snapshots": sum(OfFS, Snapshot), "filesystems": sum(OfFS, Master), "filesystems_unix": sum(OfFS, Master) - windows,
		"filesystems_windows": windows, "hosts": all("host"), "mapped_volumes": int64(len(mapped)), "nfs3_exports": all("export"),
		"nfs3_exports_win_fs": exports, "pools": all("pool"), "replicas": all("replica"), "replication_groups": all("replication_group"), "rg_replicas": all("rg_replica"),
		"smb_shares": all("share"), "smb_shares_unix_fs": all("share") - shares, "ssa_express_filesystems": express[Filesystem],
		"ssa_express_volumes": express[Volume], "standard_pools": pools[Standard], "volume_snapshots": sum(OfVolume, Snapshot),
		"volumes": sum(OfVolume, Master), "vvol_pools": pools[VVolPool],
	}
	if gateS3().Open(b.Release()) {
		out["s3_pools"] = pools[ofS3]
		for _, t := range []*schema.Type{S3Account, S3Bucket, S3User, S3Credential} {
			out[t.Name()+"s"] = all(t.Name())
		}
	}
	return out, nil
}

// onWindows counts the objects of a type whose filesystem has the security
// style of Windows.
func (b *Box) onWindows(t *schema.Type, filesystem schema.Attr[int64]) (n int64, err error) {
	err = b.Tx.Each(b.Key, t, func(o *schema.Object) (bool, error) {
		fs, err := b.Must(Filesystem, filesystem.Get(o))
		if err == nil && FSSecurityStyle.Get(fs) == "WINDOWS" {
			n++
		}
		return true, err
	})
	return n, err
}
