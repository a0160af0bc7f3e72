package control_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain wants no goroutine to be left once all tests are over: what a test
// closes has ended.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
