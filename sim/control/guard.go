package control

import (
	"crypto/sha256"
	"crypto/subtle"
	"io"
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

// admit lets a request in, or refuses it; only then its body is read, which may
// have a length at most. It returns PERMISSION_DENIED, NOT_AUTHENTICATED,
// MALFORMED_REQUEST or BODY_TOO_LARGE.
func (s *Server) admit(r *http.Request, most int64) ([]byte, error) {
	if err := s.foreign(r); err != nil {
		return nil, err
	}
	if err := s.denied(r); err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, most+1))
	switch {
	case err != nil:
		return nil, apierr.Unread(err)
	case int64(len(body)) > most:
		return nil, apierr.New(apierr.BodyTooLarge, "body: longer than %d bytes", most)
	}
	return body, nil
}

// denied refuses who does not bring the token. What is compared are digests: the
// time tells nothing of the token, not even its length.
func (s *Server) denied(r *http.Request) error {
	if s.Token == "" || r.URL.Path == prefix+"/health" {
		return nil
	}
	given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	got, want := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(s.Token))
	if subtle.ConstantTimeCompare(got[:], want[:]) == 0 || !ok {
		return apierr.New(apierr.NotAuthenticated, "the control plane needs its token: Authorization: Bearer TOKEN")
	}
	return nil
}

// shield has a browser take an answer for nothing but what it is, run nothing in
// it, show it in no other page and keep no copy.
func shield(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("Cache-Control", "no-store")
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
