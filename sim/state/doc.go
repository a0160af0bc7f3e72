// Package state writes a lab as text, one row a line, and reads it back: the
// exact machine form of everything that a lab holds, in an order that makes two
// of them comparable line by line.
//
//	{"infinisim":"lab","format":1,"version":"0.2.0","now":"2025-01-01T00:00:00Z"}
//	{"space":"setup"}
//	{"key":"setup","value":{"seed":1,…}}
//	{"array":"box-1","kind":"volume"}
//	{"id":1007,"name":"v","size":1000000000,…}
//	{"end":true}
//
// Sections are rows of a kind of object, or keys of a space; what follows from
// them (indexes, counters, lists of the timetable) is left out and made anew.
package state

import "fmt"

// Format is the version of the text form that this package writes; older ones
// are read too, newer ones are refused.
const Format = 1

// Program is the version of infinisim that a text names as its writer.
const Program = "0.2.0"

// Mark stands in a text where the lab holds a secret as it was given.
const Mark = "«secret»"

// Error says what is wrong with a text, and where.
type Error struct {
	// Line counts from 1.
	Line int
	// Field is the member that is wrong, empty for the line as a whole.
	Field string
	// Why says what is there and what was expected.
	Why string
}

// Error names the line and the field.
func (e *Error) Error() string {
	if e.Field == "" {
		return fmt.Sprintf("line %d: %s", e.Line, e.Why)
	}
	return fmt.Sprintf("line %d: %s: %s", e.Line, e.Field, e.Why)
}
