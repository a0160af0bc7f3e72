package model

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"infinisim/sim/apierr"
	"infinisim/sim/schema"
)

// The fields of a lock. A client of NFS holds it, so only a tester makes one;
// its filesystem may go and leave it behind.
//
// unsourced: the words of file_path_status, state and lock_type.
var (
	LockID         = schema.String(schema.Field{Name: "lock_id", Flags: schema.Index})
	LockFilesystem = schema.Int(schema.Field{Name: "filesystem_id", Flags: schema.Index})
	LockPath       = schema.String(schema.Field{Name: "file_path", Flags: schema.NotNull})
	LockPathStatus = schema.Compute(schema.Enum(schema.Field{Name: "file_path_status", Enum: []string{lockValid, lockOrphan}}))
	LockClient     = schema.String(schema.Field{Name: "client", Flags: schema.NotNull})
	LockState      = schema.Enum(schema.Field{Name: "state", Enum: []string{"GRANTED"}, Default: "GRANTED"})
	LockOffset     = schema.Int(schema.Field{Name: "offset", Flags: schema.NotNull})
	LockLength     = schema.Int(schema.Field{Name: "length", Flags: schema.NotNull})
	LockKind       = schema.Enum(schema.Field{Name: "lock_type", Enum: []string{"EXCLUSIVE", "SHARED"}, Default: "EXCLUSIVE"})
	LockSince      = schema.Int(schema.Field{Name: "granted_at", Flags: schema.NotNull})
	LockOwner      = schema.String(schema.Field{Name: "owner", Flags: schema.NotNull})

	// NLMLock is a lock that an NFS client holds on a file. Its identity on the
	// wire is lock_id.
	NLMLock = schema.NewType("nlm_lock", LockID, LockFilesystem, LockPath, LockPathStatus, LockClient, LockState, LockOffset, LockLength,
		LockKind, LockSince, LockOwner)
)

const (
	lockValid  = "VALID"
	lockOrphan = "ORPHAN"
)

// gateNLM opens what InfiniSDK 289.1.4 calls has_nlm.
var gateNLM = schema.Gate{Feature: "nlm"}

// nlmLockKind lists and breaks locks (InfiniSDK 289.1.4, nlm_lock.py).
//
// unsourced: that breaking locks answers with those that it broke, and that one
// without a filesystem is an orphan.
func nlmLockKind() *Kind {
	k := &Kind{
		Least: RoleAdmin,
		Type:  NLMLock, Path: "nlm_locks", NotFound: apierr.NLMLockNotFound, Gate: gateNLM, Single: true,
		NextID: func(b *Box) int64 { return b.Tx.Next(b.Key, "nlm_lock") },
		Computed: map[*schema.Field]Compute{LockPathStatus.Field(): func(b *Box, o *schema.Object) (any, error) {
			orphan, err := b.orphan(o)
			if orphan {
				return lockOrphan, err
			}
			return lockValid, err
		}},
	}
	k.Routes = []Route{
		{Method: http.MethodGet, Path: k.Path, Reads: true, Filters: NLMLock, Do: func(b *Box, _ *schema.Object, in *Input) (any, error) {
			return b.List(k, in)
		}},
		{Method: http.MethodGet, Path: k.Path + "/{lock}", Reads: true, Params: []string{"fields"}, Do: func(b *Box, _ *schema.Object, in *Input) (any, error) {
			o, err := b.lock(in.Vars["lock"])
			if err != nil {
				return nil, err
			}
			return b.RenderFields(k, o, in.Fields(k, b))
		}},
		{Method: http.MethodPost, Path: k.Path + "/break", Do: breakLocks},
		{Method: http.MethodPost, Path: k.Path + "/remove_orphan", Do: func(b *Box, _ *schema.Object, in *Input) (any, error) {
			if err := onlyKeys(in); err != nil {
				return nil, err
			}
			return b.dropLocks(b.orphan)
		}},
	}
	return k
}

func (b *Box) lock(id string) (*schema.Object, error) {
	ids := b.Tx.IDsBy(b.Key, NLMLock, LockID.Field(), schema.TextValue(id))
	if len(ids) == 0 {
		return nil, apierr.New(apierr.NLMLockNotFound, "lock %q does not exist", id)
	}
	return b.Must(NLMLock, ids[0])
}

func (b *Box) orphan(o *schema.Object) (bool, error) {
	fs, err := b.Tx.Get(b.Key, Filesystem, LockFilesystem.Get(o))
	return fs == nil, err
}

// breakLocks takes away the locks that fit all that the request names, and
// refuses a request that names nothing.
func breakLocks(b *Box, _ *schema.Object, in *Input) (any, error) {
	fit := []*schema.Field{LockID.Field(), LockFilesystem.Field(), LockPath.Field(), LockClient.Field()}
	names := make([]string, 0, len(fit))
	want := map[*schema.Field]schema.Value{}
	for _, f := range fit {
		names = append(names, f.Name)
		if !in.Body.Has(f.Name) {
			continue
		}
		raw, err := f.Accept(in.Body[f.Name])
		if err != nil {
			return nil, Wire(err)
		}
		want[f] = f.Parse(raw)
	}
	if err := onlyKeys(in, names...); err != nil {
		return nil, err
	}
	if len(want) == 0 {
		return nil, apierr.New(apierr.MissingField, "%v: one of them is required to break locks", names)
	}
	if id, ok := want[LockID.Field()]; ok {
		if _, err := b.lock(id.Text()); err != nil {
			return nil, err
		}
	}
	return b.dropLocks(func(o *schema.Object) (bool, error) {
		for f, v := range want {
			if o.Value(f).Compare(v) != 0 {
				return false, nil
			}
		}
		return true, nil
	})
}

// dropLocks takes away the locks that fit, and lists them.
func (b *Box) dropLocks(fit func(o *schema.Object) (bool, error)) (any, error) {
	out := []json.RawMessage{}
	err := b.Tx.Each(b.Key, NLMLock, func(o *schema.Object) (bool, error) {
		ok, err := fit(o)
		if err != nil || !ok {
			return true, err
		}
		raw, err := b.Render(o)
		if err != nil {
			return false, fmt.Errorf("lock %d: %w", o.ID(), err)
		}
		out = append(out, raw)
		return true, b.Remove(o)
	})
	return out, err
}

// Lock is a lock that an NFS client takes.
type Lock struct {
	Filesystem int64  `json:"filesystem_id"`
	Path       string `json:"file_path"`
	Client     string `json:"client"`
	Owner      string `json:"owner"`
	Offset     int64  `json:"offset"`
	Length     int64  `json:"length"`
	Shared     bool   `json:"shared"`
}

// AddLock has a client of NFS take a lock, and returns its id. It returns
// FILESYSTEM_NOT_FOUND, MISSING_REQUIRED_FIELD without a path or a client, and
// INVALID_FIELD_VALUE for a range that begins or ends before 0.
func (b *Box) AddLock(l Lock) (string, error) {
	if _, err := b.Load(b.Eng.Catalog.Kind(Filesystem.Name()), l.Filesystem); err != nil {
		return "", err
	}
	for _, c := range []struct{ name, text string }{{LockPath.Name(), l.Path}, {LockClient.Name(), l.Client}} {
		if c.text == "" {
			return "", apierr.New(apierr.MissingField, "%s: required to lock a file", c.name).About(c.name)
		}
	}
	if l.Offset < 0 || l.Length < 0 {
		return "", apierr.New(apierr.InvalidValue, "offset: the range of %d bytes at %d is none of a file", l.Length, l.Offset).About("offset")
	}
	o := b.New(b.Eng.Catalog.Kind(NLMLock.Name()))
	id := strconv.FormatInt(o.ID(), 10)
	LockID.Set(o, id)
	LockFilesystem.Set(o, l.Filesystem)
	LockPath.Set(o, l.Path)
	LockClient.Set(o, l.Client)
	LockOwner.Set(o, l.Owner)
	LockOffset.Set(o, l.Offset)
	LockLength.Set(o, l.Length)
	LockSince.Set(o, b.Tx.Now().MS())
	if l.Shared {
		LockKind.Set(o, "SHARED")
	}
	return id, b.Insert(o)
}
