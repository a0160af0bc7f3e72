package api

import (
	"infinisim/sim/model"
	"infinisim/sim/store"
)

// noteBefore keeps the way back to the state in which a request was received.
func (s *Server) noteBefore(x *exchange) {
	x.before.Position, x.before.Time = s.Runner.DB.Position(), x.now
	x.before.Faults = s.Faults.Kept()
}

// noteState keeps the state that a request finds after what was due, unless a
// fault had it wait: it would wait again.
func (x *exchange) noteState(tx *store.Tx) {
	if x.now == x.got {
		x.before.Position, x.before.Time = tx.Position(), tx.Now()
	}
}

// noteWho keeps who asked.
func (x *exchange) noteWho(who model.Identity) {
	if who.Name != "" {
		x.before.Who, x.before.Session = who, x.in.Vars["session"]
	}
}

// Admit opens a session under a name for somebody who is known already.
func (s *Server) Admit(session string, who any) bool {
	known, ok := who.(model.Identity)
	if !ok {
		return false
	}
	known.Remote, known.Tenant = nil, 0 // of one request, not of the session
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions[session] = &Session{Who: known, Begun: s.Clock.Now(), Last: s.Clock.Now()}
	return true
}
