package model

import (
	"math"

	"infinisim/sim/clock"
	"infinisim/sim/schema"
)

// flow is what one workload did in a window of time, of one kind of operation.
type flow struct {
	dataset, pool, host int64
	of                  string // OfVolume or OfFS
	protocol            string
	op                  string
	block               int64
	tally
}

// tally is a sum over operations: how many, their bytes, and the microseconds
// that they took.
type tally struct{ ops, bytes, wait float64 }

func (t *tally) add(u tally) {
	t.ops += u.ops
	t.bytes += u.bytes
	t.wait += u.wait
}

// flows is what the workloads did in a window. Operations that a policy holds
// back take longer by as much as there are fewer of them, since hosts wait for
// them: the time that all of them take stays (vendor KB 6211359606813 counts the
// delay of QoS as latency).
func flows(loads []load, from, to clock.Time) []flow {
	var out []flow
	demand := map[poolDemand]tally{}
	for _, l := range loads {
		for i, p := range l.phases {
			end := to
			if i+1 < len(l.phases) {
				end = min(to, l.phases[i+1].From)
			}
			begin := max(from, p.From)
			if end <= begin {
				continue
			}
			for _, f := range l.during(p, end.Sub(begin).Seconds()) {
				out = append(out, f)
				key := poolDemand{l.pool, f.of}
				sum := demand[key]
				sum.add(f.tally)
				demand[key] = sum
			}
		}
	}
	window := to.Sub(from).Seconds()
	shared := map[poolDemand]limit{}
	for _, l := range loads {
		shared[poolDemand{l.pool, l.of()}] = l.shared
	}
	for i := range out {
		key := poolDemand{out[i].pool, out[i].of}
		part := shared[key].share(demand[key].ops/window, demand[key].bytes/window)
		out[i].ops *= part
		out[i].bytes *= part
	}
	return out
}

// poolDemand names the datasets of one type in a pool: they share a policy.
type poolDemand struct {
	pool int64
	of   string
}

func (l load) of() string {
	if l.kind == QoSFilesystem {
		return OfFS
	}
	return OfVolume
}

// during is a phase of a workload for some seconds, within the dataset's own
// policy.
func (l load) during(p phase, seconds float64) []flow {
	var out []flow
	ops, block := float64(p.Reads+p.Writes), float64(p.BlockSize)
	part := l.own.share(ops, ops*block)
	for _, o := range []struct {
		op   string
		rate int64
	}{{opRead, p.Reads}, {opWrite, p.Writes}} {
		if o.rate == 0 {
			continue
		}
		n := float64(o.rate) * seconds
		out = append(out, flow{
			dataset: l.dataset, pool: l.pool, host: p.Host, of: l.of(), protocol: p.Protocol, op: o.op, block: p.BlockSize,
			tally: tally{ops: n * part, bytes: n * part * block, wait: n * float64(p.Latency.Microseconds())},
		})
	}
	return out
}

// key is the id that a flow has of a kind of entity, 0 for none.
func (f *flow) key(name string) int64 {
	switch {
	case name == MetricPool.Name():
		return f.pool
	case name == MetricHost.Name():
		return f.host
	case name == MetricVolume.Name() && f.of == OfVolume, name == MetricFilesystem.Name() && f.of == OfFS:
		return f.dataset
	}
	return 0
}

// in reports whether a flow passes a filter.
func (f *flow) in(filter *schema.Object) bool {
	family := familySAN
	if f.of == OfFS {
		family = familyNAS
	}
	for _, c := range []struct {
		field schema.Attr[string]
		value string
	}{{MetricFamily, family}, {MetricProtocol, f.protocol}, {MetricOperation, f.op}} {
		if !c.field.IsNull(filter) && c.field.Get(filter) != c.value {
			return false
		}
	}
	for _, field := range metricKeys() {
		if !field.IsNull(filter) && field.Get(filter) != f.key(field.Name()) {
			return false
		}
	}
	return true
}

// value is a collector's field of a tally over some seconds.
func (t tally) value(field string, seconds float64) int64 {
	v := 0.0
	switch {
	case field == "ops":
		v = t.ops / seconds
	case field == "throughput":
		v = t.bytes / seconds
	case t.ops == 0: // nothing took any time
	case field == "average_operation_size":
		v = t.bytes / t.ops
	default:
		v = t.wait / t.ops
	}
	return int64(math.Round(v))
}
