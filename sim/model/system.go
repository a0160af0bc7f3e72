package model

import (
	"encoding/json"
	"net/http"
	"strings"

	"infinisim/sim/apierr"
	"infinisim/sim/clock"
	"infinisim/sim/schema"
	"infinisim/sim/store"
)

func tree(name string) schema.Attr[any] {
	return schema.Compute(schema.Tree[any](schema.Field{Name: name}))
}

// The fields of the system object (CSI driver, iboxapi system.go, 2025).
var (
	SystemName      = schema.String(schema.Field{Name: "name", Flags: schema.NotNull, Check: checkName, Pattern: namePattern})
	SystemSerial    = schema.Int(schema.Field{Name: "serial_number", Flags: schema.NotNull})
	SystemVersion   = schema.String(schema.Field{Name: "version", Flags: schema.NotNull})
	SystemModel     = schema.String(schema.Field{Name: "model", Default: "infinisim-model"})
	SystemFullModel = schema.String(schema.Field{Name: "full_model", Default: "infinisim-model"})
	SystemProduct   = schema.String(schema.Field{Name: "product_id", Default: "INFINIBOX"})
	SystemInstalled = schema.Int(schema.Field{Name: "install_timestamp"})
	SystemUpgraded  = schema.Int(schema.Field{Name: "upgrade_timestamp"})
	SystemWWNN      = schema.String(schema.Field{Name: "wwnn", Flags: schema.NotNull})
	SystemDeploy    = schema.String(schema.Field{Name: "deployment_id", Flags: schema.NotNull})
	SystemCapacity  = tree("capacity")
	SystemCounts    = tree("entity_counts")
	SystemHealth    = tree("health_state")
	SystemLocaltime = tree("localtime")
	SystemState     = tree("operational_state")
	SystemRelease   = tree("release")
	SystemSecurity  = schema.Compute(schema.Tree[any](schema.Field{Name: "security", Gate: gateFIPS}))
	SystemExpress   = tree("ssa_express_info")
	SystemPower     = schema.Float(schema.Field{Name: "system_power_consumption", Default: 8.2})
	SystemUptime    = schema.Compute(schema.Int(schema.Field{Name: "uptime"}))

	systemProfile  = schema.String(schema.Field{Name: "_profile", Flags: schema.Private | schema.NotNull})
	systemPageSize = schema.Int(schema.Field{Name: "_page_size", Flags: schema.Private | schema.NotNull})

	// SystemType is the array itself: one object.
	SystemType = schema.NewType("system", systemProfile, systemPageSize, SystemCapacity, SystemDeploy, SystemCounts,
		SystemFullModel, SystemHealth, SystemInstalled, SystemLocaltime, SystemModel, SystemName, SystemState, SystemProduct,
		SystemRelease, SystemSecurity, SystemSerial, SystemExpress, SystemPower, SystemUpgraded, SystemUptime, SystemVersion,
		SystemWWNN)
)

// systemID is the id of the one system object: 0, as InfiniSDK 289.1.4 takes
// for granted without asking (components.py).
const systemID = 0

// System is the array's own object.
func (b *Box) System() (*schema.Object, error) {
	return b.system.get(b.Tx, func() (*schema.Object, error) {
		return store.Memo(b.Tx, store.Name{Group: "system object", Array: b.Key}, func() (*schema.Object, error) {
			o, err := b.Must(SystemType, systemID)
			if err != nil {
				return nil, err
			}
			o.Detach()
			return o, nil
		})
	})
}

// DefaultPageSize is the length of a page when a client does not say, 0 for
// the usual.
func (b *Box) DefaultPageSize() int {
	o, err := b.System()
	if err != nil {
		return 0
	}
	return int(systemPageSize.Get(o))
}

// Setup is what a new array is told.
type Setup struct {
	// Key names the array in the lab, for good.
	Key string
	// Name is its changeable name.
	Name string
	// Profile is its release, empty for the default.
	Profile string
	// Serial is its serial number.
	Serial int64
}

// Format makes a fresh array: its system object, users and default objects. It
// returns INVALID_FIELD_VALUE for an unknown profile.
func (e *Engine) Format(tx *store.Tx, s Setup) error {
	p, err := ProfileByName(s.Profile)
	if err != nil {
		return err
	}
	b := e.Box(tx, s.Key, Identity{Name: "infinidat", Role: "INFINIDAT"})
	o := schema.New(SystemType, systemID)
	SystemName.Set(o, s.Name)
	SystemSerial.Set(o, s.Serial)
	SystemVersion.Set(o, p.Version)
	systemProfile.Set(o, p.Name)
	SystemInstalled.Set(o, tx.Now().MS())
	SystemWWNN.Set(o, treeMaker{serial: s.Serial}.wwn("00"))
	SystemDeploy.Set(o, b.UUID())
	if err := b.Insert(o); err != nil {
		return err
	}
	tx.SetNext(s.Key, "id", firstID)
	tx.SetNext(s.Key, "event", firstEvent)
	for _, fn := range e.Catalog.format {
		if err := fn(b); err != nil {
			return err
		}
	}
	return nil
}

// firstID is where the array's one sequence of ids begins.
//
// unsourced: where ids begin; real arrays show them from some hundreds on.
const firstID = 1001

// OnFormat has fn called for each new array.
func (c *Catalog) OnFormat(fn func(b *Box) error) { c.format = append(c.format, fn) }

func addSystem(c *Catalog) {
	k := &Kind{
		Least: RoleAdmin,
		Type:  SystemType, Path: "system", NotFound: apierr.ObjectNotFound, Single: true,
		Computed: map[*schema.Field]Compute{
			SystemCapacity.Field():  systemCapacity,
			SystemCounts.Field():    entityCounts,
			SystemHealth.Field():    systemHealth,
			SystemLocaltime.Field(): func(b *Box, _ *schema.Object) (any, error) { return map[string]int64{"utc_time": b.Tx.Now().MS()}, nil },
			SystemUptime.Field(): func(b *Box, o *schema.Object) (any, error) {
				return b.Tx.Now().Sub(clock.FromMS(SystemInstalled.Get(o))).Milliseconds(), nil
			},
			SystemState.Field(): systemState,
			SystemRelease.Field(): func(_ *Box, o *schema.Object) (any, error) {
				v := SystemVersion.Get(o)
				part := func(mode any) map[string]any { // CSI driver, iboxapi system.go
					return map[string]any{"build_mode": mode, "revision": "infinisim", "version": v}
				}
				return map[string]any{"gui": part(nil), "infinishell": part(nil), "system": part("release")}, nil
			},
			SystemSecurity.Field(): systemSecurity,
			SystemExpress.Field():  expressInfo,
		},
	}
	k.Routes = []Route{
		{Method: http.MethodGet, Path: "system", Reads: true, Params: []string{"fields"}, Do: func(b *Box, _ *schema.Object, in *Input) (any, error) {
			o, err := b.System()
			if err != nil {
				return nil, err
			}
			return b.RenderFields(k, o, in.Fields(k, b))
		}},
		{Method: http.MethodGet, Path: "system/{field}", Reads: true, Params: []string{"fields"}, Do: func(b *Box, _ *schema.Object, in *Input) (any, error) {
			return b.systemField(k, in)
		}},
		{Method: http.MethodPut, Path: "system/name", Do: renameSystem},
		{Method: http.MethodPut, Path: totalVirtual, Do: setTotalVirtual},
	}
	c.Add(k)
	c.AddRoutes(Route{Method: http.MethodGet, Path: "_features", Reads: true, Anonymous: true, Do: func(b *Box, _ *schema.Object, _ *Input) (any, error) {
		return b.Features(), nil
	}})
}

// systemField answers GET system/{field}: the bare value, or of an object the
// members that fields names.
func (b *Box) systemField(k *Kind, in *Input) (any, error) {
	f := SystemType.Field(in.Vars["field"])
	if f == nil || !SystemType.Shows(f) {
		return nil, apierr.New(apierr.PathNotFound, "system has no %q", in.Vars["field"])
	}
	o, err := b.System()
	if err != nil {
		return nil, err
	}
	if f.Mode() == schema.Stored {
		return o.Raw(f), nil
	}
	raw, err := b.resolve(k, o, f)
	if err != nil || in.Query.Get("fields") == "" {
		return raw, err
	}
	var all map[string]json.RawMessage
	if json.Unmarshal(raw, &all) != nil {
		return raw, nil //nolint:nilerr // what is no object has no members to pick
	}
	some := map[string]json.RawMessage{}
	for name := range strings.SplitSeq(in.Query.Get("fields"), ",") {
		if v, ok := all[name]; ok {
			some[name] = v
		}
	}
	return some, nil
}

func renameSystem(b *Box, _ *schema.Object, in *Input) (any, error) {
	o, err := b.System()
	if err != nil {
		return nil, err
	}
	raw, err := SystemName.Field().Accept(in.Raw)
	if err != nil {
		return nil, Wire(err)
	}
	o.SetRaw(SystemName.Field(), raw)
	return raw, b.Save(o)
}

// Tweak is what a tester changes of an array and no administrator can; nil
// members stay.
type Tweak struct {
	// Version is any text: clients are tested with odd ones.
	Version *string `json:"version"`
	// Serial is the serial number.
	Serial *int64 `json:"serial"`
	// PageSize is the length of a page where the client does not say.
	PageSize *int64 `json:"default_page_size"`
	// NextID is the id that the next new object gets: clients are tested with
	// scripts that presume the ids of their site.
	NextID *int64 `json:"next_id"`
}

// Tweak changes the array. It returns INVALID_VALUE for a serial number or a
// length that is not above 0, and for an id that may have been given already.
func (b *Box) Tweak(t Tweak) error {
	o, err := b.System()
	if err != nil {
		return err
	}
	o = o.Clone()
	if t.Version != nil {
		SystemVersion.Set(o, *t.Version)
	}
	if t.Serial != nil {
		if *t.Serial <= 0 {
			return apierr.New(apierr.InvalidValue, "serial: %d is not above 0", *t.Serial).About("serial")
		}
		SystemSerial.Set(o, *t.Serial)
	}
	if t.PageSize != nil {
		if *t.PageSize <= 0 {
			return apierr.New(apierr.InvalidValue, "default_page_size: %d is not above 0", *t.PageSize).About("default_page_size")
		}
		systemPageSize.Set(o, *t.PageSize)
	}
	if t.NextID != nil {
		if next := b.Tx.Peek(b.Key, "id"); *t.NextID < next {
			return apierr.New(apierr.InvalidValue, "next_id: %d is below %d, the next one", *t.NextID, next).About("next_id")
		}
		b.Tx.SetNext(b.Key, "id", *t.NextID)
	}
	return b.Tx.Put(b.Key, o)
}
