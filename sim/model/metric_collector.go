package model

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"infinisim/sim/apierr"
	"infinisim/sim/clock"
	"infinisim/sim/schema"
)

// The types of collectors (vendor KB 360002106777).
const (
	collectCounter    = "COUNTER"
	collectTop        = "TOP"
	collectHistogram  = "HISTOGRAM"
	collectAggregator = "AGGREGATOR"
)

// A collector has a sample for every second, an aggregator for every ten
// (vendor KB 360002106777). Samples wait to be read for about half a minute
// (a vendor of monitoring: docs.virtana.com), and are read once: InfiniSDK's
// public history speaks of those that are pending.
//
// unsourced: how long a collector takes to begin; the CSI driver waits five
// seconds for it.
const (
	sampleEvery    = time.Second
	aggregateEvery = 10 * time.Second
	mostPending    = 30 * time.Second
	collectorStart = 3 * time.Second
)

// topRows is how many entities a sample of the type TOP names.
//
// unsourced: how many, and that the first counter orders them.
const topRows = 10

// The fields of a collector.
var (
	CollectorFields  = schema.List[string](schema.Field{Name: "collected_fields", Flags: schema.Create})
	CollectorType    = schema.Enum(schema.Field{Name: "type", Flags: schema.Create, Enum: []string{collectCounter, collectTop, collectHistogram, collectAggregator}, Default: collectCounter})
	CollectorFilter  = schema.Ref(schema.Field{Name: "filter_id", Flags: schema.Create | schema.Index}, "metric_filter")
	CollectorFilters = schema.Compute(schema.Tree[any](schema.Field{Name: "filters"}))
	CollectorBy      = schema.Enum(schema.Field{Name: "histogram_field", Flags: schema.Create, Enum: []string{bySize, byOperation}})

	collectorRead = schema.Int(schema.Field{Name: "_read", Flags: schema.Private | schema.NotNull})
	collectorOwns = schema.Bool(schema.Field{Name: "_owns_filter", Flags: schema.Private})

	// MetricCollector counts the operations that a filter picks.
	MetricCollector = schema.NewType("metric_collector", collectorRead, collectorOwns, CollectorFilters, CollectorFilter, CollectorFields,
		CollectorType, CollectorBy)
)

// collectorKind is the kind of collectors. The filter is one that exists, or
// its fields are sent along; such a filter goes with its collector.
//
// unsourced: that a filter which a collector brought along goes with it.
func collectorKind(filter *Kind) *Kind {
	k := &Kind{
		Least: RoleReadOnly,
		Type:  MetricCollector, Path: "metrics/collectors", NotFound: apierr.MetricCollectorNotFound, NextID: nextMetric,
		Forms: []Form{
			{
				Name: "a collector", Required: []string{"collected_fields"}, Extra: []string{"filters"},
				When: func(in Body) bool { return !in.Has("filter_id") },
			},
			{Name: "a collector of a filter", Required: []string{"collected_fields"}},
		},
		Hooks: Hooks{
			BeforeCreate: func(b *Box, o *schema.Object, in *Input) error { return b.completeCollector(filter, o, in) },
			AfterDelete: func(b *Box, o *schema.Object, in *Input) error {
				if !collectorOwns.Get(o) || b.collectorsOf(CollectorFilter.Get(o)) > 0 {
					return nil
				}
				_, err := b.Delete(filter, CollectorFilter.Get(o), in)
				return err
			},
		},
		Computed: map[*schema.Field]Compute{CollectorFilters.Field(): filtersOf},
		Sample: func(World) Body {
			return NewBody(map[string]any{"collected_fields": []string{"ops"}, "type": "counter", "filters": map[string]string{"protocol_type": familySAN}})
		},
		Change: func(*schema.Object) Body { return Body{} },
	}
	k.Routes = []Route{{
		// Reading takes the samples away: it writes.
		Least: RoleReadOnly, Method: http.MethodGet, Path: k.Path + "/data", Params: []string{"collector_id"},
		Do: func(b *Box, _ *schema.Object, in *Input) (any, error) { return b.readCollectors(k, in) },
	}}
	return k
}

func (b *Box) completeCollector(filter *Kind, o *schema.Object, in *Input) error {
	if err := checkCollected(o); err != nil {
		return err
	}
	if CollectorFilter.IsNull(o) {
		fields, err := DecodeBody(in.Body["filters"])
		if err != nil {
			return apierr.New(apierr.InvalidValue, "filters: %.80s is no object", in.Body["filters"]).About("filters")
		}
		made, err := b.Create(filter, &Input{Request: in.Request, Body: fields})
		if err != nil {
			return err
		}
		CollectorFilter.Set(o, made.ID())
		collectorOwns.Set(o, true)
	}
	collectorRead.Set(o, int64(b.Tx.Now().Add(collectorStart)))
	return nil
}

// checkCollected refuses fields that the type of a collector cannot count. One
// of entities names them by one field among those that it collects, as
// InfiniSDK's public history reads the rows of TOP.
func checkCollected(o *schema.Object) error {
	keys, names := 0, CollectorFields.Get(o)
	for i, name := range names {
		switch {
		case slices.Contains(names[:i], name):
			return apierr.New(apierr.InvalidValue, "collected_fields: %s is there twice", name).About("collected_fields")
		case isKey(name):
			keys++
		case !isCounter(name):
			return apierr.New(apierr.InvalidValue, "collected_fields: %q is nothing to collect", name).About("collected_fields")
		}
	}
	want := 0
	if entities(o) {
		want = 1
	}
	if keys != want || len(names) == keys {
		return apierr.New(apierr.InvalidValue, "collected_fields: %v: %s collects counters and %d of the fields that name an entity",
			names, CollectorType.Get(o), want).About("collected_fields")
	}
	if (CollectorType.Get(o) == collectHistogram) == CollectorBy.IsNull(o) {
		return apierr.New(apierr.InvalidValue, "histogram_field: %s does not fit %s", o.Raw(CollectorBy.Field()), CollectorType.Get(o)).About("histogram_field")
	}
	return nil
}

// entities reports whether the samples of a collector have a row for each
// entity.
func entities(o *schema.Object) bool {
	return slices.Contains([]string{collectTop, collectAggregator}, CollectorType.Get(o))
}

func isKey(name string) bool {
	return slices.ContainsFunc(metricKeys(), func(f schema.Attr[int64]) bool { return f.Name() == name })
}

// filtersOf are the fields that a collector's filter picks by.
func filtersOf(b *Box, o *schema.Object) (any, error) {
	filter, err := b.Must(MetricFilter, CollectorFilter.Get(o))
	if err != nil {
		return nil, err
	}
	out := map[string]json.RawMessage{}
	for _, f := range MetricFilter.StoredFields() {
		if f != schema.IDField() && !filter.IsNull(f) {
			out[f.Name] = filter.Raw(f)
		}
	}
	return out, nil
}

// collected is a collector's answer.
type collected struct {
	ID       int64    `json:"id"`
	Fields   []string `json:"fields"`
	Data     []any    `json:"data"`
	Type     string   `json:"collector_type"`
	Interval int64    `json:"interval_milliseconds"`
	End      int64    `json:"end_timestamp_milliseconds"`
	By       string   `json:"histogram_field,omitempty"`
	Ranges   []string `json:"ranges,omitempty"`
}

// readCollectors gives the samples that are ready, of the collectors that the
// request names, or of all: "7", "eq:7", "in:7,8" and "in:(7,8)" are names.
func (b *Box) readCollectors(k *Kind, in *Input) (any, error) {
	text := in.Query.Get("collector_id")
	ids := b.Tx.IDs(b.Key, MetricCollector, 0, -1)
	if text != "" {
		ids = nil
		list := strings.Trim(strings.TrimPrefix(strings.TrimPrefix(text, "in:"), "eq:"), "()")
		for one := range strings.SplitSeq(list, ",") {
			id, err := strconv.ParseInt(one, 10, 64)
			if err != nil {
				return nil, apierr.New(apierr.InvalidValue, "collector_id: %q names no collectors", text).About("collector_id")
			}
			ids = append(ids, id)
		}
	}
	loads, err := b.loads()
	if err != nil {
		return nil, err
	}
	out := []collected{}
	for _, id := range ids {
		o, err := b.Load(k, id)
		if err != nil {
			return nil, err
		}
		c, err := b.collect(o, loads)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return map[string][]collected{"collectors": out}, nil
}

// collect gives the samples of a collector that are ready and forgets them.
func (b *Box) collect(o *schema.Object, loads []load) (collected, error) {
	every := sampleEvery
	if CollectorType.Get(o) == collectAggregator {
		every = aggregateEvery
	}
	filter, err := b.Must(MetricFilter, CollectorFilter.Get(o))
	if err != nil {
		return collected{}, err
	}
	from := clock.Time(collectorRead.Get(o))
	ready := max(0, b.Tx.Now().Sub(from)/every) // how many
	end := from.Add(ready * every)
	c := collected{ID: o.ID(), Fields: CollectorFields.Get(o), Data: []any{}, Type: CollectorType.Get(o), Interval: every.Milliseconds(), End: min(end, b.Tx.Now()).MS()}
	if !CollectorBy.IsNull(o) {
		c.By = CollectorBy.Get(o)
		c.Ranges = rangesOf(c.By)
	}
	for at := end.Add(-every * min(ready, mostPending/every)); at < end; at = at.Add(every) {
		var passed []flow
		for _, f := range flows(loads, at, at.Add(every)) {
			if f.in(filter) {
				passed = append(passed, f)
			}
		}
		c.Data = append(c.Data, sample(&c, passed, every.Seconds()))
	}
	collectorRead.Set(o, int64(end))
	return c, b.Tx.Put(b.Key, o)
}

// sample is one sample: a row of numbers; of a histogram a row for each range,
// of entities a row for each that moved any bytes (docs.virtana.com).
func sample(c *collected, passed []flow, seconds float64) any {
	row := func(key int64, t tally) []int64 {
		out := make([]int64, 0, len(c.Fields))
		for _, name := range c.Fields {
			if isKey(name) {
				out = append(out, key)
			} else {
				out = append(out, t.value(name, seconds))
			}
		}
		return out
	}
	sums := map[int64]tally{}
	for _, f := range passed {
		key := int64(0)
		switch {
		case c.By != "":
			key = int64(rangeOf(c.By, &f))
		case c.Type != collectCounter:
			key = f.key(c.Fields[slices.IndexFunc(c.Fields, isKey)])
		}
		t := sums[key]
		t.add(f.tally)
		sums[key] = t
	}
	if c.Type == collectCounter {
		return row(0, sums[0])
	}
	rows := [][]int64{}
	if c.By != "" {
		for i := range c.Ranges {
			rows = append(rows, row(0, sums[int64(i)]))
		}
		return rows
	}
	for _, key := range slices.Sorted(maps.Keys(sums)) {
		if key != 0 && sums[key].bytes > 0 {
			rows = append(rows, row(key, sums[key]))
		}
	}
	if c.Type == collectTop {
		first := slices.IndexFunc(c.Fields, isCounter)
		slices.SortStableFunc(rows, func(x, y []int64) int { return cmp.Compare(y[first], x[first]) })
		rows = rows[:min(topRows, len(rows))]
	}
	return rows
}

// The fields that a histogram tells operations apart by: their size or their
// type (vendor KB 360002106777).
//
// unsourced: the names of a histogram's fields, and its ranges of sizes.
const (
	bySize      = "OPERATION_SIZE"
	byOperation = "OPERATION_TYPE"
)

func sizes() []int64 {
	return []int64{4 << 10, 8 << 10, 16 << 10, 32 << 10, 64 << 10, 128 << 10, 256 << 10, 512 << 10, 1 << 20}
}

func rangesOf(by string) []string {
	if by == byOperation {
		return MetricOperation.Field().Enum
	}
	var out []string
	for _, most := range sizes() {
		out = append(out, fmt.Sprintf("<=%d", most))
	}
	return append(out, fmt.Sprintf(">%d", sizes()[len(sizes())-1]))
}

func rangeOf(by string, f *flow) int {
	if by == byOperation {
		return slices.Index(MetricOperation.Field().Enum, f.op)
	}
	at, _ := slices.BinarySearch(sizes(), f.block)
	return at
}
