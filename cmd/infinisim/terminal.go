package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"infinisim/sim/clock"
)

// screen is what a command writes on: a terminal, or something that no person
// looks at while it is written.
type screen struct {
	to       io.Writer
	terminal bool
	// width is in characters, 0 for as wide as need be.
	width  int
	colour bool
}

func screenOf(to io.Writer) screen {
	s := screen{to: to}
	f, ok := to.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || os.Getenv("TERM") == "dumb" {
		return s
	}
	s.terminal = true
	if w, _, err := term.GetSize(int(f.Fd())); err == nil {
		s.width = w
	}
	s.colour = os.Getenv("NO_COLOR") == ""
	return s
}

// The colours of states.
const (
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	red    = "\x1b[31m"
	plain  = "\x1b[0m"
)

// paint gives a state its colour.
func (s screen) paint(text string) string {
	if !s.colour {
		return text
	}
	switch strings.TrimSpace(text) {
	case "UP", "ACTIVE", "NORMAL", "SYNCHRONIZED", "OK", "ok", "yes", "DONE", "system", "running":
		return green + text + plain
	case "DEGRADED", "LIMITED", "LAGGING", "STALLED", "INITIALIZING", "SYNC_IN_PROGRESS", "REPLICATING", "PENDING", "manual", "standing", "note":
		return yellow + text + plain
	case "DOWN", "SUSPENDED", "AUTO_SUSPENDED", "LOCKED", "OUT_OF_SYNC", "SYNC_STALLED", "FAILED", "no", "wrong":
		return red + text + plain
	}
	return text
}

const barLength = 24

// bar draws how far something is.
func bar(share float64) string {
	done := int(min(max(share, 0), 1) * barLength)
	return "[" + strings.Repeat("#", done) + strings.Repeat("-", barLength-done) + "]" + fmt.Sprintf(" %5.1f%%", 100*min(max(share, 0), 1))
}

// clearLine goes to the beginning of the line and empties it.
const clearLine = "\r\x1b[K"

// progress draws a bar with some words on a terminal again and again, and
// nothing elsewhere; end leaves it there.
func (s screen) progress(share float64, words string, end bool) {
	if !s.terminal {
		return
	}
	text := bar(share) + "  " + words
	if s.width > 0 && len(text) >= s.width {
		text = text[:s.width-1]
	}
	last := ""
	if end {
		last = "\n"
	}
	_, _ = io.WriteString(s.to, clearLine+text+last) // a terminal that is gone hears nothing
}

// The times of what is waited for.
const (
	patience  = time.Second
	heartbeat = 200 * time.Millisecond
)

// during does something whose progress nobody knows; a terminal sees from the
// second second on that it still goes on.
func (s screen) during(ctx context.Context, words string, do func() error) error {
	if !s.terminal {
		return do()
	}
	ctx, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		err := clock.Pause(ctx, patience)
		for n := 0; err == nil; n++ {
			at := n % (2 * barLength)
			at = min(at, 2*barLength-1-at)
			_, _ = fmt.Fprintf(s.to, "%s[%s#%s]  %s", clearLine, strings.Repeat("-", at), strings.Repeat("-", barLength-1-at), words)
			err = clock.Pause(ctx, heartbeat)
		}
		_, _ = io.WriteString(s.to, clearLine)
	}()
	err := do()
	stop()
	<-ended
	return err
}
