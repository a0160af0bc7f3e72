package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"infinisim/sim"
	"infinisim/sim/clock"
	"infinisim/sim/deliver"
	"infinisim/sim/journal"
	"infinisim/sim/lab"
)

// flags are those of serve.
type flags struct {
	arrays, first          int
	links, listen, control string
	profile, clock, limits string
	seed                   uint64
	speed                  float64
	tls                    bool
	cert, key              string
	data, readyFile, token string
	verbose, withStdin     bool
	dieAt                  int64
	readyFD                int
	fabric, secret         string
	peers                  []string
	deliver                bool
	journal, journalBytes  int
	check                  bool
	history                int
	estate                 string
	given                  func(flag string) bool
	from                   string
	demo                   bool
	patience               time.Duration
	watching
}

func serveCommand() *cobra.Command {
	var f flags
	c := &cobra.Command{
		Use:   "serve",
		Short: "Serve arrays until interrupted",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return serve(c, f) },
	}
	fs := c.Flags()
	f.given = fs.Changed
	fs.StringVar(&f.estate, "estate", "", "file with the arrays and what they hold, in place of --arrays, --links and --profile")
	f.addDemo(fs)
	f.addWatching(fs)
	fs.IntVar(&f.arrays, "arrays", 2, "number of arrays")
	fs.IntVar(&f.first, "first", 1, "number of the first array: its key, serial number and addresses follow from it")
	fs.StringVar(&f.links, "links", string(sim.Ring), "which arrays are linked: none, ring or mesh")
	fs.StringVar(&f.listen, "listen", "127.0.0.1:8080", "address of the first array; the next ones follow, port 0 is any")
	fs.StringVar(&f.control, "control", "127.0.0.1:8079", "address of the control plane")
	fs.StringVar(&f.profile, "profile", "8.6", "release of the arrays: 8.6 or 7.2")
	fs.StringVar(&f.clock, "clock", "system", "system moves by itself, manual when told, follow=URL with the control plane of another process")
	fs.StringVar(&f.limits, "limits", "on", "off lifts the limits of the release")
	fs.Uint64Var(&f.seed, "seed", 1, "seed of everything that looks random")
	fs.Float64Var(&f.speed, "speed", 1, "how many times as fast as the wall clock the system clock runs")
	fs.BoolVar(&f.tls, "tls", false, "serve HTTPS too, with the array's own certificate")
	fs.StringVar(&f.cert, "tls-cert", "", "certificate file (PEM) to show until the array is given another, with --tls-key")
	fs.StringVar(&f.key, "tls-key", "", "key file (PEM), with --tls-cert")
	fs.StringVar(&f.data, "data", "", "directory that keeps the labs, a file each; without it they live in memory")
	fs.StringVar(&f.readyFile, "ready-file", "", "file that gets one JSON line when everything serves; - is standard output, which then gets nothing else")
	fs.IntVar(&f.readyFD, "ready-fd", 0, "open file descriptor that gets the same line, and is closed after it; 0 is none")
	fs.BoolVar(&f.withStdin, "exit-with-stdin", false, "end when standard input does: the process that holds its other end is gone")
	fs.StringVar(&f.token, "control-token", "", "token that the control plane asks for")
	fs.BoolVar(&f.verbose, "verbose", false, "log every request")
	fs.StringVar(&f.fabric, "fabric", "", "address where arrays of other processes reach these ones; empty is nowhere")
	fs.StringVar(&f.secret, "fabric-secret", "", "what the processes know of each other")
	fs.StringArrayVar(&f.peers, "peer", nil, "array of another process and its fabric URL, KEY=URL; may be given again")
	fs.BoolVar(&f.deliver, "deliver", false, "send notifications of events to the hosts that users of the arrays name")
	fs.IntVar(&f.journal, "journal-entries", journal.DefaultEntries, "how many requests a lab's journal keeps, and how many jobs and moves of replicas")
	fs.IntVar(&f.journalBytes, "journal-bytes", journal.DefaultBytes, "how many bytes the requests may take in it, and how many the jobs and moves")
	fs.BoolVar(&f.check, "check", false, "look after every request, job and change of a tester whether everything is as it must be; GET /_sim/v1/check names the first that broke something")
	fs.IntVar(&f.history, "history-bytes", lab.DefaultHistory, "how many bytes of former states a lab keeps, for POST labs/{lab}/travel; 0 is none")
	fs.DurationVar(&f.patience, "patience", usualPatience, "how long a client may take over the head of a request, over its body, and over each piece of an answer; an idle connection is kept four times as long")
	fs.StringVar(&f.from, "import", "", "file that export wrote: the lab default is made of it, whatever the flags about arrays say")
	fs.Int64Var(&f.dieAt, "die-at-step", 0, "kill the process at the nth step of durable writes, for crash tests")
	return c
}

// options turns the flags into what labs are made with.
func (f flags) options(log *slog.Logger) (lab.Options, error) {
	o := lab.Options{Seed: f.seed, Profile: f.profile, First: f.first, Log: log, JournalSize: f.journal, JournalBytes: f.journalBytes, Check: f.check}
	if o.History = f.history; f.history == 0 {
		o.History = -1
	}
	switch {
	case f.journal < 1 || f.journalBytes < 1:
		return o, errors.New("--journal-entries and --journal-bytes: must be above 0")
	case f.history < 0:
		return o, fmt.Errorf("--history-bytes %d: must not be below 0", f.history)
	case f.patience <= 0:
		return o, fmt.Errorf("--patience %v: must be above 0", f.patience)
	case f.first < 1:
		return o, fmt.Errorf("--first %d: numbers start at 1", f.first)
	case f.speed <= 0:
		return o, fmt.Errorf("--speed %v: must be above 0", f.speed)
	case (f.cert == "") != (f.key == ""):
		return o, errors.New("--tls-cert and --tls-key go together")
	}
	if err := f.guardControl(); err != nil {
		return o, err
	}
	if f.deliver {
		o.Deliver = deliver.Network{}
	}
	if f.dieAt > 0 {
		o.Step = dieAt(f.dieAt)
	}
	switch _, leads := f.leader(); {
	case f.clock == "system":
		o.Clock = clock.NewSystem(0, f.speed)
	case f.clock == "manual":
		o.Clock = clock.NewManual(clock.Epoch)
	case leads:
		o.Clock, o.Follows = clock.NewManual(clock.Epoch), true
	default:
		return o, fmt.Errorf("--clock %q: system, manual or follow=URL", f.clock)
	}
	var err error
	if o.Peers, err = f.others(); err != nil {
		return o, err
	}
	o.Secret = f.secret
	switch f.limits {
	case "on", "off":
		o.NoLimits = f.limits == "off"
	default:
		return o, fmt.Errorf("--limits %q: on or off", f.limits)
	}
	return o, nil
}

// leader is the control plane that the clock follows.
func (f flags) leader() (url string, ok bool) { return strings.CutPrefix(f.clock, "follow=") }

// others are the arrays of other processes.
func (f flags) others() (map[string]string, error) {
	out := map[string]string{}
	for _, p := range f.peers {
		key, url, ok := strings.Cut(p, "=")
		if !ok || key == "" || !strings.HasPrefix(url, "http") {
			return nil, fmt.Errorf("--peer %q: KEY=URL, such as box-2=http://127.0.0.1:8070", p)
		}
		out[key] = url
	}
	if (len(out) > 0 || f.fabric != "") && f.secret == "" {
		return nil, errors.New("--fabric and --peer need --fabric-secret or INFINISIM_FABRIC_SECRET")
	}
	return out, nil
}

// guardControl refuses a control plane that others can reach without a token:
// it may do what an administrator of the arrays may not.
func (f flags) guardControl() error {
	host, _, err := net.SplitHostPort(f.control)
	if err != nil {
		return fmt.Errorf("--control %q: %w", f.control, err)
	}
	if ip := net.ParseIP(host); f.token == "" && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("--control %s can be reached by others: set --control-token or INFINISIM_CONTROL_TOKEN", f.control)
	}
	return nil
}
