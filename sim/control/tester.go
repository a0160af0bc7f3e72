package control

import (
	"github.com/go-chi/chi/v5"

	"infinisim/sim/apierr"
	"infinisim/sim/model"
)

// changeArray changes what an administrator cannot: version, serial number,
// the length of a page.
func changeArray(s *Server, r *request) (any, error) {
	var ask model.Tweak
	if err := r.decode(&ask, "version", "serial", "default_page_size", "next_id"); err != nil {
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
	var ask struct {
		Enabled *bool `json:"enabled"`
	}
	if err := r.decode(&ask, "enabled"); err != nil {
		return nil, err
	}
	if ask.Enabled == nil {
		return nil, apierr.New(apierr.MissingField, "enabled: required").About("enabled")
	}
	name := chi.URLParam(r.Request, "feature")
	err := r.lab.On(r.Context(), r.key(), func(b *model.Box) error { return b.SetFeature(name, *ask.Enabled) })
	return map[string]any{"name": name, "enabled": *ask.Enabled}, err
}

// addEvent has an array emit an event of any code.
func addEvent(_ *Server, r *request) (any, error) {
	var ask struct {
		Code        string `json:"code"`
		Level       string `json:"level"`
		Description string `json:"description"`
	}
	if err := r.decode(&ask, "code", "level", "description"); err != nil {
		return nil, err
	}
	if ask.Code == "" {
		return nil, apierr.New(apierr.MissingField, "code: required").About("code")
	}
	err := r.lab.On(r.Context(), r.key(), func(b *model.Box) error {
		return b.Emit(model.Event{Code: ask.Code, Level: ask.Level, Template: ask.Description})
	})
	return map[string]string{"code": ask.Code}, err
}

// setPassword changes a user's password past the array's policy.
func setPassword(_ *Server, r *request) (any, error) {
	var ask struct {
		Password string `json:"password"`
	}
	if err := r.decode(&ask, "password"); err != nil {
		return nil, err
	}
	if ask.Password == "" {
		return nil, apierr.New(apierr.MissingField, "password: required").About("password")
	}
	user := chi.URLParam(r.Request, "user")
	err := r.lab.On(r.Context(), r.key(), func(b *model.Box) error { return b.SetPassword(user, ask.Password) })
	return map[string]string{"user": user}, err
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
	if err := r.decode(&ask, "filesystem_id", "file_path", "client", "owner", "offset", "length", "shared"); err != nil {
		return nil, err
	}
	var id string
	err := r.lab.On(r.Context(), r.key(), func(b *model.Box) (err error) {
		id, err = b.AddLock(ask)
		return err
	})
	return map[string]string{"lock_id": id}, err
}
