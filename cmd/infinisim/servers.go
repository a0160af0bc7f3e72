package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"infinisim/sim"
	"infinisim/sim/control"
	"infinisim/sim/lab"
	"infinisim/sim/observe"
	"infinisim/sim/ui"
)

// goodbye is how long requests under way may take to end.
const goodbye = 2 * time.Second

// servers are the listeners of the arrays and of the control plane.
type servers struct {
	labs    *lab.Labs
	fabric  string // URL of the fabric listener, empty for none
	flags   flags
	limits  limits
	tls     *tls.Certificate // of --tls-cert, nil for none
	fail    func(error)
	plane   *control.Server // nil until it serves
	log     *slog.Logger
	metrics *observe.Metrics

	// mu guards everything below; it is a leaf.
	mu    sync.Mutex
	all   []*http.Server
	ports map[string]*port
	err   error
}

// port is where one array listens.
type port struct {
	http, https *http.Server
	url         string
	secure      *string
}

func cancelWith(cancel context.CancelFunc) func(error) {
	return func(error) { cancel() }
}

// open gives an array its listeners.
func (s *servers) open(ctx context.Context, l *lab.Lab, a *lab.Array, address string) error {
	handler := s.labs.Handler(l, a.Key)
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("array %s: %w", a.Host(), listening("--listen", address, err))
	}
	p := &port{http: s.limits.server(handler), url: "http://" + ln.Addr().String()}
	s.serve(p.http, ln)
	if s.flags.tls {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return err
		}
		secure, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(host, "0"))
		if err != nil {
			return fmt.Errorf("array %s: %w", a.Host(), err)
		}
		config := (&presented{lab: l, key: a.Key, given: s.tls}).config()
		p.https = s.limits.server(handler)
		p.secure = new("https://" + secure.Addr().String())
		s.serve(p.https, tls.NewListener(secure, config))
	}
	s.log.Info("array listens", "lab", l.Name(), "array", a.Key, "name", a.Name, "url", p.url)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ports[a.Host()] = p
	return nil
}

// serve runs a server until it is shut down; close ends it.
func (s *servers) serve(srv *http.Server, ln net.Listener) {
	s.mu.Lock()
	s.all = append(s.all, srv)
	s.mu.Unlock()
	go func() {
		if err := srv.Serve(ln); err != nil && !errors.Is(err, http.ErrServerClosed) {
			s.mu.Lock()
			s.err = errors.Join(s.err, err)
			s.mu.Unlock()
			s.fail(err)
		}
	}()
}

func (s *servers) failed() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// describe tells how an array is reached.
func (s *servers) describe(a *lab.Array) control.Address {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := control.Address{Username: sim.Username, Password: sim.Password}
	if p := s.ports[a.Host()]; p != nil {
		d.URL, d.HTTPS = p.url, p.secure
	}
	return d
}

// shut closes the listeners of an array that was removed.
func (s *servers) shut(a *lab.Array) {
	s.mu.Lock()
	p := s.ports[a.Host()]
	delete(s.ports, a.Host())
	s.mu.Unlock()
	if p == nil {
		return
	}
	s.mu.Lock()
	s.all = slices.DeleteFunc(s.all, func(srv *http.Server) bool { return srv == p.http || srv == p.https })
	s.mu.Unlock()
	_ = p.http.Close() // the array is gone: its clients see that
	if p.https != nil {
		_ = p.https.Close()
	}
}

// close ends all listeners; requests under way may finish.
func (s *servers) close() {
	if s.plane != nil {
		if err := s.plane.Close(); err != nil {
			s.fail(err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), goodbye)
	defer cancel()
	s.mu.Lock()
	all := slices.Clone(s.all)
	s.mu.Unlock()
	for _, srv := range all {
		if srv.Shutdown(ctx) != nil {
			_ = srv.Close() // it had its time
		}
	}
}

// announce tells people and scripts that everything serves.
func (s *servers) announce(ctx context.Context, out printer, plane string) error {
	line, err := s.ready(ctx, plane)
	if err != nil {
		return err
	}
	if err := s.flags.tellReady(out.to, line); err != nil || s.flags.readyFile == toStdout {
		return err
	}
	if out.json {
		return out.value(line, nil)
	}
	var text strings.Builder
	for _, a := range line.Arrays {
		text.WriteString(a.Name + "  " + a.URL + "  user " + a.Username + "  password " + a.Password + "\n")
		if a.HTTPS != nil {
			text.WriteString(a.Name + "  " + *a.HTTPS + "\n")
		}
	}
	text.WriteString("control  " + plane + "\n")
	text.WriteString("look     " + plane + ui.Path + "\n")
	for _, l := range line.Links {
		text.WriteString("link     " + l.Name + "\n")
	}
	if _, err := io.WriteString(out.to, text.String()); err != nil {
		return err
	}
	if len(line.Arrays) == 0 {
		return nil
	}
	return greet(out.to, line.Arrays[0].URL, plane)
}

// greet shows a newcomer what to paste.
func greet(out io.Writer, array, plane string) error {
	u, err := url.Parse(array)
	if err != nil {
		return err
	}
	host, number, err := net.SplitHostPort(u.Host)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, greeting, host, number, array, plane)
	return err
}

// greeting is what a newcomer pastes: the first lines in a shell, the others
// in Python, then in a shell again.
const greeting = `
From Python:

pip install infinisdk==289.1.4
python3 - <<'END'
from infinisdk import InfiniBox
system = InfiniBox(("%[1]s", %[2]s), auth=("admin", "123456"))
system.login()
pool = system.pools.create(name="pool-1")
print(system.volumes.create(name="vol-1", pool=pool).get_size())
END

With curl:

curl -u admin:123456 '%[3]s/api/rest/volumes?fields=name,size'
curl '%[4]s/_sim/v1/clock'

Ctrl-C ends it.
`
