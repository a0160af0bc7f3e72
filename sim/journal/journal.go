// Package journal remembers what a lab was asked and what it answered: a ring
// of entries with lab time alone, nothing of the host, a port or the wall
// clock, so that the same seed and the same requests leave the same bytes.
package journal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"infinisim/sim/clock"
)

// Entry is one request and its answer.
type Entry struct {
	Seq    int64      `json:"seq"`
	Time   clock.Time `json:"time_ns"`
	Array  string     `json:"array"`
	Method string     `json:"method"`
	Path   string     `json:"path"`
	// Route is the pattern that the path fits, such as volumes/{id}; empty for
	// what nothing answers.
	Route   string            `json:"route,omitempty"`
	Query   string            `json:"query,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
	Body    string            `json:"body,omitempty"`
	Status  int               `json:"status"`
	Answer  string            `json:"answer,omitempty"`
	// Faults are the rules that struck; a status of 0 is a connection that was
	// dropped before anything was applied.
	Faults []string `json:"faults,omitempty"`
}

// Filter picks entries; zero members pick all.
type Filter struct {
	// Array and Method must be equal, Path a prefix.
	Array, Method, Path string
	// Since leaves out entries up to that number.
	Since int64
}

func (f Filter) match(e Entry) bool {
	return e.Seq > f.Since && (f.Array == "" || f.Array == e.Array) && (f.Method == "" || f.Method == e.Method) &&
		strings.HasPrefix(e.Path, f.Path)
}

// DefaultSize is how many entries a journal keeps unless told otherwise.
const DefaultSize = 100_000

// Journal is the ring. It is safe for concurrent use.
type Journal struct {
	// mu guards everything below; it is a leaf.
	mu      sync.Mutex
	size    int
	entries []Entry // a ring once it is full: the oldest stands at oldest
	oldest  int
	next    int64
	secrets []string
	driven  map[string]int // requests by method and route, also those that left the ring
}

// New makes a journal that keeps the last size entries, 0 for DefaultSize.
func New(size int) *Journal {
	if size == 0 {
		size = DefaultSize
	}
	return &Journal{size: size, next: 1, driven: map[string]int{}}
}

// secretMember is a JSON member whose value is a secret.
var secretMember = regexp.MustCompile(`"((?:[a-z_]*)(?:password|secret|secret_key|private_key|community))"\s*:\s*"((?:[^"\\]|\\.)*)"`)

// SecretHeaders are replaced like secrets in bodies.
func secretHeader(name string) bool {
	return slices.Contains([]string{"Authorization", "X-Remote-Authorization", "Cookie", "Set-Cookie"}, name)
}

// Record numbers and keeps an entry; its secrets are replaced by «secret:n»,
// one number for each different secret.
func (j *Journal) Record(e Entry) {
	j.mu.Lock()
	defer j.mu.Unlock()
	e.Seq = j.next
	j.next++
	if e.Route != "" {
		j.driven[e.Method+" "+e.Route]++
	}
	e.Body, e.Answer = j.maskLocked(e.Body), j.maskLocked(e.Answer)
	for name, value := range e.Headers {
		if secretHeader(name) {
			e.Headers[name] = j.nameLocked(value)
		}
	}
	if len(j.entries) < j.size {
		j.entries = append(j.entries, e)
		return
	}
	j.entries[j.oldest] = e
	j.oldest = (j.oldest + 1) % j.size
}

// secretWords end the names of members whose values are secrets.
func secretWords() []string {
	return []string{`password"`, `secret"`, `secret_key"`, `private_key"`, `community"`}
}

// secretBlock is a private key as files hold one, with line ends that JSON
// escapes or with bare ones.
var secretBlock = regexp.MustCompile(`(?s)-----BEGIN ([A-Z ]*PRIVATE KEY)-----.*?-----END [A-Z ]*PRIVATE KEY-----`)

func (j *Journal) maskLocked(text string) string {
	if strings.Contains(text, "PRIVATE KEY-----") {
		text = secretBlock.ReplaceAllStringFunc(text, j.nameLocked)
	}
	if !slices.ContainsFunc(secretWords(), func(word string) bool { return strings.Contains(text, word) }) {
		return text
	}
	return secretMember.ReplaceAllStringFunc(text, func(m string) string {
		parts := secretMember.FindStringSubmatch(m)
		return fmt.Sprintf("%q:%q", parts[1], j.nameLocked(parts[2]))
	})
}

func (j *Journal) nameLocked(secret string) string {
	i := slices.Index(j.secrets, secret)
	if i < 0 {
		i = len(j.secrets)
		j.secrets = append(j.secrets, secret)
	}
	return fmt.Sprintf("«secret:%d»", i+1)
}

// Entries lists what the filter picks, oldest first.
func (j *Journal) Entries(f Filter) []Entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	out := []Entry{}
	for i := range j.entries {
		if e := j.entries[(j.oldest+i)%len(j.entries)]; f.match(e) {
			out = append(out, e)
		}
	}
	return out
}

// Driven counts the requests since the journal was made by method and route,
// such as "GET volumes/{id}"; neither the ring's size nor Reset takes any away.
func (j *Journal) Driven() map[string]int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return maps.Clone(j.driven)
}

// Reset forgets all entries and numbers from 1 again.
func (j *Journal) Reset() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.entries, j.oldest, j.next, j.secrets = nil, 0, 1, nil
}

// Gaps names numbers that are missing between the kept entries: there are
// none unless something is wrong.
func (j *Journal) Gaps() []string {
	var bad []string
	entries := j.Entries(Filter{})
	for i := 1; i < len(entries); i++ {
		if entries[i].Seq != entries[i-1].Seq+1 {
			bad = append(bad, fmt.Sprintf("journal: entry %d follows %d", entries[i].Seq, entries[i-1].Seq))
		}
	}
	return bad
}

// WriteTo writes the picked entries as JSON lines.
func (j *Journal) WriteTo(w io.Writer, f Filter) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	for _, e := range j.Entries(f) {
		if err := enc.Encode(e); err != nil {
			return fmt.Errorf("journal entry %d: %w", e.Seq, err)
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}
