package apierr_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"

	"infinisim/sim/apierr"
)

func TestUnread_namesNoAddress(t *testing.T) {
	t.Parallel()
	late := &net.OpError{Op: "read", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 4711}, Err: os.ErrDeadlineExceeded}
	broken := &net.OpError{Op: "read", Net: "tcp", Addr: late.Addr, Err: errors.New("connection reset by peer")}
	for _, c := range []struct {
		err  error
		want string
	}{
		{fmt.Errorf("read: %w", late), "MALFORMED_REQUEST: body: it did not come whole in time"},
		{broken, "MALFORMED_REQUEST: body: it ended before it was whole"},
		{io.ErrUnexpectedEOF, "MALFORMED_REQUEST: body: it ended before it was whole"},
	} {
		assert.EqualError(t, apierr.Unread(c.err), c.want)
	}
}
