package apierr

import (
	"errors"
	"os"
)

// Unread is the refusal of a body that could not be read to its end. It says
// nothing of addresses, which the texts of a connection's errors do.
func Unread(err error) *Error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return New(Malformed, "body: it did not come whole in time")
	}
	return New(Malformed, "body: it ended before it was whole")
}
