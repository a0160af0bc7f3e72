package lab_test

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"infinisim/sim/schema"
)

// The query language once more, in plain words over JSON: what FuzzList holds
// the array's answers against. It shares no code with sim/schema.

// outcome of a condition: whether an object passes, or unsaid where no source
// tells.
type outcome int

const (
	no outcome = iota
	yes
	unsaid
)

// cell is a member of an object: null, a number, or a text.
type cell struct {
	null bool
	num  int64
	real float64
	text string
	list []string
}

// sortable reports whether a field's values have an order.
func sortable(f *schema.Field) bool {
	return f.Wire() != schema.WireList && f.Wire() != schema.WireTree
}

func cellOf(f *schema.Field, raw json.RawMessage) (c cell) {
	if len(raw) == 0 || string(raw) == "null" || f.Wire() == schema.WireRef && string(raw) == "0" {
		return cell{null: true}
	}
	switch f.Wire() {
	case schema.WireInt, schema.WireRef:
		c.num, _ = strconv.ParseInt(string(raw), 10, 64)
		c.text = strconv.FormatInt(c.num, 10)
	case schema.WireFloat:
		c.real, _ = strconv.ParseFloat(string(raw), 64)
		c.text = strconv.FormatFloat(c.real, 'g', -1, 64)
	case schema.WireBool:
		if c.text = string(raw); c.text == "true" {
			c.num = 1
		}
	case schema.WireText, schema.WireEnum:
		_ = json.Unmarshal(raw, &c.text)
		if f.Wire() == schema.WireEnum {
			c.num = int64(slices.Index(f.Enum, c.text))
		}
	case schema.WireList:
		var all []json.RawMessage
		_ = json.Unmarshal(raw, &all)
		for _, one := range all {
			text := string(one)
			if text[0] == '"' {
				_ = json.Unmarshal(one, &text)
			}
			c.list = append(c.list, text)
		}
	}
	return c
}

func compareCells(f *schema.Field, a, b cell) int {
	switch {
	case a.null || b.null:
		if a.null && b.null {
			return 0
		}
		if a.null {
			return -1
		}
		return 1
	case f.Wire() == schema.WireFloat:
		return cmp.Compare(a.real, b.real)
	case f.Wire() == schema.WireText:
		return cmp.Compare(a.text, b.text)
	}
	return cmp.Compare(a.num, b.num)
}

// operandOf reads what a value is compared with.
func operandOf(f *schema.Field, text string) (c cell) {
	if text == "null" || text == "None" {
		return cell{null: true}
	}
	c.text = text
	switch f.Wire() {
	case schema.WireInt, schema.WireRef, schema.WireList:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			x, bad := strconv.ParseFloat(text, 64)
			n, err = int64(x), bad
			if bad == nil && float64(n) != x {
				return c
			}
		}
		if err == nil {
			c.num, c.text = n, strconv.FormatInt(n, 10)
		}
		c.null = f.Wire() == schema.WireRef && err == nil && n == 0
	case schema.WireFloat:
		c.real, _ = strconv.ParseFloat(text, 64)
	case schema.WireBool:
		if on, _ := strconv.ParseBool(strings.ToLower(text)); on {
			c.num = 1
		}
	case schema.WireEnum:
		c.num = -1
		for i, word := range f.Enum {
			if strings.EqualFold(word, text) || strings.EqualFold(word, snake(text)) {
				c.num = int64(i)
				break
			}
		}
	}
	return c
}

// snake turns PoolAdmin into Pool_Admin.
func snake(text string) string {
	var b strings.Builder
	for i, r := range text {
		if i > 0 && strings.ToUpper(string(r)) == string(r) && strings.ToLower(string(r)) != string(r) {
			b.WriteByte('_')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// conditionOf takes a parameter's text apart.
func conditionOf(f *schema.Field, text string) (op string, operands []string) {
	op, rest, found := strings.Cut(text, ":")
	names := []string{"eq", "is", "ne", "isnot", "gt", "ge", "lt", "le", "like", "in", "notin", "between", "allof", "anyof", "noneof"}
	if !found || !slices.Contains(names, op) {
		op, rest = "eq", text
	}
	bare, listed := strings.CutPrefix(rest, "(")
	if listed {
		bare, listed = strings.CutSuffix(bare, ")")
	}
	if !listed {
		bare = rest
	}
	switch op {
	case "in", "notin", "between":
		return op, strings.Split(bare, ",")
	case "allof", "anyof", "noneof":
		return op, strings.Split(rest, ",")
	case "is":
		op = "eq"
	case "isnot":
		op = "ne"
	}
	if op == "eq" && listed {
		operands = strings.Split(bare, ",")
		if f.Wire() == schema.WireText {
			operands = append(operands, rest)
		}
		return "in", operands
	}
	return op, []string{rest}
}

// known reports whether words say what a condition lets pass.
func (c *collection) known(f *schema.Field, text string) bool {
	return passes(f, nil, text) != unsaid
}

// passes tells whether a member passes a condition.
func passes(f *schema.Field, raw json.RawMessage, text string) outcome {
	op, texts := conditionOf(f, text)
	v := cellOf(f, raw)
	ordered := slices.Contains([]string{"gt", "ge", "lt", "le", "between"}, op)
	if f.Wire() == schema.WireTree || f.Wire() == schema.WireList && (ordered || op == "like") {
		return unsaid
	}
	if op == "like" {
		return said(!v.null && strings.Contains(v.text, texts[0]))
	}
	operands := make([]cell, 0, len(texts))
	for _, one := range texts {
		operands = append(operands, operandOf(f, one))
	}
	if ordered {
		return said(inOrder(f, op, v, operands))
	}
	hit := func(w cell) bool {
		if f.Wire() != schema.WireList || v.null || w.null {
			return compareCells(f, v, w) == 0
		}
		return slices.Contains(v.list, w.text)
	}
	switch op {
	case "eq", "in", "anyof":
		return said(slices.ContainsFunc(operands, hit))
	case "allof":
		return said(!slices.ContainsFunc(operands, func(w cell) bool { return !hit(w) }))
	}
	return said(!slices.ContainsFunc(operands, hit)) // ne, notin, noneof
}

func said(ok bool) outcome {
	if ok {
		return yes
	}
	return no
}

func inOrder(f *schema.Field, op string, v cell, operands []cell) bool {
	if v.null || operands[0].null {
		return false
	}
	d := compareCells(f, v, operands[0])
	switch op {
	case "gt":
		return d > 0
	case "ge":
		return d >= 0
	case "lt":
		return d < 0
	case "le":
		return d <= 0
	}
	return d >= 0 && compareCells(f, v, operands[1]) <= 0
}
