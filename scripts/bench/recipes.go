package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"time"

	"infinisim/scripts/recipes"
	"infinisim/sim"
	"infinisim/sim/control"
	"infinisim/sim/lab"
)

// states tells how long each recipe of fixtures/recipes.json takes in process:
// a lab of two linked arrays, what the recipes begin with, and its requests.
func states() error {
	book, err := recipes.Read("fixtures/recipes.json")
	if err != nil {
		return err
	}
	fmt.Printf("\n%-44s %12s %12s\n", "state of a replica", "its recipe", "with the lab")
	for _, r := range book.Recipes {
		var steps, all []time.Duration
		for range times(10) {
			start := time.Now()
			took, err := recipe(book, r)
			if err != nil {
				return fmt.Errorf("%s: %w", r.Name, err)
			}
			steps, all = append(steps, took), append(all, time.Since(start))
		}
		fmt.Printf("%-44s %12v %12v\n", r.Name, nice(median(steps)), nice(median(all)))
	}
	return nil
}

// recipe plays one, in a lab of its own; the time is that of its own words.
func recipe(book *recipes.Book, r recipes.Recipe) (took time.Duration, err error) {
	labs := lab.NewLabs(lab.Options{}, "")
	defer func() { _ = labs.Close() }()
	l, err := labs.Create(context.Background(), lab.Plan{Name: lab.DefaultName})
	if err != nil {
		return 0, err
	}
	plane := control.New(control.Options{Labs: labs, Log: slog.New(slog.DiscardHandler)})
	p := &recipes.Player{Book: book, Send: func(ask recipes.Request) ([]byte, error) {
		if ask.To == recipes.Control {
			return send(plane, "http://localhost/_sim/v1/", ask)
		}
		return send(labs.Handler(l, ask.To), "/api/rest/", ask)
	}}
	if err := p.Play(book.Setup...); err != nil {
		return 0, err
	}
	start := time.Now()
	err = p.Play(r.Steps...)
	return time.Since(start), err
}

func send(h http.Handler, prefix string, ask recipes.Request) ([]byte, error) {
	r := httptest.NewRequestWithContext(context.Background(), ask.Method, prefix+ask.Path, bytes.NewReader(ask.Body))
	r.SetBasicAuth(sim.Username, sim.Password)
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	if rec.Code >= http.StatusBadRequest {
		return nil, fmt.Errorf("%s %s: %s", ask.Method, ask.Path, rec.Body)
	}
	return rec.Body.Bytes(), nil
}
