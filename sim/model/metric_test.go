package model_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/apierr"
	"infinisim/sim/lab"
	"infinisim/sim/model"
)

// meters is a lab with two pools: volumes a and b in the first, filesystem f in
// the second. Host h has a.
type meters struct {
	*arrays
	poolA, poolF, a, b, f, host int64
}

func newMeters(tb testing.TB) *meters {
	tb.Helper()
	m := &meters{arrays: newArrays(tb, lab.ArraySetup{})}
	pool := func(name string) int64 {
		return m.post(boxA, "pools", object{"name": name, "physical_capacity": 1e12, "virtual_capacity": 1e12}).id("id")
	}
	m.poolA, m.poolF = pool("p"), pool("q")
	m.a = m.post(boxA, "volumes", object{"name": "a", "size": 1e9, "pool_id": m.poolA}).id("id")
	m.b = m.post(boxA, "volumes", object{"name": "b", "size": 1e9, "pool_id": m.poolA}).id("id")
	m.f = m.post(boxA, "filesystems", object{"name": "f", "size": 1e9, "pool_id": m.poolF}).id("id")
	m.host = m.post(boxA, "hosts", object{"name": "h"}).id("id")
	m.post(boxA, fmt.Sprintf("hosts/%d/luns", m.host), object{"volume_id": m.a})
	return m
}

func (m *meters) set(dataset int64, w model.Workload) error {
	m.t.Helper()
	return m.lab.On(m.t.Context(), boxA, func(b *model.Box) error { return b.SetWorkload(dataset, w) })
}

func (m *meters) advance(d time.Duration) {
	m.t.Helper()
	_, err := m.lab.AdvanceTo(m.t.Context(), m.lab.Clock.Now().Add(d))
	require.NoError(m.t, err)
}

// collector makes a collector and lets it begin.
func (m *meters) collector(body object) int64 {
	m.t.Helper()
	id := m.post(boxA, "metrics/collectors", body).id("id")
	m.advance(3 * time.Second)
	return id
}

func (m *meters) read(id int64) object {
	m.t.Helper()
	all := parts(m.t, m.get(boxA, fmt.Sprintf("metrics/collectors/data?collector_id=%d", id)), "collectors")
	require.Len(m.t, all, 1)
	return all[0]
}

type row = []any

// busy has hosts work on all three datasets.
func (m *meters) busy() {
	m.t.Helper()
	require.NoError(m.t, m.set(m.a, model.Workload{Reads: 100, Writes: 50, BlockSize: 8192, Latency: time.Millisecond, Host: m.host}))
	require.NoError(m.t, m.set(m.b, model.Workload{Reads: 10, BlockSize: 65536, Latency: 3 * time.Millisecond, Protocol: "ISCSI"}))
	require.NoError(m.t, m.set(m.f, model.Workload{Writes: 40, BlockSize: 4096, Latency: 2 * time.Millisecond}))
}

// A collector has a sample for each second, waits for nobody longer than half a
// minute, and gives each once.
func TestMetrics_pending(t *testing.T) {
	t.Parallel()
	m := newMeters(t)
	m.busy()
	id := m.post(boxA, "metrics/collectors", object{"collected_fields": []string{"ops"}, "filters": object{"volume_id": m.a}}).id("id")
	m.advance(3500 * time.Millisecond)
	assert.Empty(t, m.read(id)["data"], "it takes its time to begin")
	m.advance(1500 * time.Millisecond)
	c := m.read(id)
	assert.Equal(t, []any{row{150.0}, row{150.0}}, c["data"])
	assert.EqualValues(t, 1000, c.id("interval_milliseconds"))
	assert.Equal(t, m.lab.Clock.Now().MS(), c.id("end_timestamp_milliseconds"))
	assert.Equal(t, "COUNTER", c["collector_type"])
	assert.Empty(t, m.read(id)["data"], "each sample once")
	m.advance(999 * time.Millisecond)
	assert.Empty(t, m.read(id)["data"])
	m.advance(time.Millisecond)
	assert.Len(t, m.read(id)["data"], 1)
	m.advance(24 * time.Hour)
	assert.Len(t, m.read(id)["data"], 30)
}

// Numbers follow from the workload as it was in each second.
func TestMetrics_follow(t *testing.T) {
	t.Parallel()
	m := newMeters(t)
	m.busy()
	id := m.collector(object{"collected_fields": []string{"ops", "throughput", "latency", "external_latency_wout_err", "average_operation_size"}, "filters": object{}})
	m.advance(time.Second)
	ops, bytes := 150+10+40, 150*8192+10*65536+40*4096
	wait := (150*1000 + 10*3000 + 40*2000) / ops
	want := row{float64(ops), float64(bytes), float64(wait), float64(wait), float64(bytes / ops)}
	assert.Equal(t, []any{want}, m.read(id)["data"])

	m.advance(250 * time.Millisecond)
	require.NoError(t, m.set(m.a, model.Workload{Reads: 1000, BlockSize: 512, Latency: time.Millisecond}))
	for _, idle := range []int64{m.b, m.f} {
		require.NoError(t, m.set(idle, model.Workload{BlockSize: 512, Latency: time.Millisecond}))
	}
	m.advance(time.Second + 750*time.Millisecond)
	got := m.read(id)["data"].([]any)
	assert.Equal(t, 200.0/4+1000*0.75, got[0].(row)[0])
	assert.Equal(t, row{1000.0, 512000.0, 1000.0, 1000.0, 512.0}, got[1])

	require.NoError(t, m.set(m.a, model.Workload{BlockSize: 512, Latency: time.Millisecond}))
	m.advance(time.Second)
	assert.Equal(t, []any{row{0.0, 0.0, 0.0, 0.0, 0.0}}, m.read(id)["data"])
}

func TestMetrics_filters(t *testing.T) {
	t.Parallel()
	m := newMeters(t)
	m.busy()
	for _, c := range []struct {
		filters object
		ops     float64
	}{
		{object{"protocol_type": "SAN"}, 160},
		{object{"protocol_type": "nas"}, 40},
		{object{"protocol": "ISCSI"}, 10},
		{object{"protocol": "NFS"}, 40},
		{object{"operation_type": "read"}, 110},
		{object{"operation_type": "write", "protocol_type": "SAN"}, 50},
		{object{"operation_type": "commit"}, 0},
		{object{"pool_id": m.poolA}, 160},
		{object{"volume_id": m.b}, 10},
		{object{"filesystem_id": m.f}, 40},
		{object{"host_id": m.host}, 150},
		{object{"host_id": m.host, "pool_id": m.poolF}, 0},
	} {
		id := m.collector(object{"collected_fields": []string{"ops"}, "filters": c.filters})
		m.advance(time.Second)
		assert.Equal(t, []any{row{c.ops}}, m.read(id)["data"], "%v", c.filters)
	}
}

func TestMetrics_entities(t *testing.T) {
	t.Parallel()
	m := newMeters(t)
	m.busy()
	id := func(n int64) float64 { return float64(n) }
	top := m.collector(object{"type": "TOP", "collected_fields": []string{"throughput", "pool_id"}, "filters": object{}})
	volumes := m.collector(object{"type": "TOP", "collected_fields": []string{"volume_id", "latency"}, "filters": object{}})
	hosts := m.collector(object{"type": "TOP", "collected_fields": []string{"host_id", "ops"}, "filters": object{}})
	all := m.collector(object{"type": "AGGREGATOR", "collected_fields": []string{"volume_id", "ops"}, "filters": object{}})
	m.advance(10 * time.Second)
	last := func(c object) any { d := c["data"].([]any); return d[len(d)-1] }
	assert.Equal(t, row{row{1884160.0, id(m.poolA)}, row{163840.0, id(m.poolF)}}, last(m.read(top)))
	assert.Equal(t, row{row{id(m.b), 3000.0}, row{id(m.a), 1000.0}}, last(m.read(volumes)))
	assert.Equal(t, row{row{id(m.host), 150.0}}, last(m.read(hosts)))
	sample := m.read(all)
	assert.EqualValues(t, 10000, sample.id("interval_milliseconds"))
	assert.Equal(t, []any{row{row{id(m.a), 150.0}, row{id(m.b), 10.0}}}, sample["data"])
}

func TestMetrics_top10(t *testing.T) {
	t.Parallel()
	m := newMeters(t)
	for i := range 12 {
		v := m.post(boxA, "volumes", object{"name": fmt.Sprint("v", i), "size": 1e9, "pool_id": m.poolA}).id("id")
		require.NoError(t, m.set(v, model.Workload{Reads: int64(i), BlockSize: 512, Latency: time.Millisecond}))
	}
	id := m.collector(object{"type": "TOP", "collected_fields": []string{"volume_id", "ops"}, "filters": object{}})
	m.advance(time.Second)
	rows := m.read(id)["data"].([]any)[0].(row)
	require.Len(t, rows, 10)
	assert.Equal(t, 11.0, rows[0].(row)[1])
	assert.Equal(t, 2.0, rows[9].(row)[1])
}

func TestMetrics_histogram(t *testing.T) {
	t.Parallel()
	m := newMeters(t)
	m.busy()
	sizes := m.collector(object{"type": "HISTOGRAM", "collected_fields": []string{"ops"}, "histogram_field": "operation_size", "filters": object{}})
	kinds := m.collector(object{"type": "HISTOGRAM", "collected_fields": []string{"ops", "throughput"}, "histogram_field": "operation_type", "filters": object{"volume_id": m.a}})
	m.advance(time.Second)
	c := m.read(kinds)
	assert.Equal(t, "OPERATION_TYPE", c["histogram_field"])
	assert.Equal(t, []any{"READ", "WRITE", "COMMIT", "XCOPY"}, c["ranges"])
	assert.Equal(t, row{row{100.0, 819200.0}, row{50.0, 409600.0}, row{0.0, 0.0}, row{0.0, 0.0}}, c["data"].([]any)[0])
	c = m.read(sizes)
	counts := map[any]any{}
	for i, r := range c["data"].([]any)[0].(row) {
		counts[c["ranges"].([]any)[i]] = r.(row)[0]
	}
	assert.Equal(t, map[any]any{
		"<=4096": 40.0, "<=8192": 150.0, "<=16384": 0.0, "<=32768": 0.0, "<=65536": 10.0, "<=131072": 0.0, "<=262144": 0.0,
		"<=524288": 0.0, "<=1048576": 0.0, ">1048576": 0.0,
	}, counts)
}

// A QoS policy lets fewer operations through, and each takes longer.
func TestMetrics_qos(t *testing.T) {
	t.Parallel()
	m := newMeters(t)
	m.busy()
	policy := func(body object, entity int64) {
		body["name"] = fmt.Sprint("q", entity)
		id := m.post(boxA, "qos/policies", body).id("id")
		m.post(boxA, fmt.Sprintf("qos/policies/%d/assign", id), object{"entity_id": entity})
	}
	policy(object{"type": "VOLUME", "max_ops": 75}, m.a)
	policy(object{"type": "FILESYSTEM", "max_bps": 40960}, m.f)
	of := func(dataset string, id int64) object {
		return object{"collected_fields": []string{"ops", "throughput", "latency"}, "filters": object{dataset: id}}
	}
	a, b, f := m.collector(of("volume_id", m.a)), m.collector(of("volume_id", m.b)), m.collector(of("filesystem_id", m.f))
	m.advance(time.Second)
	last := func(id int64) any { d := m.read(id)["data"].([]any); return d[len(d)-1] }
	assert.Equal(t, row{75.0, 614400.0, 2000.0}, last(a))
	assert.Equal(t, row{10.0, 655360.0, 3000.0}, last(b))
	assert.Equal(t, row{10.0, 40960.0, 8000.0}, last(f))

	policy(object{"type": "POOL_VOLUME", "max_ops": 17}, m.poolA)
	m.advance(time.Second)
	assert.Equal(t, row{15.0, 122880.0, 10000.0}, last(a), "a fifth of 75 and of 10")
	assert.Equal(t, row{2.0, 131072.0, 15000.0}, last(b))
	assert.Equal(t, row{10.0, 40960.0, 8000.0}, last(f), "the pool's policy is for volumes")

	m.do(boxA, http.MethodPut, "config/mgmt/qos.enabled", false)
	m.advance(time.Second)
	assert.Equal(t, row{150.0, 1228800.0, 1000.0}, last(a))
}

// A dataset that goes takes its workload along; a filter that names it counts
// nothing.
func TestMetrics_deleted(t *testing.T) {
	t.Parallel()
	m := newMeters(t)
	m.busy()
	id := m.collector(object{"collected_fields": []string{"ops"}, "filters": object{"volume_id": m.b}})
	m.do(boxA, http.MethodDelete, fmt.Sprintf("volumes/%d?approved=true", m.b), nil)
	m.advance(time.Second)
	assert.Equal(t, []any{row{0.0}}, m.read(id)["data"])
	gone := m.do(boxA, http.MethodDelete, fmt.Sprintf("metrics/collectors/%d", id), nil)
	assert.Equal(t, float64(m.b), gone["filters"].(map[string]any)["volume_id"])
	assert.Empty(t, m.list(boxA, "metrics/filters"), "its own filter goes with a collector")

	m.get(boxA, fmt.Sprintf("events/%d", m.a)) // events have ids of their own, which datasets have too
	m.do(boxA, http.MethodDelete, "events?approved=true", nil)
	require.NoError(t, m.lab.View(t.Context(), boxA, func(b *model.Box) error {
		w, err := b.WorkloadOf(m.a)
		assert.EqualValues(t, 100, w.Reads)
		return err
	}))
}

// A filter that another collector uses outlives the collector that brought it.
func TestMetrics_filterKept(t *testing.T) {
	t.Parallel()
	m := newMeters(t)
	first := m.post(boxA, "metrics/collectors", object{"collected_fields": []string{"ops"}, "filters": object{"protocol": "NFS"}})
	second := m.post(boxA, "metrics/collectors", object{"collected_fields": []string{"ops"}, "filter_id": first.id("filter_id")})
	m.do(boxA, http.MethodDelete, fmt.Sprintf("metrics/collectors/%d", first.id("id")), nil)
	assert.Len(t, m.list(boxA, "metrics/filters"), 1)
	m.refused(boxA, map[string]refusal{
		"in use": {409, "METRIC_FILTER_IN_USE", "DELETE", fmt.Sprintf("metrics/filters/%d", first.id("filter_id")), nil},
	})
	m.do(boxA, http.MethodDelete, fmt.Sprintf("metrics/collectors/%d", second.id("id")), nil)
	m.do(boxA, http.MethodDelete, fmt.Sprintf("metrics/filters/%d", first.id("filter_id")), nil)
}

func TestWorkload_refused(t *testing.T) {
	t.Parallel()
	m := newMeters(t)
	good := model.Workload{Writes: 1, BlockSize: 512, Latency: time.Millisecond}
	snap := m.post(boxA, "volumes", object{"name": "s", "parent_id": m.a, "write_protected": true}).id("id")
	for name, c := range map[string]struct {
		code    apierr.Code
		dataset int64
		change  func(w *model.Workload)
	}{
		"dataset":   {apierr.VolumeNotFound, 77, func(*model.Workload) {}},
		"negative":  {apierr.InvalidValue, m.a, func(w *model.Workload) { w.Reads = -1 }},
		"too many":  {apierr.InvalidValue, m.a, func(w *model.Workload) { w.Writes = 1e10 }},
		"block":     {apierr.InvalidValue, m.a, func(w *model.Workload) { w.BlockSize = 0 }},
		"latency":   {apierr.InvalidValue, m.a, func(w *model.Workload) { w.Latency = 0 }},
		"protocol":  {apierr.InvalidValue, m.a, func(w *model.Workload) { w.Protocol = "NFS" }},
		"host":      {apierr.LUNNotFound, m.b, func(w *model.Workload) { w.Host = m.host }},
		"protected": {apierr.DatasetWriteProtected, snap, func(*model.Workload) {}},
	} {
		w := good
		c.change(&w)
		assert.Equal(t, c.code, apierr.CodeOf(m.set(c.dataset, w)), name)
	}
	require.NoError(t, m.set(snap, model.Workload{Reads: 1, BlockSize: 512, Latency: time.Millisecond}))
	require.NoError(t, m.lab.View(t.Context(), boxA, func(b *model.Box) error {
		w, err := b.WorkloadOf(m.a)
		assert.Equal(t, model.Workload{}, w)
		return err
	}))
}
