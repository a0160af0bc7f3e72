package control

import (
	"bytes"
	"net/url"
	"slices"
	"strconv"
	"time"

	"infinisim/sim/apierr"
	"infinisim/sim/clock"
	"infinisim/sim/journal"
)

// readJournal answers with JSON lines, or as HAR, what the parameters pick.
func readJournal(_ *Server, r *request) (any, error) {
	f, err := journalFilter(r.URL.Query())
	if err != nil {
		return nil, err
	}
	if r.URL.Query().Get("format") == "har" {
		return r.lab.Journal.HAR(f, func(key string) string {
			a, err := r.lab.Array(key)
			if err != nil {
				return key // it was removed meanwhile
			}
			return a.Host()
		}), nil
	}
	var out bytes.Buffer
	if err := r.lab.Journal.WriteTo(&out, f); err != nil {
		return nil, err
	}
	return lines(out.Bytes()), nil
}

// journalFilter reads the parameters that pick entries.
func journalFilter(q url.Values) (f journal.Filter, err error) {
	f = journal.Filter{
		Array: q.Get("array"), Method: q.Get("method"), Path: q.Get("path"), User: q.Get("user"), Code: q.Get("code"),
		Kind: q.Get("kind"), Entry: journal.Kind(q.Get("entry")),
	}
	if !slices.Contains([]journal.Kind{"", journal.Request, journal.Job, journal.Move, journal.All}, f.Entry) {
		return f, apierr.New(apierr.InvalidValue, "entry: %q is none of request, job, move, all", f.Entry).About("entry")
	}
	if text := q.Get("format"); text != "" && text != "lines" && text != "har" {
		return f, apierr.New(apierr.InvalidValue, "format: %q is neither lines nor har", text).About("format")
	}
	if f.Status, err = status(q); err != nil {
		return f, err
	}
	if f.Object, err = number(q, "object"); err != nil {
		return f, err
	}
	if f.Since, f.From, err = bound(q, "since"); err != nil {
		return f, err
	}
	f.Until, f.To, err = bound(q, "until")
	return f, err
}

// status is that of an answer, or dropped.
func status(q url.Values) (int, error) {
	if q.Get("status") == "dropped" {
		return journal.Dropped, nil
	}
	n, err := number(q, "status")
	if err != nil {
		err = apierr.New(apierr.InvalidValue, "status: %q is neither a status nor dropped", q.Get("status")).About("status")
	}
	return int(n), err
}

func number(q url.Values, name string) (int64, error) {
	text := q.Get(name)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, apierr.New(apierr.InvalidValue, "%s: %q is no number", name, text).About(name)
	}
	return n, nil
}

// bound is the number of an entry or, written as in RFC 3339, a lab time.
func bound(q url.Values, name string) (seq int64, at clock.Time, err error) {
	if t, err := time.Parse(time.RFC3339Nano, q.Get(name)); err == nil {
		return 0, clock.FromTime(t), nil
	}
	if seq, err = number(q, name); err != nil {
		err = apierr.New(apierr.InvalidValue, "%s: %q is neither an entry's number nor a time like 2025-01-01T00:00:00Z", name, q.Get(name)).About(name)
	}
	return seq, 0, err
}
