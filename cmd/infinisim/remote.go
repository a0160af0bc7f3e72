package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"infinisim/sim/lab"
)

// remote is the control plane of a server that runs, and the lab that is
// spoken of.
type remote struct{ url, token, lab string }

const defaultControl = "http://127.0.0.1:8079"

// flags say which server.
func (to *remote) flags(c *cobra.Command) {
	c.PersistentFlags().StringVar(&to.url, "control", defaultControl, "URL of the control plane")
	c.PersistentFlags().StringVar(&to.token, "control-token", "", "its token")
}

// labFlags say which server and which of its labs.
func (to *remote) labFlags(c *cobra.Command) {
	to.flags(c)
	c.PersistentFlags().StringVar(&to.lab, "lab", lab.DefaultName, "the lab")
}

// in is a path of the lab that is spoken of.
func (to *remote) in(rest string) string { return "labs/" + url.PathEscape(to.lab) + "/" + rest }

// base is the URL, also where the address alone is given.
func (to *remote) base() string {
	base := strings.TrimSuffix(to.url, "/")
	if !strings.Contains(base, "://") {
		base = "http://" + base
	}
	return base
}

// refusal is an answer of the control plane that is an error.
type refusal struct {
	method, path, status string
	code                 int
	body                 []byte
}

// Error is the code and the message of the control plane, and what to do.
func (e *refusal) Error() string {
	var told struct {
		Error struct{ Code, Message string } `json:"error"`
	}
	text := fmt.Sprintf("%s %s: %s: %s", e.method, e.path, e.status, bytes.TrimSpace(e.body))
	if json.Unmarshal(e.body, &told) == nil && told.Error.Code != "" {
		text = fmt.Sprintf("%s: %s (%s)", told.Error.Code, told.Error.Message, e.status)
	}
	if e.code == http.StatusUnauthorized {
		text += "; give it by --control-token or " + variablePrefix + "CONTROL_TOKEN"
	}
	return text
}

// show sends a request to the control plane and prints its answer.
func (to *remote) show(c *cobra.Command, method, path string, body any, columns []column) error {
	answer, err := to.answer(c.Context(), method, path, body)
	if err != nil {
		return err
	}
	return printerOf(c).print(answer, columns)
}

// read sends a GET and decodes the answer.
func (to *remote) read(ctx context.Context, path string, v any) error {
	raw, err := to.answer(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return fmt.Errorf("answer to %s: %w", path, err)
	}
	return nil
}

// answer sends a request to the control plane.
func (to *remote) answer(ctx context.Context, method, path string, body any) ([]byte, error) {
	var raw []byte
	if body != nil {
		var err error
		if raw, err = json.Marshal(body); err != nil {
			return nil, err
		}
	}
	return to.send(ctx, method, path, bytes.NewReader(raw))
}

// send sends a request to the control plane and gives its answer.
func (to *remote) send(ctx context.Context, method, path string, body io.Reader) ([]byte, error) {
	resp, err := to.do(ctx, method, path, body)
	if err != nil {
		return nil, err
	}
	answer, err := io.ReadAll(resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return nil, err
	}
	if resp.StatusCode >= http.StatusMultipleChoices {
		e := &refusal{method, path, resp.Status, resp.StatusCode, answer}
		switch resp.StatusCode {
		case http.StatusUnauthorized, http.StatusForbidden:
			return nil, exitError{e, exitDenied}
		case http.StatusNotFound:
			return nil, exitError{e, exitAbsent}
		}
		return nil, e
	}
	return answer, nil
}

// do sends a request and says, where nothing answers, what to do.
func (to *remote) do(ctx context.Context, method, path string, body io.Reader) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, to.base()+"/_sim/v1/"+path, body)
	if err != nil {
		return nil, usage("--control %q: %w", to.url, err)
	}
	if to.token != "" {
		r.Header.Set("Authorization", "Bearer "+to.token)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil && ctx.Err() == nil {
		err = fmt.Errorf(
			"no control plane answers at %s: start one with infinisim serve, or name another by --control or %sCONTROL: %w", to.base(), variablePrefix, err,
		)
		return nil, exitError{err, exitUnreachable}
	}
	return resp, err
}
