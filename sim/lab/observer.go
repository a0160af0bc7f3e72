package lab

import (
	"net/http"
	"time"

	"infinisim/sim/api"
	"infinisim/sim/clock"
	"infinisim/sim/replication"
)

// Observer hears of what happens in labs, where it happens: its methods are
// quick, and safe for concurrent use. Nothing in a lab depends on it.
type Observer interface {
	// Asked is told of a request that has ended.
	Asked(lab string, d api.Done)
	// Copied is told of a job of a replica that has ended, once it is kept, and
	// how long it took by the wall clock: 0 where the lab's stands still.
	Copied(lab string, c replication.Copied, took time.Duration)
}

// watched has the lab's observers hear of the requests of an array; nil where
// there are none.
func (l *Lab) watched() func(d api.Done) {
	if len(l.opts.Observers) == 0 {
		return nil
	}
	return func(d api.Done) {
		for _, o := range l.opts.Observers {
			o.Asked(l.opts.Name, d)
		}
	}
}

// dropped has them hear of a request to an array that is not on the network.
func (l *Lab) dropped(key string, r *http.Request) {
	if done := l.watched(); done != nil {
		done(api.Done{Request: r, Array: key, Time: l.Clock.Now(), Begun: clock.StartStopwatch().Begun()})
	}
}

// Copied has the lab's observers hear of a job of a replica.
func (o *owner) Copied(c replication.Copied) {
	took := time.Duration(0)
	if speed := o.clock.Speed(); speed > 0 {
		took = time.Duration(float64(c.Ended.Sub(c.Started)) / speed)
	}
	for _, to := range o.observers {
		to.Copied(o.lab, c, took)
	}
}

// Observed reports whether anybody hears of such jobs.
func (o *owner) Observed() bool { return len(o.observers) > 0 }
