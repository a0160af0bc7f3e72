package control

import (
	"net"
	"net/http"
	"net/url"
	"strings"

	"infinisim/sim/apierr"
)

// foreign refuses what a browser sends for a page of another origin, with
// PERMISSION_DENIED. A page can send requests anywhere, and its name server can
// say that its own name is this machine's; so neither an origin that is not
// this one, nor, without a token, a name that is none of this machine's passes.
func (s *Server) foreign(r *http.Request) error {
	denied := func(what, value string) error {
		return apierr.New(apierr.PermissionDenied, "%s: %q: the control plane takes nothing from pages of other origins", what, value)
	}
	if origin := r.Header.Get("Origin"); origin != "" && !sameHost(origin, r.Host) {
		return denied("Origin", origin)
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		return denied("Sec-Fetch-Site", site)
	}
	if s.Token == "" && r.URL.Path != prefix+"/health" && !ownName(r.Host) {
		return denied("Host", r.Host)
	}
	return nil
}

func sameHost(origin, host string) bool {
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, host)
}

// ownName reports whether a host is localhost, or an address: no name server
// has a say in those.
func ownName(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.ToLower(strings.Trim(name, "[]"))
	return name == "localhost" || strings.HasSuffix(name, ".localhost") || net.ParseIP(name) != nil
}
