package schema

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Op is an operator of the query language.
type Op uint8

// The operators; on the wire they stand in lower case before a colon.
const (
	EQ Op = iota
	NE
	GT
	GE
	LT
	LE
	Like
	In
	NotIn
	Between
	AllOf
	AnyOf
	NoneOf
)

// operators are the words before the colon; is and isnot compare with null,
// and with any other value too.
func operator(word string) (Op, bool) {
	switch word {
	case "eq", "is":
		return EQ, true
	case "ne", "isnot":
		return NE, true
	case "gt":
		return GT, true
	case "ge":
		return GE, true
	case "lt":
		return LT, true
	case "le":
		return LE, true
	case "like":
		return Like, true
	case "in":
		return In, true
	case "notin":
		return NotIn, true
	case "between":
		return Between, true
	case "allof":
		return AllOf, true
	case "anyof":
		return AnyOf, true
	case "noneof":
		return NoneOf, true
	}
	return 0, false
}

// Filter is one condition; all filters of a query must hold.
type Filter struct {
	// Field is what is compared.
	Field *Field
	// Op is how.
	Op Op
	// Values are the operands: one, or those of a list.
	Values []Value
	// Text is the pattern of Like.
	Text string
}

// Sort is one key of an order.
type Sort struct {
	// Field is what is compared.
	Field *Field
	// Desc turns the order round.
	Desc bool
}

// Query is what a collection's GET asks for.
type Query struct {
	// Filters must all hold.
	Filters []Filter
	// Sorts order the answer; ties go by ascending id.
	Sorts []Sort
	// Fields are the members of each object, nil for all.
	Fields []*Field
	// Page counts from 1; PageSize is the length of a page.
	Page, PageSize int
}

// The limits of a page. InfiniSDK 289.1.4 relies on both.
const (
	DefaultPageSize = 50
	MaxPageSize     = 1000
	MaxPage         = 1 << 31
)

// Terms says how to read a query's parameters.
type Terms struct {
	// Open tells whether the array has a field, nil for all.
	Open func(*Field) bool
	// PageSize is the default length of a page, 0 for DefaultPageSize.
	PageSize int
	// Ignore names parameters that are not the query's.
	Ignore []string
}

// ParseQuery reads the parameters of a collection's GET. It returns an *Error
// for a name that is no field, an operand that does not fit and a page outside
// its range. Unknown names in fields are left out (InfiniSDK sends some).
func (t *Type) ParseQuery(params url.Values, terms Terms) (Query, error) {
	q := Query{Page: 1, PageSize: DefaultPageSize}
	if terms.PageSize > 0 {
		q.PageSize = terms.PageSize
	}
	names := make([]string, 0, len(params))
	for name := range params {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if slices.Contains(terms.Ignore, name) {
			continue
		}
		for _, text := range params[name] {
			if err := t.parameter(&q, name, text, terms); err != nil {
				return Query{}, err
			}
		}
	}
	return q, nil
}

func (t *Type) parameter(q *Query, name, text string, terms Terms) (err error) {
	switch name {
	case "page":
		q.Page, err = pageNumber(name, text, MaxPage)
	case "page_size":
		q.PageSize, err = pageNumber(name, text, MaxPageSize)
	case "fields":
		q.Fields = t.ParseFields(text, terms.Open)
	case "sort":
		q.Sorts, err = t.parseSort(q.Sorts, text, terms.Open)
	default:
		f := t.queryable(name, terms.Open)
		if f == nil {
			return &Error{Problem: UnknownName, Field: name, Value: text}
		}
		var filter Filter
		if filter, err = f.parseFilter(text); err == nil {
			q.Filters = append(q.Filters, filter)
		}
	}
	return err
}

func pageNumber(name, text string, most int) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return 0, &Error{Problem: BadPage, Field: name, Value: text, Why: "must be a number from 1 to " + strconv.Itoa(most)}
	}
	return n, nil
}

func (t *Type) queryable(name string, open func(*Field) bool) *Field {
	f := t.Field(name)
	if f == nil || !t.Shows(f) || open != nil && !open(f) {
		return nil
	}
	return f
}

// ParseFields reads a fields parameter: the public, open fields among the
// names, the id always first.
func (t *Type) ParseFields(text string, open func(*Field) bool) []*Field {
	out := []*Field{idField}
	for name := range strings.SplitSeq(text, ",") {
		f := t.queryable(strings.TrimSpace(name), open)
		if f != nil && !slices.Contains(out, f) {
			out = append(out, f)
		}
	}
	return out
}

func (t *Type) parseSort(sorts []Sort, text string, open func(*Field) bool) ([]Sort, error) {
	for key := range strings.SplitSeq(text, ",") {
		name, desc := strings.CutPrefix(strings.TrimSpace(key), "-")
		f := t.queryable(name, open)
		if f == nil {
			return nil, &Error{Problem: UnknownName, Field: name, Value: text}
		}
		sorts = append(sorts, Sort{Field: f, Desc: desc})
	}
	return sorts, nil
}

func (f *Field) parseFilter(text string) (Filter, error) {
	word, operand, colon := strings.Cut(text, ":")
	op, known := operator(word)
	if !colon || !known {
		op, operand = EQ, text
	}
	filter := Filter{Field: f, Op: op}
	switch op {
	case Like:
		filter.Text = operand
		return filter, nil
	case AllOf, AnyOf, NoneOf:
		return filter, f.operands(&filter, strings.Split(operand, ","))
	case In, NotIn, Between:
		list, ok := inParentheses(operand)
		if !ok {
			list = operand
		}
		err := f.operands(&filter, strings.Split(list, ","))
		if err == nil && op == Between && len(filter.Values) != 2 {
			err = &Error{Field: f.Name, Value: text, Why: "between needs two values"}
		}
		return filter, err
	case EQ:
		// InfiniSDK sends eq with a list where others send in.
		if list, ok := inParentheses(operand); ok {
			filter.Op = In
			return filter, f.operands(&filter, append(strings.Split(list, ","), f.itself(operand)...))
		}
	}
	return filter, f.operands(&filter, []string{operand})
}

// itself keeps a text in parentheses as one more operand: a name may look
// like a list.
func (f *Field) itself(operand string) []string {
	if f.wire == WireText {
		return []string{operand}
	}
	return nil
}

func inParentheses(s string) (string, bool) {
	if len(s) >= 2 && s[0] == '(' && s[len(s)-1] == ')' {
		return s[1 : len(s)-1], true
	}
	return "", false
}

func (f *Field) operands(filter *Filter, texts []string) error {
	for _, text := range texts {
		v, err := f.operand(text)
		if err != nil {
			return err
		}
		filter.Values = append(filter.Values, v)
	}
	return nil
}

// operand reads one value of a filter; None and null are no value.
func (f *Field) operand(text string) (Value, error) {
	if text == "null" || text == "None" {
		return Value{}, nil
	}
	bad := func(why string) error { return &Error{Field: f.Name, Value: text, Why: why} }
	switch f.wire {
	case WireInt, WireRef:
		n, ok := wholeNumber([]byte(text))
		if !ok {
			return Value{}, bad("is not a whole number")
		}
		if f.wire == WireRef {
			return RefValue(n), nil
		}
		return IntValue(n), nil
	case WireFloat:
		x, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return Value{}, bad("is not a number")
		}
		return Value{set: true, wire: WireFloat, float: x}, nil
	case WireBool:
		b, err := strconv.ParseBool(strings.ToLower(text))
		if err != nil {
			return Value{}, bad("is not true or false")
		}
		return BoolValue(b), nil
	case WireEnum:
		word := f.word(text)
		if word == "" {
			return Value{set: true, wire: WireEnum, num: -1, text: text}, nil
		}
		return f.Parse(strconv.AppendQuote(nil, word)), nil
	case WireList:
		if n, ok := wholeNumber([]byte(text)); ok {
			return IntValue(n), nil
		}
		return TextValue(text), nil
	default:
		return TextValue(text), nil
	}
}

// Match reports whether v passes the filter.
func (c Filter) Match(v Value) bool {
	switch c.Op {
	case EQ:
		return equal(v, c.Values[0])
	case NE:
		return !equal(v, c.Values[0])
	case In:
		return slices.ContainsFunc(c.Values, func(w Value) bool { return equal(v, w) })
	case NotIn:
		return !slices.ContainsFunc(c.Values, func(w Value) bool { return equal(v, w) })
	case Like:
		return !v.IsNull() && strings.Contains(v.shown(), c.Text)
	case AllOf:
		return !slices.ContainsFunc(c.Values, func(w Value) bool { return !has(v, w) })
	case AnyOf:
		return slices.ContainsFunc(c.Values, func(w Value) bool { return has(v, w) })
	case NoneOf:
		return !slices.ContainsFunc(c.Values, func(w Value) bool { return has(v, w) })
	}
	return c.inOrder(v)
}

// inOrder is the comparisons of size: a null passes none of them (an unset
// limit is not above any number).
func (c Filter) inOrder(v Value) bool {
	if v.IsNull() || c.Values[0].IsNull() {
		return false
	}
	d := v.Compare(c.Values[0])
	switch c.Op {
	case GT:
		return d > 0
	case GE:
		return d >= 0
	case LT:
		return d < 0
	case LE:
		return d <= 0
	case Between:
		return d >= 0 && v.Compare(c.Values[1]) <= 0
	}
	return false
}

// equal compares a field's value with an operand; a list equals what it
// holds.
func equal(v, w Value) bool {
	if v.wire == WireList && w.set && w.wire != WireList {
		return has(v, w)
	}
	return v.Compare(w) == 0
}

func has(v, w Value) bool {
	if v.wire != WireList {
		return v.Compare(w) == 0
	}
	return slices.ContainsFunc(v.list, func(e Value) bool { return e.shown() == w.shown() })
}

// shown is the value as a text, for substring and element comparisons.
func (v Value) shown() string {
	switch v.wire {
	case WireText, WireEnum, WireTree:
		return v.text
	case WireFloat:
		return strconv.FormatFloat(v.float, 'g', -1, 64)
	case WireBool:
		return strconv.FormatBool(v.num == 1)
	default:
		return strconv.FormatInt(v.num, 10)
	}
}
