package model

import (
	"net/http"
	"slices"

	"infinisim/sim/apierr"
	"infinisim/sim/schema"
)

// The words of filters. Which protocols and operations there are: vendor KB
// 360002106777 and InfiniSDK's public history (doc/metrics.rst).
const (
	familySAN = "SAN"
	familyNAS = "NAS"
	opRead    = "READ"
	opWrite   = "WRITE"
)

// The fields of a filter: the part of all operations that a collector counts.
// protocol_type is the CSI driver's; protocol, pool_id and operation_type are
// those of InfiniSDK's public history, doc/metrics.rst.
//
// unsourced: the names volume_id, filesystem_id and host_id.
var (
	MetricFamily     = schema.Enum(schema.Field{Name: "protocol_type", Flags: schema.Editable, Enum: []string{familySAN, familyNAS}})
	MetricProtocol   = schema.Enum(schema.Field{Name: "protocol", Flags: schema.Editable, Enum: []string{protocolFC, "ISCSI", "NVME", protocolNFS, "SMB"}})
	MetricOperation  = schema.Enum(schema.Field{Name: "operation_type", Flags: schema.Editable, Enum: []string{opRead, opWrite, "COMMIT", "XCOPY"}})
	MetricPool       = schema.Int(schema.Field{Name: "pool_id", Flags: schema.Editable})
	MetricVolume     = schema.Int(schema.Field{Name: "volume_id", Flags: schema.Editable})
	MetricFilesystem = schema.Int(schema.Field{Name: "filesystem_id", Flags: schema.Editable})
	MetricHost       = schema.Int(schema.Field{Name: "host_id", Flags: schema.Editable})

	// MetricFilter picks operations. What it names may go: then it picks none.
	MetricFilter = schema.NewType("metric_filter", MetricFamily, MetricProtocol, MetricOperation, MetricPool, MetricVolume,
		MetricFilesystem, MetricHost)
)

// metricKeys are the fields that name an entity by id.
func metricKeys() []schema.Attr[int64] {
	return []schema.Attr[int64]{MetricPool, MetricVolume, MetricFilesystem, MetricHost}
}

// metricIDs is where the ids of filters and collectors begin (CSI driver 2.x,
// metrics: collector 35184372295290).
const metricIDs = 1 << 45

func nextMetric(b *Box) int64 { return metricIDs + b.Tx.Next(b.Key, "metric") }

// addMetrics adds live counters: filters, and collectors that count what
// passes them (vendor KB 360002106777; InfiniSDK's public history, metrics.py;
// CSI driver, metrics).
func addMetrics(c *Catalog) {
	filter := filterKind()
	c.Add(filter, collectorKind(filter))
	c.AddRoutes(Route{
		Method: http.MethodGet, Path: "metrics/available_fields", Reads: true,
		Do: func(*Box, *schema.Object, *Input) (any, error) {
			type top struct {
				Name   string   `json:"name"`
				Values []string `json:"values"`
			}
			out := []top{}
			for _, f := range []*schema.Field{MetricFamily.Field(), MetricProtocol.Field()} {
				out = append(out, top{f.Name, f.Enum})
			}
			return map[string]any{"available_filter_fields": out}, nil
		},
	})
}

// filterKind is the kind of filters.
//
// unsourced: that a filter that collectors use cannot be deleted, and that
// everybody may make filters and collectors; the array's own charts use them.
func filterKind() *Kind {
	k := &Kind{
		Least: RoleReadOnly,
		Type:  MetricFilter, Path: "metrics/filters", NotFound: apierr.MetricFilterNotFound, NextID: nextMetric,
		Forms: []Form{{Name: "a filter"}},
		Hooks: Hooks{
			BeforeCreate: func(b *Box, o *schema.Object, _ *Input) error { return b.checkFilter(o) },
			BeforeUpdate: func(b *Box, _, o *schema.Object, _ *Input) error { return b.checkFilter(o) },
			BeforeDelete: func(b *Box, o *schema.Object, _ *Input) error {
				if n := b.collectorsOf(o.ID()); n > 0 {
					return apierr.New(apierr.MetricFilterInUse, "filter %d has %d collectors", o.ID(), n)
				}
				return nil
			},
		},
		Sample: func(World) Body { return NewBody(map[string]any{"protocol": protocolNFS}) },
		Change: func(*schema.Object) Body { return NewBody(map[string]any{"operation_type": "commit"}) },
	}
	k.Routes = []Route{{
		Method: http.MethodGet, Path: k.Path + "/{id}/available_fields", Reads: true, Params: []string{"level"}, Do: availableFields,
	}}
	return k
}

// collectorsOf counts the collectors of a filter.
func (b *Box) collectorsOf(filter int64) int64 {
	return b.Tx.CountBy(b.Key, CollectorFilter.Field(), MetricCollector, schema.RefValue(filter))
}

// checkFilter refuses an entity that there is not.
func (b *Box) checkFilter(o *schema.Object) error {
	for i, t := range []*schema.Type{Pool, Volume, Filesystem, Host} {
		f := metricKeys()[i]
		if f.IsNull(o) {
			continue
		}
		if _, err := b.Load(b.Eng.Catalog.Kind(t.Name()), f.Get(o)); err != nil {
			if e, ok := apierr.As(err); ok {
				return e.About(f.Name())
			}
			return err
		}
	}
	return nil
}

// counter is a field that collectors count.
type counter struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Units       string `json:"units"`
}

// counters are the fields that collectors count: the CSI driver's and those of
// InfiniSDK's public history, doc/metrics.rst, with the units that it prints.
//
// unsourced: that latencies are in microseconds, and the descriptions.
func counters() []counter {
	return []counter{
		{"ops", "Operations a second", "n/a"},
		{"throughput", "Bytes a second", "B/Sec"},
		{"latency", "Average time of an operation", "microseconds"},
		{"external_latency_wout_err", "Average time of a SAN operation without error", "microseconds"},
		{"average_operation_size", "Average size of an operation", "B"},
	}
}

func isCounter(name string) bool {
	return slices.ContainsFunc(counters(), func(c counter) bool { return c.Name == name })
}

// availableFields tells what a filter can still pick by, and what its
// collectors can count.
//
// unsourced: the levels besides BASIC, and that all fields are of that one.
func availableFields(_ *Box, o *schema.Object, in *Input) (any, error) {
	if level := in.Query.Get("level"); level != "" && level != "BASIC" && level != "ADVANCED" {
		return nil, apierr.New(apierr.InvalidValue, "level: %q is neither BASIC nor ADVANCED", level).About("level")
	}
	type pick struct {
		Name   string   `json:"name"`
		Type   string   `json:"type"`
		Values []string `json:"values,omitempty"`
	}
	picks := []pick{}
	for _, f := range MetricFilter.StoredFields() {
		if !o.IsNull(f) {
			continue
		}
		kind := "uint"
		if f.Enum != nil {
			kind = "enum"
		}
		picks = append(picks, pick{f.Name, kind, f.Enum})
	}
	return map[string]any{"available_filter_fields": picks, "available_collector_fields": counters()}, nil
}
