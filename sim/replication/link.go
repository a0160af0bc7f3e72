package replication

import (
	"net/http"
	"strconv"

	"infinisim/sim/apierr"
	"infinisim/sim/fabric"
	"infinisim/sim/model"
	"infinisim/sim/schema"
)

// The states of a link. Degraded is some addresses of several.
const (
	linkUp       = "UP"
	linkDegraded = "DEGRADED"
	linkDown     = "DOWN"
)

// The fields of a link (CSI driver, iboxapi links.go, 2025).
var (
	LinkName          = schema.String(schema.Field{Name: "name", Flags: schema.Editable | schema.Unique | schema.NotNull})
	LinkSpace         = schema.Ref(schema.Field{Name: "local_replication_network_space_id", Flags: schema.Editable | schema.Index}, "network_space")
	LinkRemoteHost    = schema.String(schema.Field{Name: "remote_host", Flags: schema.Editable | schema.NotNull})
	LinkRemoteMgmt    = schema.String(schema.Field{Name: "_remote_management_ip"})
	LinkRemoteID      = schema.Int(schema.Field{Name: "remote_link_id"})
	LinkRemoteSpace   = schema.Int(schema.Field{Name: "remote_replication_network_space_id"})
	LinkRemoteSerial  = schema.Int(schema.Field{Name: "remote_system_serial_number"})
	LinkRemoteName    = schema.String(schema.Field{Name: "remote_system_name"})
	LinkRemoteVersion = schema.String(schema.Field{Name: "remote_version"})
	LinkTimeout       = schema.Int(schema.Field{Name: "connect_timeout", Default: 30000})
	LinkKeepAlive     = schema.Int(schema.Field{Name: "keep_alive_time", Default: 10000})
	LinkRetryCount    = schema.Int(schema.Field{Name: "retry_count", Default: 3})
	LinkRetryWait     = schema.Int(schema.Field{Name: "retry_wait", Default: 1000})
	LinkAddresses     = schema.Tree[[]address](schema.Field{Name: "remote_replication_ip_addresses", Default: []address{}})
	LinkState         = schema.Compute(schema.Enum(schema.Field{Name: "link_state", Enum: []string{linkUp, linkDegraded, linkDown, "UNKNOWN"}}))
	LinkStateText     = schema.String(schema.Field{Name: "state_description"})
	LinkLastSeen      = schema.Compute(schema.Int(schema.Field{Name: "last_connection_timestamp"}))
	LinkLocalHost     = schema.String(schema.Field{Name: "_local_host"})
	LinkWitness       = schema.String(schema.Field{Name: "witness_address", Flags: schema.Create, Gate: gateMirrors})
	LinkGUID          = schema.String(schema.Field{Name: "_link_configuration_guid"})
	LinkMode          = schema.String(schema.Field{Name: "link_mode", Default: "NORMAL", Gate: gateMirrors})
	LinkResiliency    = schema.Compute(schema.String(schema.Field{Name: "resiliency_mode", Gate: gateMirrors}))
	LinkWitnessState  = schema.Compute(schema.String(schema.Field{Name: "local_witness_state", Gate: gateMirrors}))
	LinkWitnessText   = schema.String(schema.Field{Name: "local_witness_state_description", Default: ""})
	LinkPeerWitness   = schema.Compute(schema.String(schema.Field{Name: "remote_witness_state"}))
	LinkAsyncOnly     = schema.Bool(schema.Field{Name: "async_only"})
	LinkReadyForSync  = schema.Compute(schema.Bool(schema.Field{Name: "is_local_link_ready_for_sync"}))
	LinkLocalTypes    = schema.Compute(schema.List[string](schema.Field{Name: "local_link_replication_type"}))
	LinkTypes         = schema.Compute(schema.List[string](schema.Field{Name: "link_replication_type"}))

	linkPeer     = schema.String(schema.Field{Name: "_peer", Flags: schema.Private | schema.NotNull})
	linkAttached = schema.Bool(schema.Field{Name: "_peer_attached", Flags: schema.Private, Default: true})
	linkUntold   = schema.Bool(schema.Field{Name: "_untold", Flags: schema.Private})
	linkDownAt   = schema.Int(schema.Field{Name: "_down_at", Flags: schema.Private})

	// Link joins the replication spaces of two arrays; each array has its half.
	Link = schema.NewType("link", linkPeer, linkAttached, linkUntold, linkDownAt, LinkRemoteVersion, LinkName, LinkRemoteHost, LinkRemoteMgmt, LinkRemoteID,
		LinkRemoteSpace, LinkRemoteSerial, LinkRemoteName, LinkTimeout, LinkKeepAlive, LinkRetryCount, LinkRetryWait, LinkAddresses,
		LinkState, LinkStateText, LinkLastSeen, LinkLocalHost, LinkWitness, LinkGUID, LinkMode, LinkResiliency, LinkWitnessState,
		LinkWitnessText, LinkPeerWitness, LinkSpace, LinkAsyncOnly, LinkReadyForSync, LinkLocalTypes, LinkTypes)
)

// address is one of the peer's addresses on a link.
type address struct {
	ID         int64  `json:"id"`
	Address    string `json:"ip_address"`
	Local      bool   `json:"local"`
	Management bool   `json:"management"`
	Kind       string `json:"type"`
	LinkID     int64  `json:"link_id"`
}

func linkKind() *model.Kind {
	k := &model.Kind{
		Least: model.RoleAdmin,
		Type:  Link, Path: "links", NotFound: apierr.LinkNotFound, Conflict: apierr.LinkNameConflict,
		Gate:         schema.Gate{Feature: "async_replication"},
		Forms:        []model.Form{{Name: "a link", Required: []string{"name", "local_replication_network_space_id", "remote_host"}}},
		DeleteParams: []string{"force_if_remote_error", "force_if_no_remote_credentials"},
		Hooks: model.Hooks{
			BeforeCreate: beforeLinkCreate, AfterCreate: afterLinkCreate,
			BeforeUpdate: beforeLinkUpdate, AfterUpdate: afterLinkUpdate,
			BeforeDelete: beforeLinkDelete,
			AfterDelete:  func(b *model.Box, o *schema.Object, _ *model.Input) error { return b.EmitFor(o, "DELETED") },
		},
		Computed: linkComputed(),
		Sample:   sampleLink,
		Change: func(o *schema.Object) model.Body {
			return model.NewBody(map[string]any{"name": LinkName.Get(o) + "-2"})
		},
	}
	k.Routes = []model.Route{
		model.Post(k, "refresh", refreshLink),
		model.Post(k, "set_witness_address", setWitness),
	}
	return k
}

func sampleLink(w model.World) model.Body {
	return model.NewBody(map[string]any{"name": w.Name(), "local_replication_network_space_id": w.Make("replication_space"), "remote_host": w.Peer()})
}

// ends names the two arrays of a link.
func ends(b *model.Box, link *schema.Object) fabric.Ends {
	return fabric.Ends{From: b.Key, To: linkPeer.Get(link)}
}

// connected reports whether a link carries messages: the path is up and both
// halves are attached.
func connected(b *model.Box, link *schema.Object) bool {
	return fabric.Up(b.Tx, ends(b, link)) && !LinkSpace.IsNull(link) && linkAttached.Get(link)
}

func linkComputed() map[*schema.Field]model.Compute {
	types := func(_ *model.Box, o *schema.Object) (any, error) {
		if LinkAsyncOnly.Get(o) {
			return []string{"ASYNC"}, nil
		}
		return []string{"ASYNC", "SYNC", "ACTIVE_ACTIVE"}, nil
	}
	return map[*schema.Field]model.Compute{
		LinkState.Field(): func(b *model.Box, o *schema.Object) (any, error) { return LinkStateOf(b, o), nil },
		LinkLastSeen.Field(): func(b *model.Box, o *schema.Object) (any, error) {
			if connected(b, o) {
				return b.Tx.Now().MS(), nil
			}
			return linkDownAt.Get(o), nil
		},
		LinkReadyForSync.Field(): func(b *model.Box, o *schema.Object) (any, error) {
			return connected(b, o) && !LinkAsyncOnly.Get(o), nil
		},
		LinkResiliency.Field(): func(_ *model.Box, o *schema.Object) (any, error) {
			if noWitness(LinkWitness.Get(o)) {
				return "PREFERRED_SIDE", nil
			}
			return "WITNESS", nil
		},
		LinkWitnessState.Field(): func(b *model.Box, o *schema.Object) (any, error) { return WitnessStateOf(b, o), nil },
		LinkPeerWitness.Field(): func(b *model.Box, o *schema.Object) (any, error) {
			return witnessState(b, o, linkPeer.Get(o)), nil
		},
		LinkLocalTypes.Field(): types, LinkTypes.Field(): types,
	}
}

// checkSpace finds the replication space of a link.
func checkSpace(b *model.Box, id int64) (*schema.Object, error) {
	space, err := b.Must(model.NetworkSpace, id)
	if err != nil {
		return nil, err
	}
	if model.SpaceService.Get(space) != model.ReplicationService || len(model.SpaceIPs.Get(space)) == 0 {
		return nil, apierr.New(apierr.NetworkSpaceUnfit, "local_replication_network_space_id: space %d is no replication space with addresses", id).About(LinkSpace.Name())
	}
	return space, nil
}

// beforeLinkCreate finds the peer and has it make its half. There is one link
// between two systems, and sixteen on one (vendor documentation).
func beforeLinkCreate(b *model.Box, o *schema.Object, _ *model.Input) error {
	space, err := checkSpace(b, LinkSpace.Get(o))
	if err != nil {
		return err
	}
	host := LinkRemoteHost.Get(o)
	peer, ok, err := b.Eng.Fabric.Find(b.Tx, b.Key, host)
	if err != nil {
		return err
	}
	if !ok || peer == b.Key || !fabric.Up(b.Tx, fabric.Ends{From: b.Key, To: peer}) {
		return apierr.New(apierr.LinkRemoteUnreachable, "remote_host: no array answers at %q", host).About("remote_host")
	}
	if err := checkLinks(b, peer); err != nil {
		return err
	}
	if err := freeName(b, o); err != nil {
		return err
	}
	linkPeer.Set(o, peer)
	system, err := b.System()
	if err != nil {
		return err
	}
	ask := linkOffer{
		Credentials: credentials(b), Link: o.ID(), Name: LinkName.Get(o), Host: host, Address: model.SpaceIPs.Get(space)[0].Address,
		Space: space.ID(), Serial: model.SystemSerial.Get(system), System: model.SystemName.Get(system), Version: b.Release().Version,
		GUID: b.UUID(), AsyncOnly: asyncOnly(space), Witness: LinkWitness.Get(o), IPs: model.SpaceIPs.Get(space),
	}
	var answer linkOffer
	if err := call(b, ends(b, o), msgLinkCreate, ask, &answer); err != nil {
		return err
	}
	setPeer(o, answer)
	LinkGUID.Set(o, ask.GUID)
	LinkAsyncOnly.Set(o, ask.AsyncOnly || answer.AsyncOnly)
	return nil
}

// freeName refuses a name before the peer is asked.
func freeName(b *model.Box, o *schema.Object) error {
	if name := LinkName.Get(o); len(b.Tx.IDsBy(b.Key, Link, LinkName.Field(), schema.TextValue(name))) > 0 {
		return apierr.New(apierr.LinkNameConflict, "name: %q is taken by another link", name).About("name")
	}
	return nil
}

func checkLinks(b *model.Box, peer string) error {
	n := 0
	err := b.Tx.Each(b.Key, Link, func(l *schema.Object) (bool, error) {
		n++
		if linkPeer.Get(l) == peer {
			return false, apierr.New(apierr.LinkAlreadyExists, "remote_host: link %d leads to that system", l.ID()).About("remote_host")
		}
		return true, nil
	})
	if err == nil && n >= b.Profile().Links && !b.Eng.NoLimits {
		return apierr.New(apierr.LinkLimitExceeded, "the array has %d links", n)
	}
	return err
}

func asyncOnly(space *schema.Object) bool {
	only, _ := model.SpaceProperties.Get(space)["is_async_only"].(bool)
	return only
}

// setPeer keeps what the other half told about itself.
func setPeer(o *schema.Object, p linkOffer) {
	LinkRemoteID.Set(o, p.Link)
	LinkRemoteSpace.Set(o, p.Space)
	LinkRemoteSerial.Set(o, p.Serial)
	LinkRemoteName.Set(o, p.System)
	LinkRemoteVersion.Set(o, p.Version)
	LinkRemoteMgmt.Set(o, p.Address)
	var list []address
	for i, ip := range p.IPs {
		list = append(list, address{ID: int64(i + 1), Address: ip.Address, Management: ip.Kind == "MANAGEMENT", Kind: ip.Kind, LinkID: o.ID()})
	}
	if list != nil {
		LinkAddresses.Set(o, list)
	}
}

func afterLinkCreate(b *model.Box, o *schema.Object, _ *model.Input) error {
	if err := b.EmitFor(o, "CREATED"); err != nil {
		return err
	}
	return emitLink(b, o, linkUp)
}

func emitLink(b *model.Box, o *schema.Object, state string) error {
	level := "INFO"
	if state != linkUp {
		level = "ERROR"
	}
	return b.Emit(model.Event{
		Code: "LINK_" + state, Level: level, Entity: o.ID(), Template: "link {name} is {state}",
		Data: []model.Datum{{Name: "name", Type: "String", Value: LinkName.Get(o)}, {Name: "state", Type: "String", Value: state}},
	})
}

// beforeLinkUpdate lets a link be detached (its space set to null) and, once
// detached, attached again.
func beforeLinkUpdate(b *model.Box, old, o *schema.Object, _ *model.Input) error {
	if LinkSpace.Get(old) == LinkSpace.Get(o) || LinkSpace.IsNull(o) {
		return nil
	}
	if !LinkSpace.IsNull(old) {
		return apierr.New(apierr.LinkIsAttached, "local_replication_network_space_id: link %d is attached to space %d", o.ID(), LinkSpace.Get(old)).About(LinkSpace.Name())
	}
	_, err := checkSpace(b, LinkSpace.Get(o))
	return err
}

func afterLinkUpdate(b *model.Box, old, o *schema.Object, _ *model.Input) error {
	if LinkSpace.IsNull(old) == LinkSpace.IsNull(o) {
		return nil
	}
	attached := !LinkSpace.IsNull(o)
	up := fabric.Up(b.Tx, ends(b, o))
	if up {
		if err := tellAttached(b, o); err != nil {
			return err
		}
	} else {
		linkUntold.Set(o, true)
		if err := b.Save(o); err != nil {
			return err
		}
	}
	return linkMoved(b, o, attached && up && linkAttached.Get(o), !attached)
}

// tellAttached tells the peer whether this half of a link is attached.
func tellAttached(b *model.Box, o *schema.Object) error {
	ask := linkAttach{Link: LinkRemoteID.Get(o), Attached: !LinkSpace.IsNull(o)}
	return call(b, ends(b, o), msgLinkAttach, ask, nil)
}

// tellLate does so where the path is up again that was down when it changed.
func tellLate(b *model.Box, peer string) error {
	return b.Tx.Each(b.Key, Link, func(o *schema.Object) (bool, error) {
		if linkPeer.Get(o) != peer || !linkUntold.Get(o) {
			return true, nil
		}
		if err := tellAttached(b, o); err != nil {
			return false, err
		}
		linkUntold.Set(o, false)
		return true, b.Save(o)
	})
}

func refreshLink(b *model.Box, o *schema.Object, in *model.Input) (any, error) {
	if raw, ok := in.Body["remote_host"]; ok {
		accepted, err := LinkRemoteHost.Field().Accept(raw)
		if err != nil {
			return nil, model.Wire(err)
		}
		host := LinkRemoteHost.Field().Parse(accepted).Text()
		peer, ok, err := b.Eng.Fabric.Find(b.Tx, b.Key, host)
		if err != nil {
			return nil, err
		}
		if !ok || peer != linkPeer.Get(o) {
			return nil, apierr.New(apierr.LinkRemoteUnreachable, "remote_host: %q is no address of the peer", host).About("remote_host")
		}
		LinkRemoteHost.Set(o, host)
	}
	if !fabric.Up(b.Tx, ends(b, o)) {
		return nil, apierr.New(apierr.LinkNotConnected, "link %d is not connected", o.ID())
	}
	var answer linkOffer
	if err := call(b, ends(b, o), msgLinkRefresh, linkAttach{Link: LinkRemoteID.Get(o)}, &answer); err != nil {
		return nil, err
	}
	setPeer(o, answer)
	return o, b.Save(o)
}

// beforeLinkDelete removes the peer's half too.
func beforeLinkDelete(b *model.Box, o *schema.Object, in *model.Input) error {
	if ids := idsBy(b, ReplicaLink.Field(), schema.RefValue(o.ID())); len(ids) > 0 {
		return apierr.New(apierr.LinkHasReplicas, "link %d has %d replicas", o.ID(), len(ids))
	}
	err := call(b, ends(b, o), msgLinkDelete, linkAttach{Link: LinkRemoteID.Get(o), Credentials: credentials(b)}, nil)
	return forgive(in, err)
}

// remoteRoutes pass a GET through to the peer.
func remoteRoutes() []model.Route {
	return []model.Route{{
		Method: http.MethodGet, Path: "remote/{link}/api/rest/*", Reads: true, Params: []string{"*"},
		Do: func(b *model.Box, _ *schema.Object, in *model.Input) (any, error) {
			id, err := strconv.ParseInt(in.Vars["link"], 10, 64)
			if err != nil {
				return nil, apierr.New(apierr.LinkNotFound, "link %q does not exist", in.Vars["link"])
			}
			link, err := b.Load(b.Eng.Catalog.Kind(Link.Name()), id)
			if err != nil {
				return nil, err
			}
			return passThrough(b, link, in)
		},
	}}
}

// Peer is the key of the array that a link leads to.
func Peer(link *schema.Object) string { return linkPeer.Get(link) }
