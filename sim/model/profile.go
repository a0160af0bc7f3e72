package model

import (
	"strconv"
	"strings"
	"time"

	"infinisim/sim/apierr"
	"infinisim/sim/schema"
)

// Feature is one entry of _features.
type Feature struct {
	Name         string `json:"name"`
	Version      int    `json:"version"`
	Experimental bool   `json:"experimental"`
	Enabled      bool   `json:"enabled"`
}

// Profile is an array's release as data: what it has, what it allows, how long
// its fixed parts take.
type Profile struct {
	// Name is what --profile takes.
	Name string
	// Version is what the array reports.
	Version string
	// Features is the list of _features, in order.
	Features []Feature
	// PasswordPolicy is whether the policy is on at first.
	PasswordPolicy bool
	// Replicas, Links and Slots are limits of replication: definitions, links,
	// and initial copies under way from one array.
	Replicas, Links, Slots int
	// MinRPO is the least RPO.
	MinRPO time.Duration
	// InitialOverhead is the fixed part of a first copy.
	InitialOverhead time.Duration
	// SyncRTT is the longest round trip of SYNC and ACTIVE-ACTIVE.
	SyncRTT time.Duration
	// LinkLoss is how long a link may be lost before its replicas are
	// suspended.
	LinkLoss time.Duration
}

// Capacity is the array's physical and virtual capacity in bytes (InfiniSDK
// 289.1.4, doc/capacities.rst).
func (p *Profile) Capacity() (physical, virtual int64) { return 105056050741248, 262640127049728 }

// features86 is the list of a release 8.6.0 array (InfiniSDK tests, 8.6 era,
// mock_conftest).
func features86() []Feature {
	return []Feature{
		on("active_active", 4), on("advanced_restore", 0), on("api_auth_sessions", 0), on("api_init_progress", 0),
		on("api_v2", 0), on("async_replication", 2), on("block_ssh", 1), on("compression", 1), on("cons_groups", 1),
		on("create_sync_from_base", 0), on("data_reduction_ratio", 0), on("delta", 0), on("dot_snapshots", 0),
		on("effective_capacity", 0), on("event_retention", 0), on("events_db", 0), on("fc_soft_targets", 0),
		on("filesystem_replicas", 1), on("fips", 1), on("iscsi", 1), on("kms", 0), on("ldap", 0),
		on("local_user_password_policy", 0), on("local_users_auth", 1), on("metadata", 2), on("nas", 2),
		on("native_smb", 2), on("network_configuration", 2), on("nfsv4", 0), on("nlm", 0), on("open_vms", 0),
		on("pools", 0), on("promote_snapshot", 0), on("qos", 0), on("rbac", 0), on("replica_auto_create", 0),
		on("replicate_snapshots", 4), on("san", 0), on("smb_leases", 0), on("snap_refresh", 1),
		on("snapshot_policies", 1), on("snapshots", 1), on("ssa_express", 1), on("sso_authentication", 1),
		on("sync_replication", 0), off("tenants", 0), on("treeq", 0), on("user_db", 0), on("user_management", 1),
		on("user_roles_v1", 0), on("vlans", 1), on("vvol", 1), off("vvol_replication", 1), on("worm_filesystems", 0),
		on("worm_snapshots", 0),
	}
}

func on(name string, version int) Feature {
	return Feature{Name: name, Version: version, Enabled: true}
}
func off(name string, version int) Feature { return Feature{Name: name, Version: version} }

// features72 leaves out what came after release 7.2.
//
// unsourced: no list of a 7.2 array is public; the names follow the releases
// that InfiniSDK's compatibility table gives.
func features72() []Feature {
	later := map[string]bool{
		"block_ssh": true, "data_reduction_ratio": true, "effective_capacity": true, "event_retention": true,
		"local_user_password_policy": true, "nfsv4": true, "promote_snapshot": true, "sso_authentication": true,
		"worm_filesystems": true, "worm_snapshots": true,
	}
	var out []Feature
	for _, f := range features86() {
		if later[f.Name] {
			continue
		}
		if f.Name == "replicate_snapshots" {
			f.Version = 3
		}
		out = append(out, f)
	}
	return out
}

// Profiles are the releases that an array can be, the default first.
func Profiles() []Profile {
	base := Profile{
		// Limits of replication: vendor KB 6211346151837.
		Replicas: 250, Links: 16, Slots: 6,
		MinRPO: 4 * time.Second,
		// unsourced: that a first copy takes half a second besides its bytes.
		InitialOverhead: 500 * time.Millisecond,
		SyncRTT:         5 * time.Millisecond, // vendor KB 360002108357
		LinkLoss:        24 * time.Hour,       // vendor KB 115000246965
	}
	p86, p72 := base, base
	p86.Name, p86.Version, p86.Features, p86.PasswordPolicy = "8.6", "8.6.0.0", features86(), true
	p72.Name, p72.Version, p72.Features = "7.2", "7.2.0.0", features72()
	return []Profile{p86, p72}
}

// ProfileByName finds a profile; the empty name is the default.
func ProfileByName(name string) (*Profile, error) {
	all := Profiles()
	if name == "" {
		return &all[0], nil
	}
	var names []string
	for i := range all {
		if all[i].Name == name {
			return &all[i], nil
		}
		names = append(names, all[i].Name)
	}
	return nil, apierr.New(apierr.InvalidValue, "profile: %q is none of %s", name, strings.Join(names, ", ")).About("profile")
}

// Profile is the release that the array was made as.
func (b *Box) Profile() *Profile {
	p, _ := b.profile.get(b.Tx, func() (*Profile, error) {
		name := ""
		if system, err := b.System(); err == nil {
			name = systemProfile.Get(system)
		}
		p, err := ProfileByName(name)
		if err != nil {
			p, err = ProfileByName("")
		}
		return p, err
	})
	return p
}

// Features is the array's list of features as it is now.
func (b *Box) Features() []Feature {
	out := b.Profile().Features
	b.Tx.KV(b.Key, spaceFeature).Scan(nil, func(name, raw []byte) bool {
		for i := range out {
			if out[i].Name == string(name) {
				out[i].Enabled = string(raw) == "true"
			}
		}
		return true
	})
	return out
}

// SetFeature switches a feature of the array on or off. It returns
// INVALID_VALUE for a name that its release does not have.
func (b *Box) SetFeature(name string, enabled bool) error {
	for _, f := range b.Features() {
		if f.Name == name {
			b.Tx.KV(b.Key, spaceFeature).Put([]byte(name), strconv.AppendBool(nil, enabled))
			return nil
		}
	}
	return apierr.New(apierr.InvalidValue, "feature: release %s has no %q", b.Profile().Name, name).About("feature")
}

const spaceFeature = "feature"

// releaseOf is what gates look at.
func releaseOf(b *Box) schema.Release {
	r := schema.Release{Version: b.Profile().Version, Features: map[string]int{}}
	if system, err := b.System(); err == nil {
		r.Version = SystemVersion.Get(system)
	}
	for _, f := range b.Features() {
		if f.Enabled {
			r.Features[f.Name] = f.Version
		}
	}
	return r
}
