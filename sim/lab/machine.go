package lab

import (
	"log/slog"
	"sync"

	"infinisim/sim/api"
	"infinisim/sim/fabric"
	"infinisim/sim/job"
	"infinisim/sim/model"
	"infinisim/sim/replication"
)

// machine is what labs have in common: kinds, handlers of jobs and routes,
// which hold no state. It is most of what a lab by itself takes in memory.
type machine struct {
	engine *model.Engine
	routes *api.Routes
}

func newMachine(o Options) *machine {
	jobs := job.New(o.Log)
	engine := model.NewEngine(fabric.New(jobs), jobs, o.Log)
	engine.NoLimits, engine.EventLog = o.NoLimits, o.EventLog
	replication.Install(engine)
	windows{engine}.install()
	return &machine{engine, api.NewRoutes(engine)}
}

// quiet is the log of labs without one.
var quiet = sync.OnceValue(func() *slog.Logger { return slog.New(slog.DiscardHandler) })

// plain is the machine of all labs by themselves that say nothing else.
var plain = sync.OnceValue(func() *machine { return newMachine(Options{Log: quiet()}) })

// machines are those of the labs of one process.
type machines struct {
	// mu guards all; it is a leaf.
	mu  sync.Mutex
	all map[machineKey]*machine
}

// machineKey is what labs of one process, with one log, can differ in.
type machineKey struct {
	noLimits bool
	eventLog int
}

// get is the machine of a lab. Nil machines make a new one each time, unless the
// plain one does.
func (s *machines) get(o Options) *machine {
	switch {
	case s == nil && o.Log == quiet() && !o.NoLimits && o.EventLog == 0:
		return plain()
	case s == nil:
		return newMachine(o)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := machineKey{o.NoLimits, o.EventLog}
	if s.all[key] == nil {
		if s.all == nil {
			s.all = map[machineKey]*machine{}
		}
		s.all[key] = newMachine(o)
	}
	return s.all[key]
}
