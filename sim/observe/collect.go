package observe

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"infinisim/sim/journal"
	"infinisim/sim/lab"
	"infinisim/sim/model"
	"infinisim/sim/replication"
)

// The labels that many metrics have.
const (
	labelLab   = "lab"
	labelArray = "array"
)

func itoa[N int | int64](n N) string { return strconv.FormatInt(int64(n), 10) }

// collector reads labs when it is asked.
type collector struct {
	metrics *Metrics
	labs    *lab.Labs
	all     bool
}

// Describe describes nothing: which metrics there are depends on the labs.
func (c *collector) Describe(chan<- *prometheus.Desc) {}

// Collect reads the labs. A lab that cannot be read fails the scrape.
func (c *collector) Collect(to chan<- prometheus.Metric) {
	there := c.labs.List()
	gauge(to, "infinisim_labs", "Labs in the process.", float64(len(there)))
	var shown []*lab.Lab
	for _, l := range there {
		if c.all || l.Name() == lab.DefaultName {
			shown = append(shown, l)
		}
	}
	c.metrics.collect(there, shown, to)
	for _, l := range shown {
		s := &scrape{lab: l, to: to}
		for _, read := range []func() error{s.itself, s.arrays, s.pools, s.links, s.replicas} {
			if err := read(); err != nil {
				if _, gone := c.labs.Get(l.Name()); gone != nil {
					break // it was deleted meanwhile
				}
				to <- prometheus.NewInvalidMetric(prometheus.NewInvalidDesc(err), fmt.Errorf("lab %s: %w", l.Name(), err))
				break
			}
		}
	}
}

// gauge gives one number; labels are names and values in turn.
func gauge(to chan<- prometheus.Metric, name, help string, v float64, labels ...string) {
	number(to, prometheus.GaugeValue, name, help, v, labels)
}

func number(to chan<- prometheus.Metric, kind prometheus.ValueType, name, help string, v float64, labels []string) {
	names, values := []string{}, []string{}
	for i := 0; i < len(labels); i += 2 {
		names, values = append(names, labels[i]), append(values, labels[i+1])
	}
	m, err := prometheus.NewConstMetric(prometheus.NewDesc(name, help, names, nil), kind, v, values...)
	if err != nil {
		m = prometheus.NewInvalidMetric(prometheus.NewInvalidDesc(err), err)
	}
	to <- m
}

// scrape reads one lab.
type scrape struct {
	lab *lab.Lab
	to  chan<- prometheus.Metric
}

func (s *scrape) gauge(name, help string, v float64, labels ...string) {
	number(s.to, prometheus.GaugeValue, name, help, v, append([]string{labelLab, s.lab.Name()}, labels...))
}

func (s *scrape) counter(name, help string, v float64, labels ...string) {
	number(s.to, prometheus.CounterValue, name, help, v, append([]string{labelLab, s.lab.Name()}, labels...))
}

// oneHot gives a gauge for each word as the label state: 1 for the one that is, 0 for the others.
func (s *scrape) oneHot(name, help string, words []string, is string, labels ...string) {
	for _, word := range words {
		s.gauge(name, help, truth(word == is), append(slices.Clip(labels), "state", word)...)
	}
}

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// itself reads clock, journal, timetable and faults.
func (s *scrape) itself() error {
	l := s.lab
	s.gauge("infinisim_clock_time_seconds", "The lab's time, in seconds since 1970.", time.Duration(l.Clock.Now()).Seconds())
	s.gauge("infinisim_clock_speed_ratio", "How many times as fast as the wall clock the lab's clock runs, 0 for one that stands still.", l.Clock.Speed())
	s.counter("infinisim_journal_entries_total", "Entries of the lab's journal since it was made or reset.", float64(l.Journal.Last()))
	for key, n := range l.Journal.Tallied(journal.Jobs) {
		kind, outcome, _ := strings.Cut(key, " ")
		s.counter("infinisim_jobs_total", "Jobs of the lab's timetable: done, put off by a fault (later), or failed, which is a bug of infinisim.",
			float64(n), "kind", kind, "outcome", outcome)
	}
	for _, c := range l.Faults() {
		of := []string{"rule", c.ID, "site", string(c.Site), "effect", string(c.Effect.Type)}
		s.counter("infinisim_fault_matches_total", "Events that matched a fault rule.", float64(c.Matched), of...)
		s.counter("infinisim_fault_hits_total", "Strikes of a fault rule.", float64(c.Hits), of...)
		s.gauge("infinisim_fault_in_force", "Whether a fault rule can strike now.", truth(c.State == "in force"), of...)
	}
	missing, unread := 0, 0
	for _, n := range l.Missing() {
		missing += n
	}
	for _, n := range l.Unread() {
		unread += n
	}
	s.counter("infinisim_unanswered_requests_total", "Requests that no route of the arrays answers.", float64(missing))
	s.counter("infinisim_unread_keys_total", "Keys of bodies that no array knows.", float64(unread))
	return nil
}

func (s *scrape) arrays() error {
	for _, a := range s.lab.Arrays() {
		s.gauge("infinisim_array_info", "Always 1: an array, its name and its serial number.", 1, labelArray, a.Key, "name", a.Name, "serial", itoa(a.Serial))
		s.gauge("infinisim_array_active", "Whether the array is on the network.", truth(s.lab.Active(a)), labelArray, a.Key)
	}
	return nil
}

func (s *scrape) pools() error {
	all, err := s.lab.Pools(context.Background(), "")
	for _, p := range all {
		of := []string{labelArray, p.Array, "pool", p.Name, "id", itoa(p.ID)}
		s.gauge("infinisim_pool_physical_capacity_bytes", "Physical capacity of a pool.", float64(p.PhysicalCapacity), of...)
		s.gauge("infinisim_pool_virtual_capacity_bytes", "Virtual capacity of a pool.", float64(p.VirtualCapacity), of...)
		s.gauge("infinisim_pool_allocated_bytes", "Physical space of a pool that is allocated.", float64(p.AllocatedPhysical), of...)
		s.gauge("infinisim_pool_free_virtual_bytes", "Virtual space of a pool that is free.", float64(p.FreeVirtual), of...)
		s.gauge("infinisim_pool_fill_ratio", "Share of a pool's physical capacity that is allocated.", p.Fill, of...)
		s.oneHot("infinisim_pool_state", "State of a pool: 1 for the one that it is in.", model.PoolState.Field().Enum, p.State, of...)
		for kind, n := range map[string]int64{
			"volume": p.Volumes, "filesystem": p.Filesystems, "snapshot": p.Snapshots, "filesystem_snapshot": p.FSSnapshots,
		} {
			s.gauge("infinisim_pool_datasets", "Datasets in a pool.", float64(n), append(slices.Clip(of), "kind", kind)...)
		}
	}
	return err
}

func (s *scrape) links() error {
	all, err := s.lab.LinkViews(context.Background(), "")
	for _, v := range all {
		of := []string{labelArray, v.Array, "link", v.Name, "id", itoa(v.ID), "remote_array", v.RemoteArray}
		s.gauge("infinisim_link_up", "Whether a link is up, maybe degraded.", truth(v.State == "UP" || v.State == "DEGRADED"), of...)
		s.oneHot("infinisim_link_state", "State of a link: 1 for the one that it is in.", replication.LinkState.Field().Enum, v.State, of...)
		s.gauge("infinisim_link_bandwidth_bytes_per_second", "Bandwidth of the path behind a link.", float64(v.Bandwidth), of...)
		s.gauge("infinisim_link_latency_seconds", "Latency of the path behind a link, one way.", v.LatencyMS/1000, of...)
	}
	return err
}

func (s *scrape) replicas() error {
	all, err := s.lab.Replicas(context.Background(), "", "")
	for _, v := range all {
		if v.State != "" { // a target has none: its source tells
			s.replica(v)
		}
	}
	return err
}

// replica reads the half that sends, or each of two that serve at once.
func (s *scrape) replica(v lab.ReplicaView) {
	of := []string{
		labelArray, v.Array, "replica", itoa(v.ID), "name", v.Entity.Name, "type", v.Type, "remote_array", v.RemoteArray,
	}
	s.oneHot("infinisim_replica_state", "State of a replica: 1 for the one that it is in.", lab.ReplicaStates(), v.State, of...)
	if v.SyncState != "" {
		words := replication.ReplicaSyncState.Field().Enum
		s.oneHot("infinisim_replica_sync_state", "Synchrony of a replica: 1 for the state that it is in.", words, v.SyncState, of...)
	}
	if v.LagMS != nil {
		s.gauge("infinisim_replica_lag_seconds", "How old the image is that the other side has, in lab time.", inSeconds(*v.LagMS), of...)
	} else if v.SyncState == "SYNCHRONIZED" {
		s.gauge("infinisim_replica_lag_seconds", "How old the image is that the other side has, in lab time.", 0, of...)
	}
	if v.RPOMS != nil {
		s.gauge("infinisim_replica_rpo_seconds", "How old that image may become, in lab time.", inSeconds(*v.RPOMS), of...)
	}
	if v.IntervalMS != nil {
		s.gauge("infinisim_replica_interval_seconds", "How often a job of a replica begins, in lab time.", inSeconds(*v.IntervalMS), of...)
	}
	s.gauge("infinisim_replica_throughput_bytes_per_second", "How fast a job of a replica sends, in lab time.", float64(v.Throughput), of...)
	left, stalled := int64(0), false
	if v.Job != nil {
		left, stalled = v.Job.BytesLeft, v.Job.Stalled
	}
	s.gauge("infinisim_replica_job_running", "Whether a job of a replica is under way.", truth(v.Job != nil), of...)
	s.gauge("infinisim_replica_job_stalled", "Whether a job of a replica waits for its link.", truth(stalled), of...)
	s.gauge("infinisim_replica_job_left_bytes", "What a job of a replica has yet to send.", float64(left), of...)
}

func inSeconds(ms int64) float64 { return (time.Duration(ms) * time.Millisecond).Seconds() }
