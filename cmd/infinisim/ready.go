package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"infinisim/sim/lab"
)

// readyLine is what the ready file gets.
type readyLine struct {
	PID     int          `json:"pid"`
	Control string       `json:"control"`
	Fabric  string       `json:"fabric"`
	Arrays  []readyArray `json:"arrays"`
	Links   []lab.Link   `json:"links"`
}

type readyArray struct {
	Key      string  `json:"key"`
	Name     string  `json:"name"`
	Serial   int64   `json:"serial"`
	URL      string  `json:"url"`
	HTTPS    *string `json:"https_url"`
	Username string  `json:"username"`
	Password string  `json:"password"`
}

func (s *servers) ready(ctx context.Context, plane string) (readyLine, error) {
	line := readyLine{PID: os.Getpid(), Control: plane, Fabric: s.fabric, Arrays: []readyArray{}}
	l, err := s.labs.Get(lab.DefaultName)
	if err != nil {
		return line, err
	}
	if line.Links, err = l.Links(ctx); err != nil {
		return line, err
	}
	for _, a := range l.Arrays() {
		d := s.describe(a)
		line.Arrays = append(line.Arrays, readyArray{
			Key: a.Key, Name: a.Name, Serial: a.Serial, URL: d.URL, HTTPS: d.HTTPS, Username: d.Username, Password: d.Password,
		})
	}
	return line, nil
}

// tellReady writes the line where the flags want it.
func (f flags) tellReady(out io.Writer, line readyLine) error {
	if f.readyFD > 0 {
		raw, err := encode(line)
		if err != nil {
			return err
		}
		to := os.NewFile(uintptr(f.readyFD), "ready-fd")
		if _, err = to.Write(raw); err == nil && f.readyFD > lastStandard {
			err = to.Close() // whoever reads it sees its end
		}
		if err != nil {
			return fmt.Errorf("--ready-fd %d: %w", f.readyFD, err)
		}
	}
	if f.readyFile == "" {
		return nil
	}
	return writeReady(out, f.readyFile, line)
}

// lastStandard is the last of the descriptors that every process has.
const lastStandard = 2

// toStdout is the ready file that is none.
const toStdout = "-"

// writeReady puts the line in place in one step, so that a reader never sees
// half of it.
func writeReady(out io.Writer, file string, line readyLine) error {
	raw, err := json.Marshal(line)
	if err != nil {
		return fmt.Errorf("--ready-file: %w", err)
	}
	raw = append(raw, '\n')
	if file == toStdout {
		_, err = out.Write(raw)
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(file), ".ready-")
	if err != nil {
		return fmt.Errorf("--ready-file: %w", err)
	}
	_, err = tmp.Write(raw)
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), file)
	}
	if err != nil {
		return fmt.Errorf("--ready-file: %w", err)
	}
	return nil
}
