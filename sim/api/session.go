package api

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"infinisim/sim/apierr"
	"infinisim/sim/clock"
	"infinisim/sim/model"
)

// cookieName is any name: InfiniSDK asks only whether there is a cookie.
const cookieName = "JSESSIONID"

// loggedIn is a login's result with the cookie that goes out with it.
type loggedIn struct {
	cookie *http.Cookie
	result any
}

// secured is the cookie of a login; one that went out over TLS does not come
// back in the clear.
func (x *exchange) secured() *http.Cookie {
	c := *x.cookie //nolint:gosec // Secure is set here, HttpOnly by login
	c.Secure = x.r.TLS != nil
	return &c
}

// identify finds who asks: the session of the cookie, or Basic credentials.
// It returns NOT_AUTHENTICATED where an operation needs one and there is none.
func (s *Server) identify(b *model.Box, x *exchange) (model.Identity, error) {
	if x.op.anonymous {
		return model.Identity{}, nil
	}
	if session := x.in.Vars["session"]; session != "" {
		who, ok, err := s.goesOn(b, session, x.now)
		if err != nil {
			return who, err
		}
		if ok {
			who.Remote = remoteCredentials(x.r.Header.Get("X-Remote-Authorization"))
			return who, nil
		}
	}
	user, password, ok := x.r.BasicAuth()
	if !ok {
		return model.Identity{}, apierr.New(apierr.NotAuthenticated, "%s needs a session", x.r.URL.Path)
	}
	who, err := b.Authenticate(user, password)
	if err != nil {
		return who, apierr.New(apierr.NotAuthenticated, "user name or password is wrong")
	}
	who.Remote = remoteCredentials(x.r.Header.Get("X-Remote-Authorization"))
	return who, nil
}

// Session is one that is open.
type Session struct {
	// Who is whose it is.
	Who model.Identity
	// Begun and Last are the lab's time of the login and of the last request.
	Begun, Last clock.Time
}

// over reports whether its time is up.
func (s Session) over(now clock.Time, most model.SessionLimits) bool {
	up := func(since clock.Time, most time.Duration) bool { return most > 0 && now-since >= clock.Time(most) }
	return up(s.Begun, most.Active) || up(s.Last, most.Idle)
}

// goesOn finds whose session a request came with; ok is false where there is
// none, its time is up, or its user is disabled or gone.
func (s *Server) goesOn(b *model.Box, id string, now clock.Time) (who model.Identity, ok bool, err error) {
	most, err := b.SessionLimits()
	if err != nil {
		return who, false, err
	}
	s.mu.Lock()
	open, ok := s.sessions[id]
	if ok && open.over(now, most) {
		delete(s.sessions, id)
		ok = false
	}
	if ok {
		open.Last = max(open.Last, now)
		who = open.Who
	}
	s.mu.Unlock()
	if !ok {
		return who, false, nil
	}
	if who, ok, err = b.Session(who); err == nil && !ok {
		s.expire(id)
	}
	return who, ok, err
}

// remoteCredentials reads "Basic b64" or "Basic name=b64;name=b64": several
// peers may have one name there, so all pairs are kept (InfiniSDK 289.1.4).
func remoteCredentials(header string) []model.Credentials {
	list, ok := strings.CutPrefix(header, "Basic ")
	if !ok {
		return nil
	}
	var out []model.Credentials
	for part := range strings.SplitSeq(list, ";") {
		for _, code := range []string{part, part[strings.IndexByte(part, '=')+1:]} {
			raw, err := base64.StdEncoding.DecodeString(code)
			user, password, ok := strings.Cut(string(raw), ":")
			if err == nil && ok {
				out = append(out, model.Credentials{User: user, Password: password})
				break
			}
		}
	}
	return out
}

// login opens a session. Sessions live in memory alone.
func (s *Server) login(b *model.Box, in *model.Input) (any, error) {
	var ask struct {
		Username string `json:"username"`
		Password string `json:"password"`
	}
	if err := json.Unmarshal(in.Raw, &ask); err != nil {
		return nil, apierr.New(apierr.Malformed, "body: %v", err)
	}
	who, err := b.Authenticate(ask.Username, ask.Password)
	if err != nil {
		return nil, err
	}
	b.Who = who
	template := "user {name} logged in"
	data := []model.Datum{{Name: "name", Type: "String", Value: who.Name}}
	if err := b.Emit(model.Event{Code: "USER_LOGIN_SUCCESS", Template: template, Data: data, Entity: who.ID}); err != nil {
		return nil, err
	}
	n := b.Tx.Next(b.Key, "session")
	id := b.Chance().Hex("session/"+b.Key, uint64(n)) //nolint:gosec // counts up from 1
	s.mu.Lock()
	s.sessions[id] = &Session{Who: who, Begun: b.Tx.Now(), Last: b.Tx.Now()}
	s.mu.Unlock()
	o, err := b.Must(model.User, who.ID)
	if err != nil {
		return nil, err
	}
	raw, err := b.Render(o)
	if err != nil {
		return nil, err
	}
	return &loggedIn{
		cookie: &http.Cookie{Name: cookieName, Value: id, Path: "/", HttpOnly: true}, //nolint:gosec // see secured
		result: map[string]any{"name": who.Name, "roles": []string{who.Role}, "user_objects": []json.RawMessage{raw}},
	}, nil
}

// logout ends the session of the cookie, if there is one.
func (s *Server) logout(_ *model.Box, in *model.Input) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, in.Vars["session"])
	return nil, nil
}
