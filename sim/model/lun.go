package model

import (
	"encoding/json"
	"net/http"
	"strconv"

	"infinisim/sim/apierr"
	"infinisim/sim/schema"
)

// The fields of a LUN: a volume at a number of a host or cluster.
var (
	LUNNumber    = schema.Int(schema.Field{Name: "lun", Flags: schema.NotNull})
	LUNClustered = schema.Bool(schema.Field{Name: "clustered"})
	LUNCluster   = schema.Ref(schema.Field{Name: "host_cluster_id", Flags: schema.Index, NoneZero: true}, "host_cluster")
	LUNVolume    = schema.Ref(schema.Field{Name: "volume_id", Flags: schema.Index, NoneZero: true}, "volume")
	LUNHost      = schema.Ref(schema.Field{Name: "host_id", Flags: schema.Index, NoneZero: true}, "host")
	LUNUDID      = schema.Int(schema.Field{Name: "udid"})

	// LUN is one record of a mapping. A volume mapped to a cluster has one of
	// the cluster, whose host is 0, and one for each of its hosts.
	LUN = schema.NewType("lun", LUNNumber, LUNClustered, LUNCluster, LUNVolume, LUNHost, LUNUDID)
)

// Where the numbers of new mappings begin, and where all end (vendor KB
// 6211207304477 for the beginnings).
//
// unsourced: the highest LUN.
const (
	firstHostLUN    = 1
	firstClusterLUN = 11
	lastLUN         = 16383
)

func lunKind() *Kind {
	return &Kind{Type: LUN, Path: "luns", NotFound: apierr.LUNNotFound, Single: true}
}

// lunRoutes are the mappings of a host or a cluster; by is the field that
// names it in a LUN.
func lunRoutes(k *Kind, by schema.Attr[int64]) []Route {
	item := k.Path + "/{id}/luns"
	routes := []Route{
		Post(k, "luns", func(b *Box, o *schema.Object, in *Input) (any, error) { return b.mapVolume(by, o, in) }),
		{Method: http.MethodGet, Path: item, Reads: true, Filters: LUN, Do: func(b *Box, o *schema.Object, in *Input) (any, error) {
			return b.List(b.Eng.Catalog.Kind(LUN.Name()), in, ownLUNs(by, o.ID())...)
		}},
		{Method: http.MethodGet, Path: item + "/{lun}", Reads: true, Do: func(b *Box, o *schema.Object, in *Input) (any, error) {
			return b.lunAt(by, o, LUNNumber, in.Vars["lun"])
		}},
		{Method: http.MethodDelete, Path: item + "/lun/{lun}", Do: func(b *Box, o *schema.Object, in *Input) (any, error) {
			return b.unmap(by, o, LUNNumber, in.Vars["lun"])
		}},
		{Method: http.MethodDelete, Path: item + "/volume_id/{volume}", Do: func(b *Box, o *schema.Object, in *Input) (any, error) {
			return b.unmap(by, o, LUNVolume, in.Vars["volume"])
		}},
	}
	for i := range routes {
		routes[i].Least = RolePoolAdmin // of the volume's pool
	}
	return routes
}

// ownLUNs picks the records of a host, or those of a cluster itself.
func ownLUNs(by schema.Attr[int64], id int64) []schema.Filter {
	is := func(f *schema.Field, id int64) schema.Filter {
		return schema.Filter{Field: f, Op: schema.EQ, Values: []schema.Value{schema.RefValue(id)}}
	}
	if by.Field() == LUNCluster.Field() {
		return []schema.Filter{is(by.Field(), id), is(LUNHost.Field(), 0)}
	}
	return []schema.Filter{is(by.Field(), id)}
}

func (b *Box) lunIDs(by schema.Attr[int64], id int64) []int64 {
	return b.Tx.IDsBy(b.Key, LUN, by.Field(), schema.RefValue(id))
}

func (b *Box) lunsBy(by schema.Attr[int64], id int64) ([]*schema.Object, error) {
	var out []*schema.Object
	for _, lun := range b.lunIDs(by, id) {
		l, err := b.Must(LUN, lun)
		if err != nil {
			return nil, err
		}
		out = append(out, l)
	}
	return out, nil
}

// clusterLUNs are the records of a cluster itself.
func (b *Box) clusterLUNs(cluster int64) ([]*schema.Object, error) {
	all, err := b.lunsBy(LUNCluster, cluster)
	var out []*schema.Object
	for _, l := range all {
		if LUNHost.IsNull(l) {
			out = append(out, l)
		}
	}
	return out, err
}

func (b *Box) lunRecords(by schema.Attr[int64], id int64) (any, error) {
	all, err := b.lunsBy(by, id)
	if err != nil {
		return nil, err
	}
	return b.renderAll(all)
}

func (b *Box) clusterRecords(cluster int64) ([]json.RawMessage, error) {
	all, err := b.clusterLUNs(cluster)
	if err != nil {
		return nil, err
	}
	out := []json.RawMessage{}
	for _, l := range all {
		raw, err := b.Render(l)
		if err != nil {
			return nil, err
		}
		out = append(out, raw)
	}
	return out, nil
}

// freeLUN refuses a volume or a number that a host or cluster has already.
func (b *Box) freeLUN(by schema.Attr[int64], id, volume, number int64) error {
	all, err := b.lunsBy(by, id)
	if err != nil {
		return err
	}
	for _, l := range all {
		switch {
		case LUNVolume.Get(l) == volume:
			// The Ansible collection looks for the words "is already mapped".
			return apierr.New(apierr.MappingExists, "volume_id: volume %d is already mapped at LUN %d", volume, LUNNumber.Get(l)).About("volume_id")
		case LUNNumber.Get(l) == number:
			return apierr.New(apierr.LUNInUse, "lun: %d is taken by volume %d", number, LUNVolume.Get(l)).About("lun")
		}
	}
	return nil
}

// mapVolume maps a volume to a host or a cluster, at a number that the client
// names or at the lowest that is free.
func (b *Box) mapVolume(by schema.Attr[int64], o *schema.Object, in *Input) (any, error) {
	var ask struct {
		Volume int64  `json:"volume_id"`
		LUN    *int64 `json:"lun"`
	}
	if err := json.Unmarshal(in.Raw, &ask); err != nil {
		return nil, apierr.New(apierr.InvalidValue, "body: %v", err)
	}
	volume, err := b.Load(b.Eng.Catalog.Kind(Volume.Name()), ask.Volume)
	if err != nil {
		return nil, err
	}
	if err := b.Own(volume); err != nil {
		return nil, err
	}
	cluster, hosts := int64(0), []int64{o.ID()}
	if by.Field() == LUNCluster.Field() {
		cluster, hosts = o.ID(), b.hostIDs(o.ID())
	}
	number, err := b.number(by, o.ID(), hosts, ask.LUN)
	if err != nil {
		return nil, err
	}
	for _, h := range hosts {
		if err := b.freeLUN(LUNHost, h, ask.Volume, number); err != nil {
			return nil, err
		}
	}
	if cluster == 0 {
		return b.putLUN(ask.Volume, number, o.ID(), 0)
	}
	if err := b.freeLUN(LUNCluster, cluster, ask.Volume, number); err != nil {
		return nil, err
	}
	l, err := b.putLUN(ask.Volume, number, 0, cluster)
	for _, h := range hosts {
		if err == nil {
			_, err = b.putLUN(ask.Volume, number, h, cluster)
		}
	}
	return l, err
}

// number is the LUN that a client asks for, or the lowest that neither the
// cluster nor any of its hosts has.
func (b *Box) number(by schema.Attr[int64], id int64, hosts []int64, asked *int64) (int64, error) {
	if asked != nil {
		if *asked < 0 || *asked > lastLUN {
			return 0, apierr.New(apierr.InvalidValue, "lun: %d is not between 0 and %d", *asked, lastLUN).About("lun")
		}
		return *asked, nil
	}
	taken := map[int64]bool{}
	all, err := b.lunsBy(by, id)
	for _, h := range hosts {
		if err != nil {
			return 0, err
		}
		var more []*schema.Object
		more, err = b.lunsBy(LUNHost, h)
		all = append(all, more...)
	}
	for _, l := range all {
		taken[LUNNumber.Get(l)] = true
	}
	n := int64(firstHostLUN)
	if by.Field() == LUNCluster.Field() {
		n = firstClusterLUN
	}
	for taken[n] {
		n++
	}
	if n > lastLUN {
		return 0, apierr.New(apierr.LUNInUse, "lun: none is free").About("lun")
	}
	return n, err
}

func (b *Box) putLUN(volume, number, host, cluster int64) (*schema.Object, error) {
	l := b.New(b.Eng.Catalog.Kind(LUN.Name()))
	LUNNumber.Set(l, number)
	LUNVolume.Set(l, volume)
	if host != 0 {
		LUNHost.Set(l, host)
	}
	if cluster != 0 {
		LUNCluster.Set(l, cluster)
		LUNClustered.Set(l, true)
	}
	return l, b.Insert(l)
}

// lunAt finds a record of a host or a cluster by its number or its volume.
func (b *Box) lunAt(by schema.Attr[int64], o *schema.Object, field schema.Attr[int64], text string) (*schema.Object, error) {
	want, err := strconv.ParseInt(text, 10, 64)
	if err == nil {
		all, err := b.lunsBy(by, o.ID())
		if err != nil {
			return nil, err
		}
		for _, l := range all {
			if field.Get(l) == want && (by.Field() == LUNHost.Field() || LUNHost.IsNull(l)) {
				return l, nil
			}
		}
	}
	return nil, apierr.New(apierr.LUNNotFound, "%s %d has no LUN with %s %s", o.Type().Name(), o.ID(), field.Name(), text)
}

// unmap takes a mapping away; that of a cluster from all its hosts.
//
// unsourced: that a host cannot give up alone what its cluster has.
func (b *Box) unmap(by schema.Attr[int64], o *schema.Object, field schema.Attr[int64], text string) (any, error) {
	l, err := b.lunAt(by, o, field, text)
	if err != nil {
		return nil, err
	}
	if by.Field() == LUNHost.Field() && LUNClustered.Get(l) {
		return nil, apierr.New(apierr.LUNIsClustered, "LUN %d of host %d belongs to cluster %d", LUNNumber.Get(l), o.ID(), LUNCluster.Get(l))
	}
	volume, err := b.Must(Volume, LUNVolume.Get(l))
	if err != nil {
		return nil, err
	}
	if err := b.Own(volume); err != nil {
		return nil, err
	}
	raw, err := b.Render(l)
	if err != nil {
		return nil, err
	}
	if by.Field() == LUNHost.Field() {
		return raw, b.Remove(l)
	}
	all, err := b.lunsBy(LUNCluster, o.ID())
	for _, one := range all {
		if err == nil && LUNVolume.Get(one) == LUNVolume.Get(l) {
			err = b.Remove(one)
		}
	}
	return raw, err
}

// volumeLUNs lists where a volume is mapped.
func volumeLUNs(b *Box, o *schema.Object, in *Input) (any, error) {
	return b.List(b.Eng.Catalog.Kind(LUN.Name()), in, schema.Filter{
		Field: LUNVolume.Field(), Op: schema.EQ, Values: []schema.Value{schema.RefValue(o.ID())},
	})
}

// checkUnmapped refuses to delete a volume that a host sees.
//
// unsourced: that a mapped volume cannot be deleted; every public driver unmaps
// first.
func (b *Box) checkUnmapped(o *schema.Object) error {
	if n := len(b.lunIDs(LUNVolume, o.ID())); n > 0 {
		return apierr.New(apierr.VolumeIsMapped, "volume %d is mapped", o.ID())
	}
	return nil
}
