package scenario

import (
	"context"
	"fmt"
	"io"
)

// Result is how a scenario went.
type Result struct {
	// File and Name are the scenario's, Seed is the one that it was played with.
	File string `json:"file"`
	Name string `json:"name"`
	Seed uint64 `json:"seed"`
	// Passed says that all was as expected; Steps is how many steps there are,
	// Played how many of them were.
	Passed bool `json:"passed"`
	Steps  int  `json:"steps"`
	Played int  `json:"played"`
	// Took is how long it took by the lab's clock.
	Took string `json:"took"`
	// Failure is what was not as expected, Error why it could not be played; both
	// are empty where all was.
	Failure *Failure `json:"failure"`
	Error   string   `json:"error"`
}

// Report is how scenarios went.
type Report struct {
	Results []*Result `json:"results"`
	// Passed, Failed and Refused count them: what could not be played is refused.
	Passed  int `json:"passed"`
	Failed  int `json:"failed"`
	Refused int `json:"refused"`
}

// Run reads and plays files, each in a lab of its own, whatever becomes of the
// others.
func Run(ctx context.Context, files []string, o Options) *Report {
	r := &Report{Results: []*Result{}}
	for _, file := range files {
		res := run(ctx, file, o)
		switch {
		case res.Error != "":
			r.Refused++
		case res.Passed:
			r.Passed++
		default:
			r.Failed++
		}
		r.Results = append(r.Results, res)
	}
	return r
}

func run(ctx context.Context, file string, o Options) *Result {
	s, err := Read(file)
	if err != nil {
		return &Result{File: file, Error: err.Error()}
	}
	res, err := s.Play(ctx, o)
	if err != nil {
		return &Result{File: file, Name: s.Name, Steps: len(s.steps), Error: err.Error()}
	}
	return res
}

// Text writes a line for each file, and below it what was not as expected.
func (r *Report) Text(to io.Writer) error {
	for _, res := range r.Results {
		var err error
		switch {
		case res.Error != "":
			_, err = fmt.Fprintf(to, "refused  %s\n         %s\n", res.File, res.Error)
		case res.Passed:
			_, err = fmt.Fprintf(to, "pass     %s: %s, %d steps, %s\n", res.File, res.Name, res.Steps, res.Took)
		default:
			f := res.Failure
			_, err = fmt.Fprintf(
				to, "FAIL     %s: %s\n         %s:%d: step %q: %s\n         expected %s\n         got      %s\n",
				res.File, res.Name, res.File, f.Line, f.Step, f.Field, f.Expected, f.Got,
			)
		}
		if err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(to, "%d passed, %d failed, %d refused\n", r.Passed, r.Failed, r.Refused)
	return err
}
