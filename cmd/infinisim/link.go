package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"infinisim/sim/lab"
)

func linkColumns() []column {
	return []column{
		{"ARRAY", "array", asIs},
		{"ID", "id", asIs},
		{"NAME", "name", asName},
		{"STATE", "state", asState},
		{"MODE", "mode", asIs},
		{"REMOTE", "remote_array", asIs},
		{"REMOTE ID", "remote_id", asIs},
		{"CUT", "cut", asYes},
		{"BANDWIDTH", "bandwidth", asRate},
		{"LATENCY", "latency_ms", asSpan},
		{"LOSS", "loss", asShare},
		{"WITNESS", "witness_state", asIs},
	}
}

func pathColumns() []column {
	return []column{
		{"BANDWIDTH", "bandwidth", asRate},
		{"LATENCY", "latency", asIs},
		{"JITTER", "jitter", asIs},
		{"LOSS", "loss", asShare},
		{"SLOTS", "slots", asIs},
		{"CUT", "cut", asYes},
		{"CUT FROM", "cut_from", asIs},
		{"ADDRESSES DOWN", "addresses_down", asIs},
	}
}

// linkNamed tells how links are named.
const linkNamed = "\n\nLINK is the link's name, such as box-1-box-2, or ARRAY/ID, such as box-1/1005."

// linkCommand shows links, cuts and mends the paths behind them.
func linkCommand() *cobra.Command {
	var to remote
	var array, from string
	list := &cobra.Command{
		Use: "list", Short: "Show each array's half of each link, and the path behind it", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return to.show(c, http.MethodGet, to.in("links"+query("array", array)), nil, linkColumns())
		},
	}
	list.Flags().StringVar(&array, "array", "", "key of an array (default: all)")
	change := func(use, short, rest string, body func() any) *cobra.Command {
		return &cobra.Command{
			Use: use + " LINK", Short: short, Long: short + "." + linkNamed, Args: cobra.ExactArgs(1),
			RunE: func(c *cobra.Command, args []string) error {
				at, err := to.link(c.Context(), args[0])
				if err != nil {
					return err
				}
				return to.show(c, http.MethodPost, to.in(at+rest), body(), pathColumns())
			},
		}
	}
	cut := change("cut", "Cut the path behind a link", "/cut", func() any { return map[string]any{"from": from} })
	cut.Flags().StringVar(&from, "from", "", "key of the array whose messages do not arrive (default: those of both)")
	c := group(
		"link", "Show the links of a lab, cut and restore them, change how they behave",
		list, cut, change("restore", "Mend the path behind a link", "/restore", func() any { return nil }), modelCommand(&to),
	)
	to.labFlags(c)
	return c
}

// modelCommand shows how a path behaves, or changes it.
func modelCommand(to *remote) *cobra.Command {
	var bandwidth int64
	var latency, jitter string
	var loss float64
	var slots, down int
	c := &cobra.Command{
		Use: "model LINK", Short: "Show how the path behind a link behaves; with flags, change it",
		Long: "Shows how the path behind a link behaves. What flags name is changed first." + linkNamed, Args: cobra.ExactArgs(1),
	}
	fs := c.Flags()
	fs.Int64Var(&bandwidth, "bandwidth", 0, "bytes a second and direction")
	fs.StringVar(&latency, "latency", "", "one way, such as 20ms")
	fs.StringVar(&jitter, "jitter", "", "the most that is added to it")
	fs.Float64Var(&loss, "loss", 0, "share of the bytes that are sent twice, from 0 to below 1")
	fs.IntVar(&slots, "slots", 0, "first copies at a time; -1 leaves the array's own limit alone")
	fs.IntVar(&down, "addresses-down", 0, "how many of the addresses of each side do not answer")
	c.RunE = func(c *cobra.Command, args []string) error {
		at, err := to.link(c.Context(), args[0])
		if err != nil {
			return err
		}
		body := map[string]any{}
		for flag, v := range map[string]any{"bandwidth": bandwidth, "latency": latency, "jitter": jitter, "loss": loss, "slots": slots, "addresses-down": down} {
			if c.Flags().Changed(flag) {
				body[strings.ReplaceAll(flag, "-", "_")] = v
			}
		}
		if len(body) == 0 {
			return to.show(c, http.MethodGet, to.in(at+"/model"), nil, pathColumns())
		}
		return to.show(c, http.MethodPut, to.in(at+"/model"), body, pathColumns())
	}
	return c
}

// link finds the path of the link that somebody names.
func (to *remote) link(ctx context.Context, name string) (string, error) {
	if array, id, ok := strings.Cut(name, "/"); ok {
		if _, err := strconv.ParseInt(id, 10, 64); err != nil {
			return "", usage("link %q: ARRAY/ID, such as box-1/1005", name)
		}
		return "arrays/" + array + "/links/" + id, nil
	}
	var all []lab.LinkView
	if err := to.read(ctx, to.in("links"), &all); err != nil {
		return "", err
	}
	var known []string
	for _, l := range all {
		if l.Name == name {
			return fmt.Sprintf("arrays/%s/links/%d", l.Array, l.ID), nil
		}
		if !slices.Contains(known, l.Name) {
			known = append(known, l.Name)
		}
	}
	if len(known) == 0 {
		return "", exitError{fmt.Errorf("link %q does not exist: lab %s has no links", name, to.lab), exitAbsent}
	}
	return "", exitError{fmt.Errorf("link %q does not exist; the nearest is %q, infinisim link list shows all", name, nearest(name, known)), exitAbsent}
}
