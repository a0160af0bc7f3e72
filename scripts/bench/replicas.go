package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"infinisim/sim"
)

// linked is a lab of two arrays with so many replicas at an interval of a
// minute, each of which has had its first copy.
func linked(n int) (*sim.Lab, error) {
	w, err := newWorld(sim.WithoutLimits())
	if err != nil {
		return nil, err
	}
	l := w.lab
	far := &world{lab: l, h: l.Handler("box-2")}
	if err := far.login(); err != nil {
		return nil, err
	}
	var links []struct{ ID int64 }
	if err := w.result(http.MethodGet, "links", "", &links); err != nil {
		return nil, err
	}
	for i := range n {
		var v struct{ ID int64 }
		if err := w.result(http.MethodPost, "volumes", fmt.Sprintf(`{"name":"v%d","pool_id":%d,"size":1000000000}`, i, w.pool), &v); err != nil {
			return nil, err
		}
		body := fmt.Sprintf(`{"link_id":%d,"remote_pool_id":%d,"entity_type":"VOLUME","replication_type":"ASYNC","sync_interval":60000,"rpo_value":120000,`+
			`"entity_pairs":[{"local_entity_id":%d,"remote_base_action":"CREATE"}]}`, links[0].ID, far.pool, v.ID)
		if _, err := w.ask(http.MethodPost, "replicas", body); err != nil {
			return nil, err
		}
	}
	_, err = l.Advance(context.Background(), time.Hour)
	return l, err
}

func (w *world) result(method, path, body string, to any) error {
	rec, err := w.ask(method, path, body)
	if err != nil {
		return err
	}
	return json.Unmarshal(rec.Body.Bytes(), &struct{ Result any }{to})
}

// replicas are days of replication, against raw bbolt that writes the rows as
// often as jobs end, and the price of a job with ten times as many of them.
func replicas() ([]row, error) {
	few, many := times(250), times(2500)
	day := 24 * time.Hour
	took, jobs, err := passed(few, day)
	if err != nil {
		return nil, err
	}
	floor, err := coalesced(500, jobs/500+1)
	if err != nil {
		return nil, err
	}
	tookMany, jobsMany, err := passed(many, day/10)
	if err != nil {
		return nil, err
	}
	per, perMany := took/time.Duration(jobs), tookMany/time.Duration(jobsMany)
	return []row{
		within(fmt.Sprintf("%d replicas for a day, %d jobs", few, jobs), "raw bbolt, a put for each job", took, floor, 5),
		within(fmt.Sprintf("a job among %d replicas (%d jobs)", many, jobsMany), fmt.Sprintf("a job among %d", few), perMany, per, 1.5),
	}, nil
}

// passed is how long a lab takes for a time, with how many jobs of replicas
// that were.
func passed(n int, d time.Duration) (time.Duration, int, error) {
	l, err := linked(n)
	if err != nil {
		return 0, 0, err
	}
	begun := time.Now()
	_, err = l.Advance(context.Background(), d)
	return time.Since(begun), n * int(d/time.Minute), errors.Join(err, l.Close())
}

// idleDays is a hundred days of a clock with nothing due, against a step with
// nothing due.
func idleDays() ([]row, error) {
	l, err := sim.New()
	if err != nil {
		return nil, err
	}
	defer func() { _ = l.Close() }()
	move := func(d time.Duration) func(int) error {
		return func(int) error { _, err := l.Advance(context.Background(), d); return err }
	}
	long, one, err := pair(3, move(100*24*time.Hour), move(time.Microsecond))
	return []row{within("a hundred idle days", "one idle step", long, one, 1000)}, err
}

// mixed is a load of four reads to a write, on a server whose replicas have a
// job each minute at sixty times the wall clock, against one without replicas.
func mixed() ([]row, error) {
	n := times(250)
	with, err := mixedServer(n, true)
	if err != nil {
		return nil, err
	}
	defer with.stop()
	without, err := mixedServer(n, false)
	if err != nil {
		return nil, err
	}
	defer without.stop()
	measure := func(p *program) func() (float64, error) {
		asks := make([][]byte, 5)
		for i := range asks {
			asks[i], _ = request(http.MethodGet, p.urls[0], fmt.Sprintf("/api/rest/volumes?page_size=1&page=%d", i+1), "Cookie: "+p.cookie+"\r\n", "")
		}
		made := 0
		return func() (float64, error) {
			made++
			round := made
			return rate(p.urls[0], second(), func(i int64) []byte {
				if i%5 != 0 {
					return asks[i%5]
				}
				body := fmt.Sprintf(`{"name":"made-%d-%d","pool_id":%d,"size":1000000000}`, round, i, p.pool)
				raw, _ := request(http.MethodPost, p.urls[0], "/api/rest/volumes", "Cookie: "+p.cookie+"\r\n", body)
				return raw
			})
		}
	}
	ours, floor, err := turns(measure(with), measure(without))
	return []row{faster(fmt.Sprintf("80 %% reads, 16 connections, while %d replicas run", n), "the same without replicas", ours, floor, 0.8)}, err
}

func mixedServer(n int, replicate bool) (*program, error) {
	p, err := serveProgram("--speed", "60", "--limits", "off")
	if err != nil {
		return nil, err
	}
	pools := make([]int64, 2)
	for i := range pools {
		var o struct{ ID int64 }
		if err := p.array(i, http.MethodPost, "pools", map[string]any{"name": "p", "physical_capacity": int64(1e14), "virtual_capacity": int64(1e14)}, &o); err != nil {
			return nil, err
		}
		pools[i] = o.ID
	}
	p.pool = pools[0]
	var links []struct{ ID int64 }
	if err := p.array(0, http.MethodGet, "links", nil, &links); err != nil {
		return nil, err
	}
	for i := range n {
		var v struct{ ID int64 }
		if err := p.array(0, http.MethodPost, "volumes", map[string]any{"name": fmt.Sprintf("v%d", i), "pool_id": p.pool, "size": int64(1e9)}, &v); err != nil {
			return nil, err
		}
		if !replicate {
			continue
		}
		if err := p.array(0, http.MethodPost, "replicas", map[string]any{
			"link_id": links[0].ID, "remote_pool_id": pools[1], "entity_type": "VOLUME", "replication_type": "ASYNC", "sync_interval": 60000, "rpo_value": 120000,
			"entity_pairs": []map[string]any{{"local_entity_id": v.ID, "remote_base_action": "CREATE"}},
		}, nil); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// million is a lab of a million volumes: what it takes of memory, and what an
// indexed read takes beside one in a small lab.
func million() ([]row, error) {
	n := times(1_000_000)
	p, err := serveProgram("--clock", "manual", "--limits", "off", "--links", "none")
	if err != nil {
		return nil, err
	}
	defer p.stop()
	if err := p.array(1, http.MethodPut, "system/capacity/total_virtual_capacity", int64(2*n)<<30, nil); err != nil {
		return nil, err // room for a million of the smallest
	}
	for key, n := range map[string]int{"box-1": 1000, "box-2": n} {
		if err := p.tell(http.MethodPost, "generate", map[string]any{"array": key, "pools": 10, "volumes": n}); err != nil {
			return nil, err
		}
	}
	few, many, err := p.both(func(_ int64, name string) string { return "volumes?name=eq:" + name })
	if err != nil {
		return nil, err
	}
	anon, err := p.memory("RssAnon")
	return []row{
		size(fmt.Sprintf("anonymous memory of %d datasets", n), "the limit", anon, 256<<20),
		within(fmt.Sprintf("name=eq: at %d volumes", n), "the same at 1,000", many, few, 1.3),
	}, err
}
