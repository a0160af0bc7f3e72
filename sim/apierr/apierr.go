// Package apierr is the array's vocabulary of errors: what a client reads in
// the error object of an answer. Everything a client may see is an *Error;
// any other error is our own bug and reaches a client as INTERNAL_ERROR.
package apierr

import (
	"errors"
	"fmt"
)

// Code names an error as it stands in the envelope, for example
// VOLUME_NOT_FOUND. Clients branch on it; act upon the code, never the text.
type Code string

// Reason is one entry of the error object's reasons: InfiniSDK 289.1.4 needs
// both members in every entry.
type Reason struct {
	Message  string  `json:"message"`
	Affected []int64 `json:"affected_entities"`
}

// Error is an answer that refuses a request.
type Error struct {
	// Code is what a client branches on.
	Code Code
	// Message is for people; it names the field and the value at fault.
	Message string
	// Subject is the name at fault, if one is: a field, a parameter, a path.
	Subject string
	// Remote says that the peer array refused, not this one.
	Remote bool
	// Reasons are the details a client shows when it asks for approval.
	Reasons []Reason
}

// Error gives code and message, as a log shows them.
func (e *Error) Error() string { return string(e.Code) + ": " + e.Message }

// New makes an error with a formatted message.
func New(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// About returns a copy of e whose Subject is the given name.
func (e *Error) About(subject string) *Error {
	c := *e
	c.Subject = subject
	return &c
}

// WithReason returns a copy of e that carries one more reason.
func (e *Error) WithReason(message string, affected ...int64) *Error {
	c := *e
	if affected == nil {
		affected = []int64{}
	}
	c.Reasons = append(append([]Reason{}, e.Reasons...), Reason{Message: message, Affected: affected})
	return &c
}

// FromPeer returns a copy of e marked as the peer's refusal.
func (e *Error) FromPeer() *Error {
	c := *e
	c.Remote = true
	return &c
}

// As finds the *Error in err's chain; ok is false when there is none.
func As(err error) (e *Error, ok bool) {
	return errors.AsType[*Error](err)
}

// CodeOf is the code of err: empty for nil, Internal for an error that is no
// *Error.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	if e, ok := As(err); ok {
		return e.Code
	}
	return Internal
}
