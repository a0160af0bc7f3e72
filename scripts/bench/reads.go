package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"infinisim/sim"
)

const chiFloor = "a bare chi handler, same bytes"

// filled is a server whose first array has a thousand volumes.
func filled() (p *program, item string, err error) {
	if p, err = serveProgram("--clock", "manual"); err != nil {
		return nil, "", err
	}
	if err := p.tell(http.MethodPost, "generate", map[string]any{"array": "box-1", "pools": 10, "volumes": 1000, "used": 30}); err != nil {
		return nil, "", err
	}
	var list []struct{ ID int64 }
	if err := p.array(0, http.MethodGet, "volumes?fields=id&page_size=1", nil, &list); err != nil {
		return nil, "", err
	}
	return p, fmt.Sprintf("/api/rest/volumes/%d", list[0].ID), nil
}

// reads are GETs of an object and of a page over 16 connections, against a chi
// handler that sends the same bytes, and against encoding/json.
func reads() ([]row, error) {
	p, item, err := filled()
	if err != nil {
		return nil, err
	}
	defer p.stop()
	cookie := "Cookie: " + p.cookie + "\r\n"
	basic := "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(sim.Username+":"+sim.Password)) + "\r\n"
	var out []row
	for _, c := range []struct {
		name, uri, headers string
		least              float64
	}{
		{"GET item, fields=id,name,size", item + "?fields=id,name,size", cookie, 0.8},
		{"GET whole item", item, cookie, 0.8},
		{"GET whole item, Basic on every request", item, basic, 0.8},
		{"GET page of 1,000 volumes, all fields", "/api/rest/volumes?page_size=1000", cookie, 0.4},
	} {
		body, _, err := p.send(http.MethodGet, p.urls[0]+c.uri, nil)
		if err != nil {
			return nil, err
		}
		floor, err := floorProgram(map[string]string{c.uri: string(body)})
		if err != nil {
			return nil, err
		}
		ask, err := request(http.MethodGet, p.urls[0], c.uri, c.headers, "")
		if err != nil {
			return nil, err
		}
		measure := func(url string) func() (float64, error) {
			return func() (float64, error) { return rate(url, second(), same(ask)) }
		}
		ours, bare, err := turns(measure(p.urls[0]), measure(floor.urls[0]))
		if err != nil {
			return nil, err
		}
		floor.stop()
		out = append(out, faster(c.name, chiFloor, ours, bare, c.least))
		if c.least == 0.4 {
			r, err := againstEncoder(c.name, ours, body)
			if err != nil {
				return nil, err
			}
			out = append(out, r)
		}
	}
	return out, nil
}

// againstEncoder compares a rate with how often encoding/json makes the same
// answer of its value.
func againstEncoder(name string, ours float64, body []byte) (row, error) {
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		return row{}, err
	}
	i := 0
	took, err := loop(times(20), &i, func(int) error { _, err := json.Marshal(value); return err })
	return faster(name, "encoding/json alone, same value", ours, float64(time.Second)/float64(took), 15), err
}
