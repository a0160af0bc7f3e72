// Package deliver takes notifications of events out of the process: to syslog
// receivers, mail servers and receivers of SNMP traps. Nothing waits for it: a
// Queue takes what a transaction left behind once that is committed, and one
// goroutine sends it.
package deliver

import (
	"context"
	"log/slog"

	"infinisim/sim/clock"
)

// The protocols of targets (InfiniSDK 289.1.4,
// doc/system_configuration.rst).
const (
	SMTP   = "SMTP"
	SNMP   = "SNMP"
	Syslog = "SYSLOG"
)

// Target is where a notification goes: a notification target with its secrets.
type Target struct {
	Name, Protocol, Host string
	Port                 int64

	// TLS, From, Username and Password are for mail; the latter two for SNMPv3
	// too.
	TLS                      bool
	From, Username, Password string

	// Version, Community, Engine, AuthType, AuthProtocol, PrivateProtocol and
	// PrivateKey are for SNMP.
	Version, Community, Engine, AuthType, AuthProtocol, PrivateProtocol, PrivateKey string

	// Transport and Facility are for syslog.
	Transport, Facility string
}

// Datum is one named value of an event.
type Datum struct {
	Name, Value string
}

// Event is what a notification tells.
type Event struct {
	ID                       int64
	At                       clock.Time
	Code, Level, Description string
	Reporter, Visibility     string
	Username, Entity         string
	Data                     []Datum
}

// Notice is one event on its way to one target.
type Notice struct {
	// Array and Serial are the array's name and serial number.
	Array  string
	Serial int64
	// Rule is the name of the rule that sends it, empty for a test.
	Rule string
	// Recipients are addresses of mail.
	Recipients []string

	Target Target
	Event  Event
}

// Sender takes a notice to its target. It returns when it is sent or cannot
// be, at the latest when ctx ends.
type Sender interface {
	Send(ctx context.Context, n Notice) error
}

// mostWaiting is how many notices wait for the one that is under way.
const mostWaiting = 1024

// Queue is the notices of one lab that are to be sent, in their order. Its
// methods do nothing on a nil Queue. It is safe for concurrent use.
type Queue struct {
	sender Sender
	log    *slog.Logger
	wait   chan Notice
	stop   context.CancelFunc
	ended  chan struct{}
}

// NewQueue makes a queue that sends nothing until Start. A nil sender makes
// none.
func NewQueue(s Sender, log *slog.Logger) *Queue {
	if s == nil {
		return nil
	}
	return &Queue{sender: s, log: log, wait: make(chan Notice, mostWaiting), ended: make(chan struct{})}
}

// Start sends what is put in from now on, until Close. It is called once.
func (q *Queue) Start() {
	if q == nil {
		return
	}
	var ctx context.Context
	ctx, q.stop = context.WithCancel(context.Background()) // ended by Close
	go func() {
		defer close(q.ended)
		q.work(ctx)
	}()
}

func (q *Queue) work(ctx context.Context) {
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case n := <-q.wait:
			if err := q.sender.Send(ctx, n); err != nil {
				q.warn("notification not delivered", n, err)
			}
		}
	}
}

// Put adds a notice. It never waits: one that finds the queue full is lost,
// and a warning says so.
func (q *Queue) Put(n Notice) {
	if q == nil {
		return
	}
	select {
	case q.wait <- n:
	default:
		q.warn("notification lost: too many wait", n, nil)
	}
}

// warn logs what became of a notice, without its secrets.
func (q *Queue) warn(what string, n Notice, err error) {
	q.log.Warn(what, "array", n.Array, "target", n.Target.Name, "protocol", n.Target.Protocol, "host", n.Target.Host, "port", n.Target.Port,
		"event", n.Event.Code, "error", err)
}

// Close ends a queue that was started, and waits for it: what is under way is
// broken off, what waits is left.
func (q *Queue) Close() {
	if q == nil {
		return
	}
	q.stop()
	<-q.ended
	if n := len(q.wait); n > 0 {
		q.log.Warn("notifications left when the lab closed", "count", n)
	}
}
