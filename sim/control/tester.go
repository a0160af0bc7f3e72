package control

import (
	"github.com/go-chi/chi/v5"

	"infinisim/sim/apierr"
	"infinisim/sim/model"
)

// featureAsk is whether a feature is on.
type featureAsk struct {
	Enabled *bool `json:"enabled"`
}

// featureView is a feature as it is then.
type featureView struct {
	Name    string `json:"name"`
	Enabled bool   `json:"enabled"`
}

// eventAsk is an event to be emitted.
type eventAsk struct {
	Code        string `json:"code"`
	Level       string `json:"level"`
	Description string `json:"description"`
}

// eventView is an event that was emitted.
type eventView struct {
	Code string `json:"code"`
}

// passwordAsk is a user's new password.
type passwordAsk struct {
	Password string `json:"password"`
}

// passwordView is the user who has it.
type passwordView struct {
	User string `json:"user"`
}

// lockView is a lock that a client of NFS has.
type lockView struct {
	ID string `json:"lock_id"`
}

// changeArray changes what an administrator cannot: version, serial number,
// the length of a page.
func changeArray(s *Server, r *request) (any, error) {
	var ask model.Tweak
	if err := r.decode(&ask, keysOf(ask)...); err != nil {
		return nil, err
	}
	if err := r.lab.Tweak(r.Context(), r.key(), ask); err != nil {
		return nil, err
	}
	a, err := r.lab.Array(r.key())
	if err != nil {
		return nil, err
	}
	return s.array(r.lab, a), nil
}

// setFeature switches a feature of an array on or off.
func setFeature(_ *Server, r *request) (any, error) {
	var ask featureAsk
	if err := r.decode(&ask, keysOf(ask)...); err != nil {
		return nil, err
	}
	if ask.Enabled == nil {
		return nil, apierr.New(apierr.MissingField, "enabled: required").About("enabled")
	}
	name := chi.URLParam(r.Request, "feature")
	err := r.lab.On(r.Context(), r.key(), func(b *model.Box) error { return b.SetFeature(name, *ask.Enabled) })
	return featureView{name, *ask.Enabled}, err
}

// addEvent has an array emit an event of any code.
func addEvent(_ *Server, r *request) (any, error) {
	var ask eventAsk
	if err := r.decode(&ask, keysOf(ask)...); err != nil {
		return nil, err
	}
	if ask.Code == "" {
		return nil, apierr.New(apierr.MissingField, "code: required").About("code")
	}
	err := r.lab.On(r.Context(), r.key(), func(b *model.Box) error {
		return b.Emit(model.Event{Code: ask.Code, Level: ask.Level, Template: ask.Description})
	})
	return eventView{ask.Code}, err
}

// setPassword changes a user's password past the array's policy.
func setPassword(_ *Server, r *request) (any, error) {
	var ask passwordAsk
	if err := r.decode(&ask, keysOf(ask)...); err != nil {
		return nil, err
	}
	if ask.Password == "" {
		return nil, apierr.New(apierr.MissingField, "password: required").About("password")
	}
	user := chi.URLParam(r.Request, "user")
	err := r.lab.On(r.Context(), r.key(), func(b *model.Box) error { return b.SetPassword(user, ask.Password) })
	return passwordView{user}, err
}

// setComponent has a part of the hardware change its state. The array itself
// says what can be set of which part.
func setComponent(_ *Server, r *request) (any, error) {
	ask, err := model.DecodeBody(r.body)
	if err != nil {
		return nil, err
	}
	var now any
	err = r.lab.On(r.Context(), r.key(), func(b *model.Box) error {
		now, err = b.SetComponent(chi.URLParam(r.Request, "*"), ask)
		return err
	})
	return now, err
}

// addLock has a client of NFS lock a file.
func addLock(_ *Server, r *request) (any, error) {
	var ask model.Lock
	if err := r.decode(&ask, keysOf(ask)...); err != nil {
		return nil, err
	}
	var id string
	err := r.lab.On(r.Context(), r.key(), func(b *model.Box) (err error) {
		id, err = b.AddLock(ask)
		return err
	})
	return lockView{id}, err
}
