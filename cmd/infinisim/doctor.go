package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// finding is what doctor says of one thing.
type finding struct {
	Check   string `json:"check"`
	State   string `json:"state"` // ok, note or wrong
	Message string `json:"message"`
	Fix     string `json:"fix"` // empty where nothing is wrong
}

// The states of a finding. A note is nothing wrong.
const (
	fine  = "ok"
	note  = "note"
	wrong = "wrong"
)

// doctor is what is looked at.
type doctor struct {
	to             remote
	listen, data   string
	peers          []string
	secret         string
	findings       []finding
	reached, keeps bool
}

// doctorCommand names what is wrong and how it is put right.
func doctorCommand() *cobra.Command {
	var d doctor
	c := &cobra.Command{
		Use: "doctor", Short: "Name everything that is wrong, with the fix; exit code 1 if there is anything", Args: cobra.NoArgs,
		Long: `Looks at the configuration file, the environment, the tool chain, the server, its
clock, ports, data files and peers, and says of each in one line whether it is
right, and if not what to do. It changes nothing.`,
		Annotations: map[string]string{lenient: "yes"},
		RunE:        func(c *cobra.Command, _ []string) error { return d.run(c) },
	}
	d.to.labFlags(c)
	c.Flags().StringVar(&d.listen, "listen", "127.0.0.1:8080", "address that serve is to listen at")
	c.Flags().StringVar(&d.data, "data", "", "directory that keeps labs, as for serve")
	c.Flags().StringArrayVar(&d.peers, "peer", nil, "array of another process and its fabric URL, KEY=URL, as for serve; may be given again")
	c.Flags().StringVar(&d.secret, "fabric-secret", "", "what the processes know of each other, as for serve")
	return c
}

func (d *doctor) say(check, state, message, fix string) {
	d.findings = append(d.findings, finding{check, state, message, fix})
}

func (d *doctor) run(c *cobra.Command) error {
	d.readSettings(c)
	d.goRelease(c.Context())
	d.server(c.Context())
	if !d.reached {
		d.ports(c.Context())
	}
	if d.data != "" {
		d.files()
	}
	for _, p := range d.peers {
		d.peer(c.Context(), p)
	}
	return d.report(c)
}

func (d *doctor) report(c *cobra.Command) error {
	bad := 0
	for _, f := range d.findings {
		if f.State == wrong {
			bad++
		}
	}
	p := printerOf(c)
	var err error
	if p.json {
		err = p.value(map[string]any{"wrong": bad, "findings": d.findings}, nil)
	} else {
		err = p.findings(d.findings)
	}
	if err == nil && bad > 0 {
		err = fmt.Errorf("doctor: %d of %d things are wrong", bad, len(d.findings))
	}
	return err
}

func (p printer) findings(all []finding) error {
	widest := 0
	for _, f := range all {
		widest = max(widest, len(f.Check))
	}
	var out strings.Builder
	for _, f := range all {
		fmt.Fprintf(&out, "%s  %-*s  %s", p.paint(fmt.Sprintf("%-5s", f.State)), widest, f.Check, f.Message)
		if f.Fix != "" {
			out.WriteString("; " + f.Fix)
		}
		out.WriteByte('\n')
	}
	_, err := io.WriteString(p.to, out.String())
	return err
}
