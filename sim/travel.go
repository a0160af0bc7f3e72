package sim

import "infinisim/sim/journal"

// Entry is an entry of a lab's journal.
type Entry = journal.Entry

// Past is a lab as it was just before an entry of another one's journal.
type Past struct {
	*Lab
	// Entry is the entry.
	Entry Entry
	// Session is the value of the cookie JSESSIONID by which whoever made the
	// request is known, empty where nobody was.
	Session string
}

// Travel makes an independent copy of the lab as it was just before an entry of
// its journal, on a clock that stands still: the same request gives the same
// answer there. The caller closes it. It returns an error for an entry that the
// journal does not hold, or whose state is not kept any more.
func (l *Lab) Travel(entry int64) (*Past, error) {
	p, err := l.Lab.Travel(l.Name(), "", entry)
	if err != nil {
		return nil, err
	}
	return &Past{Lab: &Lab{Lab: p.Lab}, Entry: p.Entry, Session: p.Session}, nil
}

// WithChecks has the lab look after every request, every job and every change
// of a tester whether everything in it is as it must be. The first change after
// which it is not is what Broken tells, and fails a test of simtest.
func WithChecks() Option { return func(s *settings) { s.Check = true } }

// WithHistory sets how many bytes of former states the lab keeps for Travel, 0
// for none; the default is 64 MiB.
func WithHistory(bytes int) Option {
	return func(s *settings) {
		if s.History = bytes; bytes == 0 {
			s.History = -1
		}
	}
}
