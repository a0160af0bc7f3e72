package sim_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"infinisim/sim"
)

// ask sends a request to an array of a lab, in memory.
func ask(l *sim.Lab, method, url, body string) map[string]any {
	r, _ := http.NewRequestWithContext(context.Background(), method, url, strings.NewReader(body))
	r.SetBasicAuth(sim.Username, sim.Password)
	resp, err := (&http.Client{Transport: l.Transport()}).Do(r)
	if err != nil {
		return map[string]any{"error": err.Error()}
	}
	defer func() { _ = resp.Body.Close() }()
	var answer struct {
		Result map[string]any `json:"result"`
	}
	_ = json.NewDecoder(resp.Body).Decode(&answer)
	return answer.Result
}

func Example() {
	l, err := sim.New(sim.WithArrays(1), sim.WithLinks(sim.None))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = l.Close() }()
	system := ask(l, http.MethodGet, "http://simulator-box-1/api/rest/system?fields=name,serial_number", "")
	fmt.Println(system["name"], system["serial_number"])
	// Output: simulator-box-1 1001
}

// A volume is replicated; its target proves to hold the same.
func Example_replication() {
	l, err := sim.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = l.Close() }()
	ctx := context.Background()
	pool := func(box string) string {
		body := `{"name":"p","physical_capacity":1000000000000,"virtual_capacity":1000000000000}`
		return fmt.Sprint(ask(l, http.MethodPost, "http://simulator-"+box+"/api/rest/pools", body)["id"])
	}
	here, there := pool("box-1"), pool("box-2")
	v := ask(l, http.MethodPost, "http://simulator-box-1/api/rest/volumes", `{"name":"v","size":1000000000,"pool_id":`+here+`}`)
	id := int64(v["id"].(float64))
	if err := l.Write(ctx, "box-1", id, sim.Write{Offset: 0, Length: 1 << 20, Seed: 7}); err != nil {
		fmt.Println(err)
		return
	}
	links, err := l.Links(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	replica := ask(l, http.MethodPost, "http://simulator-box-1/api/rest/replicas", fmt.Sprintf(
		`{"link_id":%d,"entity_type":"VOLUME","remote_pool_id":%s,"entity_pairs":[{"local_entity_id":%d,"remote_base_action":"CREATE"}]}`,
		links[0].AID, there, id))
	start := l.Clock.Now()
	if _, err := l.Settle(ctx); err != nil {
		fmt.Println(err)
		return
	}
	source, _, _ := l.Digest(ctx, "box-1", id)
	target, _, _ := l.Digest(ctx, "box-2", int64(replica["remote_entity_id"].(float64)))
	fmt.Println(l.Clock.Now().Sub(start).Round(time.Millisecond), source == target)
	// Output: 514ms true
}
