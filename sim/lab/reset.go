package lab

import (
	"context"

	"infinisim/sim/fabric"
	"infinisim/sim/model"
	"infinisim/sim/replication"
	"infinisim/sim/store"
)

// Reset makes the arrays fresh again: no objects but those of a new array, no
// sessions, no faults, an empty journal and timetable. Keys, names, serial numbers and
// the clock stay; links are made anew between the arrays that had one.
func (l *Lab) Reset(ctx context.Context) error {
	if err := l.ClearFaults(ctx); err != nil {
		return err
	}
	type former struct{ a, b string }
	var links []former
	seen := map[former]bool{}
	profiles := map[string]string{}
	for _, a := range l.Arrays() {
		err := l.View(ctx, a.Key, func(b *model.Box) error {
			profiles[a.Key] = b.Profile().Name
			for _, id := range b.Tx.IDs(b.Key, replication.Link, 0, -1) {
				o, err := b.Must(replication.Link, id)
				if err != nil {
					return err
				}
				peer := replication.Peer(o)
				if !seen[former{peer, a.Key}] {
					seen[former{a.Key, peer}] = true
					links = append(links, former{a.Key, peer})
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	err := l.db.Update(ctx, l.Clock.Now(), func(tx *store.Tx) error {
		tx.Clear("")
		for _, a := range l.Arrays() {
			tx.Clear(a.Key)
			fabric.AddLocal(tx, a.Key)
			s := model.Setup{Key: a.Key, Name: a.Name, Profile: profiles[a.Key], Serial: a.Serial}
			if err := l.engine.Format(tx, s); err != nil {
				return err
			}
		}
		l.knowPeers(tx)
		return l.setup(l.Arrays()).write(tx)
	})
	if err != nil {
		return err
	}
	for _, a := range l.Arrays() {
		a.Server.Forget()
	}
	for _, f := range links {
		if _, err := l.Link(ctx, f.a, f.b); err != nil {
			return err
		}
	}
	for _, a := range l.Arrays() { // its links are made before an array leaves the network again
		if l.Active(a) {
			continue
		}
		if err := l.SetActive(ctx, a.Key, false); err != nil {
			return err
		}
	}
	l.Journal.Reset()
	l.mu.Lock()
	l.broken = nil
	l.mu.Unlock()
	l.Changed()
	return nil
}
