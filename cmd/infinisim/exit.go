package main

import (
	"errors"
	"fmt"
	"net"
	"syscall"

	"infinisim/sim/store"
)

// The exit codes. Scripts act upon them: what one means never changes.
const (
	exitDone = iota
	exitFailed
	exitUsage
	exitUnreachable
	exitDenied
	exitAbsent
	exitTaken
	exitLate
)

// exitCode says what a code means, for the manual.
type exitCode struct {
	code          int
	name, meaning string
}

// exitCodes is the table of all of them.
func exitCodes() []exitCode {
	return []exitCode{
		{exitDone, "done", "What was asked for is done; a server ended because it was told to."},
		{exitFailed, "failed", "What was asked about is not as it should be (a scenario, a threshold, `doctor`), or the server refused, or something broke on the way."},
		{exitUsage, "usage", "The command line, the environment, the configuration file or a file that was given is not right; nothing was done."},
		{exitUnreachable, "unreachable", "No control plane answers there."},
		{exitDenied, "denied", "The control plane wants a token, or another one."},
		{exitAbsent, "absent", "What was named does not exist: a lab, an array, a link, a fault, a snapshot."},
		{exitTaken, "taken", "A port or a data file is in use by another process."},
		{exitLate, "late", "`wait` waited as long as it may."},
	}
}

// exitError is an error with an exit code of its own; all others have 1.
type exitError struct {
	error
	code int
}

// Unwrap is the error itself.
func (e exitError) Unwrap() error { return e.error }

func usage(format string, a ...any) error { return exitError{fmt.Errorf(format, a...), exitUsage} }

// codeOf is the exit code that an error comes to.
func codeOf(err error) int {
	if err == nil {
		return exitDone
	}
	if e, ok := errors.AsType[exitError](err); ok {
		return e.code
	}
	if errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, store.ErrLocked) {
		return exitTaken
	}
	return exitFailed
}

// listening is why a server could not listen, and what to do about it.
func listening(flag, address string, err error) error {
	host, port, bad := net.SplitHostPort(address)
	switch {
	case err == nil:
		return nil
	case bad == nil && errors.Is(err, syscall.EADDRINUSE):
		free := net.JoinHostPort(host, "0")
		return fmt.Errorf("port %s is taken: use %s %s for any that is free, or end what listens there: %w", port, flag, free, err)
	case bad == nil && errors.Is(err, syscall.EACCES):
		return fmt.Errorf("port %s is for the superuser alone: use %s with a port above 1023: %w", port, flag, err)
	}
	return usage("%s %s: %w", flag, address, err)
}
