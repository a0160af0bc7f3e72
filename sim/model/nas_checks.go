package model

import (
	"errors"
	"net/netip"
	"regexp"
	"strings"

	"infinisim/sim/schema"
)

// innerPath is a path below the root of a filesystem, which "/" is.
func innerPath(v schema.Value) error {
	switch path := v.Text(); {
	case !strings.HasPrefix(path, "/"):
		return errors.New("does not begin with a slash")
	case strings.Contains(path+"/", "/../") || strings.Contains(path+"/", "/./"):
		return errors.New("has . or .. in it")
	}
	return nil
}

// unixID is the id of a user or a group, of 32 bits.
func unixID(v schema.Value) error {
	if v.Int() < 0 || v.Int() > 1<<32-1 {
		return errors.New("is no id from 0 to 4294967295")
	}
	return nil
}

// transferSize is how much an NFS client reads or writes at once.
//
// unsourced: the bounds.
func transferSize(v schema.Value) error {
	if v.Int() < 512 || v.Int() > 64<<20 {
		return errors.New("is no size from 512 bytes to 64 MiB")
	}
	return nil
}

// nfsAuths are the ways in which an NFSv4 client says who it is.
//
// unsourced: the words.
func nfsAuths() []string { return []string{"SYS", "KRB5", "KRB5I", "KRB5P"} }

func nfsAuth(v schema.Value) error {
	known := anyOf(nfsAuths()...)
	for _, word := range v.List() {
		if err := known(word); err != nil || word.Text() == "" {
			return errors.New("names a way that is none of " + strings.Join(nfsAuths(), ", "))
		}
	}
	return nil
}

// exportClient is whom a permission is for: everybody, a host, an address, a
// range of addresses (vendor KB 6211311548957), or a network.
//
// unsourced: networks, and which names of hosts are none.
func exportClient(text string) error {
	if text == "*" {
		return nil
	}
	if from, to, ok := strings.Cut(text, "-"); ok {
		a, errA := netip.ParseAddr(from)
		b, errB := netip.ParseAddr(to)
		if errA == nil && errB == nil {
			if b.Less(a) {
				return errors.New("has a range whose end is before its beginning, " + text)
			}
			return nil
		}
	}
	if _, err := netip.ParseAddr(text); err == nil {
		return nil
	}
	if _, err := netip.ParsePrefix(text); err == nil {
		return nil
	}
	if !regexp.MustCompile(`^[A-Za-z0-9@*?]([A-Za-z0-9._*?-]*[A-Za-z0-9*?])?$`).MatchString(text) || regexp.MustCompile(`^[0-9.]+$`).MatchString(text) {
		return errors.New("has a client that is no host, address, range or network, " + text)
	}
	return nil
}

// securityID is the identifier of a user or a group of SMB: S-1, an authority,
// one or more parts.
func securityID(v schema.Value) error {
	if !regexp.MustCompile(`^S-1-\d{1,14}(-\d{1,10}){1,15}$`).MatchString(v.Text()) {
		return errors.New("is no security identifier like S-1-1-0")
	}
	return nil
}

// shareAccess are what a permission of a share allows.
//
// unsourced: the words besides NONE and FULLCONTROL, which InfiniSDK's
// documentation shows.
func shareAccess() []string { return []string{"NONE", "READ", "CHANGE", "FULLCONTROL"} }

// cachings are what a client may keep of a share while it is away.
//
// unsourced: the words besides MANUAL.
func cachings() []string { return []string{"MANUAL", "DOCUMENTS", "PROGRAMS", "NONE"} }

// unixPermissions are those of a file as ls shows them.
func unixPermissions(v schema.Value) error {
	if !regexp.MustCompile(`^([r-][w-][x-]){3}$`).MatchString(v.Text()) {
		return errors.New("are no permissions like rwxr-xr-x")
	}
	return nil
}
