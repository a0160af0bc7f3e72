package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// array asks an array, and gives the result or the error object.
func (s *server) array(ctx context.Context, i int, method, path string, body any) (any, int, error) {
	return s.do(ctx, method, s.arrays[i]+"/api/rest/"+path, body)
}

// plane asks the control plane.
func (s *server) plane(ctx context.Context, method, path string, body any) (any, int, error) {
	return s.do(ctx, method, s.control+"/_sim/v1/"+path, body)
}

func (s *server) do(ctx context.Context, method, url string, body any) (any, int, error) {
	out, status, err := s.whole(ctx, method, url, body)
	if m, ok := out.(map[string]any); ok {
		if e := m["error"]; e != nil {
			return e, status, err
		}
		if result, ok := m["result"]; ok {
			return result, status, err
		}
	}
	return out, status, err
}

// count is how many objects an array has.
func (s *server) count(ctx context.Context, array int, path string) (int64, error) {
	o, status, err := s.whole(ctx, http.MethodGet, s.arrays[array]+"/api/rest/"+path+"?page_size=1", nil)
	if err != nil || status != http.StatusOK {
		return 0, fmt.Errorf("count %s: %d %w", path, status, err)
	}
	m, _ := o.(map[string]any)
	return number(m["metadata"], "number_of_objects"), nil
}

// whole is an answer as it came.
func (s *server) whole(ctx context.Context, method, url string, body any) (any, int, error) {
	var in io.Reader = http.NoBody
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return nil, 0, err
		}
		in = bytes.NewReader(raw)
	}
	r, err := http.NewRequestWithContext(ctx, method, url, in)
	if err != nil {
		return nil, 0, err
	}
	r.SetBasicAuth("admin", "123456")
	resp, err := s.http.Do(r)
	if err != nil {
		return nil, 0, err
	}
	raw, err := io.ReadAll(resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return nil, 0, err
	}
	var out any
	if err := json.Unmarshal(raw, &out); err != nil {
		return nil, 0, fmt.Errorf("%s %s: %.80q: %w", method, url, raw, err)
	}
	return out, resp.StatusCode, nil
}

// must asks an array and takes no refusal.
func (s *server) must(ctx context.Context, i int, method, path string, body any) (any, error) {
	o, status, err := s.array(ctx, i, method, path, body)
	if err == nil && status >= http.StatusBadRequest {
		err = fmt.Errorf("%s %s: %d %v", method, path, status, o)
	}
	return o, err
}

func number(o any, key string) int64 {
	m, _ := o.(map[string]any)
	n, _ := m[key].(float64)
	return int64(n)
}

// volumes is how many the first array has: a whole page of the longest.
const volumes = 1000

// fill makes a pool on each array, and volumes on the first.
func (s *server) fill(ctx context.Context) error {
	for i := range s.arrays {
		o, err := s.must(ctx, i, http.MethodPost, "pools", map[string]any{
			"name": "pool", "physical_capacity": 90_000_000_000_000, "virtual_capacity": 90_000_000_000_000,
		})
		if err != nil {
			return err
		}
		s.pools = append(s.pools, number(o, "id"))
	}
	for i := range volumes {
		_, err := s.must(ctx, 0, http.MethodPost, "volumes", map[string]any{
			"name": fmt.Sprintf("volume-%d", i), "pool_id": s.pools[0], "size": 1_000_000_000,
		})
		if err != nil {
			return err
		}
	}
	return nil
}
