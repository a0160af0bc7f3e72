package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
)

// queries are filters, sorts and deep pages over many volumes, against the same
// over few, and against a scan of raw bbolt.
func queries() ([]row, error) {
	many := times(100_000)
	p, err := serveProgram("--clock", "manual", "--links", "none")
	if err != nil {
		return nil, err
	}
	defer p.stop()
	for key, n := range map[string]int{"box-1": 100, "box-2": many} {
		// a pool has fifty of the hundred, so that both pages are full
		if err := p.tell(http.MethodPost, "generate", map[string]any{"array": key, "pools": 2, "volumes": n}); err != nil {
			return nil, err
		}
	}
	var out []row
	for _, q := range []struct{ name, path string }{
		{"name=eq:", "volumes?name=eq:%[2]s"},
		{"pool_id=eq:, page of 50", "volumes?pool_id=eq:%[1]d"},
	} {
		few, large, err := p.both(func(pool int64, name string) string { return fmt.Sprintf(q.path, pool, name) })
		if err != nil {
			return nil, err
		}
		out = append(out, within(fmt.Sprintf("%s at %d volumes", q.name, many), "the same at 100 volumes", large, few, 1.3))
	}
	first, deep, err := p.pages(many)
	if err != nil {
		return nil, err
	}
	out = append(out, within("sort=-size, the last page of 1,000", "the first page", deep, first, 3))
	filter, err := p.once(1, "volumes?size=gt:999999999999999&fields=id", spelling{1, 50}, 0, 5)
	if err != nil {
		return nil, err
	}
	scan, err := scanned(many)
	if err != nil {
		return nil, err
	}
	return append(out, within("filter on an unindexed field, all looked at", "a scan of raw bbolt, rows as long", filter, scan, 5)), nil
}

// once is how long an array takes to answer n times for a page of a list. It is
// asked in another way each time, the first one numbered from: an answer that is
// kept would tell nothing.
func (p *program) once(array int, path string, page spelling, from, n int) (time.Duration, error) {
	c, err := dial(p.urls[array])
	if err != nil {
		return 0, err
	}
	defer func() { _ = c.Close() }()
	if err := p.loginAt(array); err != nil {
		return 0, err
	}
	asks := make([][]byte, n)
	for i := range asks {
		if asks[i], err = request(http.MethodGet, p.urls[array], "/api/rest/"+path+"&"+page.way(from+i), "Cookie: "+p.cookie+"\r\n", ""); err != nil {
			return 0, err
		}
	}
	i := 0
	return loop(n, &i, func(i int) error { return c.ask(asks[i]) })
}

// spelling is a page of a list.
type spelling struct{ page, size int }

// way names it in one of many ways: with zeros before its numbers.
func (s spelling) way(n int) string {
	const most = 200
	return fmt.Sprintf("page=%0*d&page_size=%0*d", 1+n/most, s.page, 1+n%most, s.size)
}

// both is how long the array with few and the one with many volumes take.
func (p *program) both(path func(pool int64, name string) string) (few, many time.Duration, err error) {
	paths := make([]string, 2)
	for i := range paths {
		var vols []struct {
			Name string
			Pool int64 `json:"pool_id"`
		}
		if err := p.array(i, http.MethodGet, "volumes?fields=name,pool_id&page_size=1&page=42", nil, &vols); err != nil {
			return 0, 0, err
		}
		paths[i] = path(vols[0].Pool, vols[0].Name)
	}
	asks := func(array int) func() (time.Duration, error) {
		from := 0
		return func() (time.Duration, error) {
			from += times(2000)
			return p.once(array, paths[array], spelling{1, 50}, from, times(2000))
		}
	}
	return turns(asks(0), asks(1))
}

func (p *program) pages(many int) (first, last time.Duration, err error) {
	asks := func(page int) func() (time.Duration, error) {
		from := 0
		return func() (time.Duration, error) {
			from += 2
			return p.once(1, "volumes?sort=-size&fields=id,size", spelling{page, 1000}, from, 2)
		}
	}
	return turns(asks(1), asks(many/1000))
}

// rowBytes is about how long the row of a volume is.
const rowBytes = 1400

// scanned is how long raw bbolt takes to walk over so many rows.
func scanned(n int) (time.Duration, error) {
	dir, err := os.MkdirTemp("", "infinisim-bench-")
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	db, err := bbolt.Open(filepath.Join(dir, "raw"), 0o600, &bbolt.Options{NoSync: true, NoFreelistSync: true})
	if err != nil {
		return 0, err
	}
	defer func() { _ = db.Close() }()
	err = db.Update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucket([]byte("rows"))
		value := make([]byte, rowBytes)
		for i := range n {
			if err == nil {
				err = b.Put(fmt.Appendf(nil, "volume%010d", i), value)
			}
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	i, sum := 0, 0
	return loop(5, &i, func(int) error {
		return db.View(func(tx *bbolt.Tx) error {
			return tx.Bucket([]byte("rows")).ForEach(func(_, v []byte) error {
				for at := 0; at < len(v); at += 64 { // a look at every line of it
					sum += int(v[at])
				}
				return nil
			})
		})
	})
}
