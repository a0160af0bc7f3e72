package store

import (
	"errors"
	"fmt"
	"os"
)

// Inspect tells whether Open would take a file as it is, and changes nothing.
// It returns ErrLocked for one that a process has, ErrFormat for one of another
// format, ErrDamaged for one that Open would rescue what is whole of, or that
// is none of a store at all, and those of the file system.
func Inspect(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("inspect store: %w", err)
	}
	if info.Size() == 0 {
		return nil // Open begins a store in it
	}
	lock, err := hold(path)
	if err != nil {
		return fmt.Errorf("inspect store %s: %w", path, err)
	}
	raw, err := os.ReadFile(path) //nolint:gosec // the file that the caller named
	if err == nil {
		err = inspect(raw)
	}
	if err = errors.Join(err, lock()); err != nil {
		return fmt.Errorf("inspect store %s: %w", path, err)
	}
	return nil
}

func inspect(raw []byte) error {
	c, err := readPages(raw)
	if err != nil {
		return err
	}
	if err := c.checkFormat(); err != nil {
		return err
	}
	if n := len(c.damaged) + len(c.pages); n > 0 {
		return fmt.Errorf("%w: in %d places", ErrDamaged, n)
	}
	return nil
}
