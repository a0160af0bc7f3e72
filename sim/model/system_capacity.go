package model

import (
	"maps"

	"infinisim/sim/schema"
)

// systemCapacity is the sum of what is in the pools (the members: InfiniSDK
// 289.1.4, capacities).
func systemCapacity(b *Box, _ *schema.Object) (any, error) {
	total, virtual, err := b.systemSpace()
	if err != nil {
		return nil, err
	}
	out := map[string]any{
		"total_physical_capacity": total, "total_virtual_capacity": virtual, "id": 0,
		"total_zeros_capacity": 0, "effective_capacity_guarantee_program": false,
	}
	shown, taken, err := b.spares()
	if err != nil {
		return nil, err
	}
	maps.Copy(out, shown)
	var pools, poolsVirtual, allocated, allocatedVirtual, internal, written int64
	err = b.Tx.Each(b.Key, Pool, func(p *schema.Object) (bool, error) {
		pools += PoolPhysical.Get(p)
		poolsVirtual += PoolVirtual.Get(p)
		held, err := b.physicalOf(p)
		if err != nil {
			return false, err
		}
		allocated += held
		allocatedVirtual += poolVirtual.Get(p)
		n, err := b.internalSpace(p.ID())
		if err != nil {
			return false, err
		}
		internal += n
		w, err := b.poolWritten(p)
		written += w
		return true, err
	})
	for name, n := range map[string]int64{
		"allocated_physical_space_within_pools": allocated, "allocated_virtual_space_within_pools": allocatedVirtual,
		"allocated_internal_physical_space_within_pools": internal, "total_allocated_physical_space": pools,
		"free_physical_space": max(0, total-pools-taken), "free_virtual_space": virtual - poolsVirtual,
		"total_disk_usage_within_pools": written, "total_host_written_data": written,
		"total_reducible_host_written_data": written, "total_reducible_data_disk_usage_capacity": written,
	} {
		out[name] = n
	}
	// What hosts write here is random, and does not compress.
	for _, name := range []string{
		"total_capacity_savings", "total_thick_capacity_savings", "total_thin_capacity_savings",
		"total_non_reducible_host_written_data", "total_non_reducible_data_disk_usage_capacity",
	} {
		out[name] = 0
	}
	for _, name := range []string{"data_reduction_ratio", "total_reducible_data_reduction_ratio", "total_non_reducible_data_reduction_ratio"} {
		out[name] = 1.0
	}
	out["total_reducible_data_percents"], out["total_non_reducible_data_percents"] = 100.0, 0.0
	return out, err
}

// The spare space of a new array (InfiniSDK 289.1.4, doc/capacities.rst).
const (
	spareBytes      = 26285119635456
	sparePartitions = 1584
)
