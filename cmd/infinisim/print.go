package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"infinisim/sim/clock"
)

// jsonElsewhere marks commands that print JSON where no terminal is, unless
// they are told otherwise: they always did.
const jsonElsewhere = "json-elsewhere"

// The values of --output.
const (
	asText = "text"
	asJSON = "json"
)

// printer writes the results of commands: JSON as the control plane gives it,
// or tables for people.
type printer struct {
	screen
	json bool
}

// outputFlag is --output of all commands.
func outputFlag(root *cobra.Command) {
	root.PersistentFlags().StringP("output", "o", "", "text or json (default text; lab, clock, import and generate: json where standard output is no terminal)")
	complete := cobra.FixedCompletions([]string{asText, asJSON}, cobra.ShellCompDirectiveNoFileComp)
	if err := root.RegisterFlagCompletionFunc("output", complete); err != nil {
		panic("output: " + err.Error()) // the flag is there
	}
}

// printerOf is what a command prints by.
func printerOf(c *cobra.Command) printer {
	p := printer{screen: screenOf(c.OutOrStdout())}
	switch c.Flag("output").Value.String() {
	case asJSON:
		p.json = true
	case "":
		p.json = c.Annotations[jsonElsewhere] != "" && !p.terminal
	}
	return p
}

// checkOutput refuses other words than text and json.
func checkOutput(c *cobra.Command) error {
	if f := c.Flag("output"); f != nil && f.Value.String() != "" && f.Value.String() != asText && f.Value.String() != asJSON {
		return usage("--output %q: text or json", f.Value)
	}
	return nil
}

// look says how a value is shown.
type look int

const (
	asIs look = iota
	asState
	asBytes
	asRate
	asSpan
	asInstant
	asShare
	asPercent
	asYes
	asName
)

// column is one of a table: the member that it shows, and how. Names may be cut
// where the terminal is too narrow.
type column struct {
	head, path string
	look       look
}

// print writes an answer of the control plane: as it is, or as a table of the
// columns; an object by itself as a line for each.
func (p printer) print(raw []byte, columns []column) error {
	if p.json {
		_, err := p.to.Write(append(bytes.TrimSpace(raw), '\n'))
		return err
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return fmt.Errorf("answer of the control plane: %w", err)
	}
	if list, ok := v.([]any); ok {
		return p.table(list, columns)
	}
	return p.list(v, columns)
}

// value writes a result that the program put together.
func (p printer) value(v any, columns []column) error {
	raw, err := encode(v)
	if err != nil {
		return err
	}
	return p.print(raw, columns)
}

// encode is a value as JSON, with all signs as they are.
func encode(v any) ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return out.Bytes(), err
}

func (p printer) table(list []any, columns []column) error {
	if len(list) == 0 {
		_, err := io.WriteString(p.to, "none\n")
		return err
	}
	rows := make([][]string, 0, len(list))
	for _, one := range list {
		row := make([]string, 0, len(columns))
		for _, c := range columns {
			row = append(row, c.show(member(one, c.path)))
		}
		rows = append(rows, row)
	}
	return p.rows(columns, rows)
}

// rows writes cells under their heads.
func (p printer) rows(columns []column, rows [][]string) error {
	heads := make([]string, 0, len(columns))
	for _, c := range columns {
		heads = append(heads, c.head)
	}
	widths := make([]int, len(columns))
	for _, row := range append([][]string{heads}, rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	p.fit(columns, widths)
	var out strings.Builder
	for n, row := range append([][]string{heads}, rows...) {
		for i, cell := range row {
			cell = cutTo(cell, widths[i])
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if n > 0 && columns[i].look == asState {
				cell = p.paint(cell)
			}
			if i == len(row)-1 {
				pad = ""
			} else {
				pad += "  "
			}
			out.WriteString(cell + pad)
		}
		out.WriteByte('\n')
	}
	_, err := io.WriteString(p.to, out.String())
	return err
}

const (
	leastWidth = 8
	between    = 2
)

// fit makes columns of names narrower, the widest first, until a table is no
// wider than the terminal.
func (p printer) fit(columns []column, widths []int) {
	if p.width == 0 {
		return
	}
	for {
		all, widest := between*(len(widths)-1), -1
		for i, w := range widths {
			all += w
			if columns[i].look == asName && w > leastWidth && (widest < 0 || w > widths[widest]) {
				widest = i
			}
		}
		if all <= p.width || widest < 0 {
			return
		}
		widths[widest]--
	}
}

func cutTo(text string, width int) string {
	if utf8.RuneCountInString(text) <= width {
		return text
	}
	return string([]rune(text)[:width-1]) + "…"
}

// list writes the members of one object, a line for each.
func (p printer) list(v any, columns []column) error {
	widest := 0
	for _, c := range columns {
		widest = max(widest, len(c.head))
	}
	var out strings.Builder
	for _, c := range columns {
		text := c.show(member(v, c.path))
		if c.look == asState {
			text = p.paint(text)
		}
		fmt.Fprintf(&out, "%-*s  %s\n", widest, strings.ToLower(c.head), text)
	}
	_, err := io.WriteString(p.to, out.String())
	return err
}

// member finds a member of a member; a number in the path counts in a list.
func member(v any, path string) any {
	if path == "" {
		return v
	}
	for name := range strings.SplitSeq(path, ".") {
		switch at := v.(type) {
		case map[string]any:
			v = at[name]
		default:
			return nil
		}
	}
	return v
}

// nothing stands where there is no value.
const nothing = "-"

// show is a value as people read it.
func (c column) show(v any) string {
	switch v := v.(type) {
	case nil:
		return nothing
	case bool:
		return map[bool]string{true: "yes", false: "no"}[v]
	case json.Number:
		return c.number(v)
	case string:
		if v == "" {
			return nothing
		}
		return v
	case []any:
		if c.look != asIs && c.look != asName {
			return strconv.Itoa(len(v))
		}
		words := make([]string, 0, len(v))
		for _, one := range v {
			words = append(words, column{look: asIs}.show(one))
		}
		if len(words) == 0 {
			return nothing
		}
		return strings.Join(words, ", ")
	}
	raw, err := encode(v)
	if err != nil {
		return nothing
	}
	return string(bytes.TrimSpace(raw))
}

func (c column) number(v json.Number) string {
	n, err := v.Float64()
	if err != nil {
		return v.String()
	}
	switch c.look {
	case asBytes:
		return size(n)
	case asRate:
		return size(n) + "/s"
	case asSpan:
		return time.Duration(n * float64(time.Millisecond)).String()
	case asInstant:
		return time.Unix(0, int64(clock.FromMS(int64(n)))).UTC().Format(time.DateTime)
	case asShare:
		return fmt.Sprintf("%.1f%%", 100*n)
	case asPercent:
		return fmt.Sprintf("%.0f%%", n)
	case asIs, asState, asYes, asName:
	}
	return v.String()
}

// size is a number of bytes in decimal units, as the array counts.
func size(n float64) string {
	for _, unit := range []string{"B", "kB", "MB", "GB", "TB"} {
		if n < 1000 {
			return strconv.FormatFloat(n, 'f', map[bool]int{true: 0, false: 1}[unit == "B"], 64) + " " + unit
		}
		n /= 1000
	}
	return strconv.FormatFloat(n, 'f', 1, 64) + " PB"
}
