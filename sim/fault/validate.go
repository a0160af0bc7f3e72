package fault

import (
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"

	"infinisim/sim/apierr"
	"infinisim/sim/clock"
)

func refuse(member, format string, a ...any) error {
	return apierr.New(apierr.InvalidValue, member+": "+format, a...).About(member)
}

// Validate refuses a rule that can never strike, with INVALID_VALUE. Names of
// arrays, kinds, jobs, components and paths are for the lab to know.
func (r Rule) Validate(now clock.Time) error {
	effects := effectsOf(r.Site)
	switch {
	case effects == nil:
		return refuse("site", "%q is none of http, link, job, array", r.Site)
	case !slices.Contains(effects, r.Effect.Type):
		return refuse("effect.type", "%q is no effect of the site %s, which has %v", r.Effect.Type, r.Site, effects)
	case strings.ContainsAny(r.ID, "/?#%, ") || strings.ContainsFunc(r.ID, func(c rune) bool { return !unicode.IsPrint(c) }):
		return refuse("id", "%q does not fit in a path and a list of ids", r.ID)
	case r.Odds < 0 || r.Odds > 1:
		return refuse("odds", "%v is no probability", r.Odds)
	case r.Skip < 0 || r.Times < 0:
		return refuse("times", "a number of matches is not negative")
	case r.From < 0 || r.From > clock.Never.MS():
		return refuse("from", "%d is no time in milliseconds since 1970", r.From)
	case r.Until > clock.Never.MS():
		return refuse("until", "%d is no time in milliseconds since 1970", r.Until)
	case r.Until != 0 && (r.Until <= r.From || r.Every == 0 && r.Until <= now.MS()):
		return refuse("until", "%d is not after from or now, %d", r.Until, max(r.From, now.MS()))
	case r.Every != 0 && (r.From == 0 || r.Until == 0):
		return refuse("every", "what comes again is a window, from and until are needed")
	case r.Every != 0 && (time.Duration(r.Every)%time.Millisecond != 0 || r.Every > mostTime || time.Duration(r.Every).Milliseconds() <= r.Until-r.From):
		return refuse("every", "%v is not longer than the window, in whole milliseconds and at most %v", time.Duration(r.Every), time.Duration(mostTime))
	}
	if err := r.siteMembers(); err != nil {
		return err
	}
	return r.Effect.validate(r.Site)
}

// siteMembers refuses members that the rule's site does not have.
func (r Rule) siteMembers() error {
	has := map[string]bool{
		"peer": r.Peer != "", "method": r.Method != "", "path": r.Path != "", "kind": r.Kind != "", "object": r.Object != 0,
		"user": r.User != "", "fields": len(r.Fields) > 0, "job": r.Job != "", "class": r.Class != "",
		"skip": r.Skip != 0, "times": r.Times != 0, "odds": r.Odds != 0,
	}
	knows := map[Site][]string{
		HTTP: {"method", "path", "kind", "object", "user", "fields", "skip", "times", "odds"},
		Link: {"peer"},
		Job:  {"kind", "object", "job", "class", "skip", "times", "odds"},
	}[r.Site]
	if r.Effect.Type == Full {
		knows = []string{"object"}
	}
	for _, member := range []string{
		"peer", "method", "path", "kind", "object", "user", "fields", "job", "class", "skip", "times", "odds",
	} {
		if has[member] && !slices.Contains(knows, member) {
			return refuse(member, "the site %s has none", r.Site)
		}
	}
	switch {
	case r.Site == Link && (r.Array == "" || r.Peer == "" || r.Array == r.Peer):
		return refuse("peer", "a link needs array and peer, two arrays")
	case r.Site == Array && r.Array == "":
		return refuse("array", "the array whose state it is, is needed")
	case r.Effect.Type == Full && r.Object == 0:
		return refuse("object", "the id of the pool is needed")
	case r.Method != "" && !slices.Contains([]string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete}, r.Method):
		return refuse("method", "%q is none of GET, POST, PUT, DELETE", r.Method)
	case r.Method == http.MethodGet && len(r.Fields) > 0:
		return refuse("fields", "a GET has no body")
	case strings.HasPrefix(r.Path, "/"):
		return refuse("path", "%q: leave out /api/rest/ before it", r.Path)
	case !canMatch(r.Path):
		return refuse("path", "%q: no path has it: a star stands for a whole part, two for all that follow and at the end alone, and there is no query", r.Path)
	case r.Class != "" && !slices.Contains([]string{"settle", "deadline", "periodic"}, r.Class):
		return refuse("class", "%q is none of settle, deadline, periodic", r.Class)
	}
	return nil
}

// canMatch reports whether a pattern is like a path of requests, with stars in
// the places that they can have.
func canMatch(pattern string) bool {
	parts := strings.Split(strings.Trim(pattern, "/"), "/")
	for i, part := range parts {
		stars := part == "*" || part == "**" && i == len(parts)-1
		if strings.ContainsAny(part, "?# ") || strings.Contains(part, "*") && !stars {
			return false
		}
	}
	return true
}

// Fits reports whether some request of a route, whose path has its variables
// in braces, could match the rule's path.
func (r Rule) Fits(route string) bool {
	if r.Path == "" {
		return true
	}
	want, got := strings.Split(strings.Trim(r.Path, "/"), "/"), strings.Split(strings.Trim(route, "/"), "/")
	for i, part := range want {
		if part == "**" && i == len(want)-1 {
			return true
		}
		if i < len(got) && got[i] == "*" { // the route takes anything from here on
			return true
		}
		if i >= len(got) || part != "*" && part != got[i] && !strings.HasPrefix(got[i], "{") {
			return false
		}
	}
	return len(want) == len(got)
}
