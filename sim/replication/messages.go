package replication

import (
	"encoding/json"
	"errors"
	"net/url"
	"strconv"
	"strings"

	"infinisim/sim/apierr"
	"infinisim/sim/fabric"
	"infinisim/sim/model"
	"infinisim/sim/schema"
	"infinisim/sim/store"
)

// The messages between two arrays.
const (
	msgLinkCreate  = "link.create"
	msgLinkDelete  = "link.delete"
	msgLinkAttach  = "link.attach"
	msgLinkRefresh = "link.refresh"
	msgRemoteGet   = "remote.get"
	msgCreate      = "replica.create"
	msgBegin       = "replica.begin"
	msgCommit      = "replica.commit"
	msgDelete      = "replica.delete"
	msgHello       = "replica.hello"
	msgType        = "replica.type"
	msgConfigure   = "replica.configure"
	msgMirror      = "replica.mirror"
	msgJoin        = "replica.join"
	msgLeave       = "replica.leave"
	msgSplit       = "replica.split"
	msgRoom        = "replica.room"
	msgTrouble     = "replica.trouble"
	msgSwitch      = "replica.switch"
	msgRoll        = "replica.roll"
	msgPeer        = "replica.peer"
	msgResize      = "replica.resize"
	msgWitness     = "link.witness"
)

// linkOffer is what each half of a link tells the other of itself.
type linkOffer struct {
	Credentials []model.Credentials `json:"credentials,omitempty"`
	Link        int64               `json:"link"`
	Name        string              `json:"name"`
	Host        string              `json:"host"`
	Address     string              `json:"address"`
	Space       int64               `json:"space"`
	Serial      int64               `json:"serial"`
	System      string              `json:"system"`
	Version     string              `json:"version"`
	GUID        string              `json:"guid"`
	AsyncOnly   bool                `json:"async_only"`
	Witness     string              `json:"witness"`
	IPs         []model.IP          `json:"ips"`
}

// linkAttach is about the receiver's half of a link.
type linkAttach struct {
	Link        int64               `json:"link"`
	Attached    bool                `json:"attached"`
	Credentials []model.Credentials `json:"credentials,omitempty"`
}

// remoteGet asks for an object or a collection of the peer.
type remoteGet struct {
	Path  string     `json:"path"`
	Query url.Values `json:"query"`
}

// credentials are those that the caller has for the peer: its own first, as
// equal accounts on both arrays need no header (public scripts show it), then
// those that the client sent.
func credentials(b *model.Box) []model.Credentials {
	return append([]model.Credentials{{User: b.Who.Name, Password: b.Who.Password}}, b.Who.Remote...)
}

// call sends a message. A peer that refuses the credentials answers with this
// array's own error, as clients expect; one that cannot be reached with
// REMOTE_SYSTEM_UNREACHABLE.
func call(b *model.Box, e fabric.Ends, name string, ask, answer any) error {
	err := b.Eng.Fabric.Call(b.Tx, e, name, ask, answer)
	if errors.Is(err, fabric.ErrUnreachable) {
		return apierr.New(apierr.RemoteUnreachable, "array %s cannot be reached", e.To)
	}
	if remote, ok := apierr.As(err); ok && remote.Code == apierr.RemotePermissionRequired {
		return apierr.New(apierr.RemotePermissionRequired, "remote permission required")
	}
	return err
}

// forgive lets a delete go on without the peer where the client forces it.
func forgive(in *model.Input, err error) error {
	switch apierr.CodeOf(err) {
	case apierr.RemoteUnreachable:
		return forced(in, "force_if_remote_error", err)
	case apierr.RemotePermissionRequired:
		return forced(in, "force_if_no_remote_credentials", err)
	}
	return err
}

func forced(in *model.Input, flag string, err error) error {
	force, bad := in.Flag(flag, false)
	if bad != nil {
		return bad
	}
	if force {
		return nil
	}
	return err
}

// forcing is a request that goes on without the other side.
func forcing() *model.Input {
	return &model.Input{Request: model.Request{Query: url.Values{"force_if_remote_error": {"true"}, "force_if_no_remote_credentials": {"true"}}}}
}

// box opens the receiver of a message.
func (r *engine) box(tx *store.Tx, m fabric.Message) *model.Box {
	return r.Box(tx, m.To, model.Identity{Name: "replication", Role: model.RoleInfinidat})
}

// admit checks the credentials that a message brings.
func admit(b *model.Box, list []model.Credentials) error {
	for _, c := range list {
		if who, err := b.Authenticate(c.User, c.Password); err == nil && who.Role != model.RoleReadOnly {
			return nil
		}
	}
	return apierr.New(apierr.RemotePermissionRequired, "remote permission required")
}

// handle registers a message whose body is a T.
func handle[T any](r *engine, name string, do func(b *model.Box, m fabric.Message, ask T) (any, error)) {
	r.Fabric.Handle(name, func(tx *store.Tx, m fabric.Message) (any, error) {
		var ask T
		if err := fabric.Decode(m, &ask); err != nil {
			return nil, err
		}
		return do(r.box(tx, m), m, ask)
	})
}

func (r *engine) handleLinks() {
	handle(r, msgLinkCreate, acceptLink)
	handle(r, msgLinkDelete, func(b *model.Box, _ fabric.Message, ask linkAttach) (any, error) {
		if err := admit(b, ask.Credentials); err != nil {
			return nil, err
		}
		if ids := idsBy(b, ReplicaLink.Field(), schema.RefValue(ask.Link)); len(ids) > 0 {
			return nil, apierr.New(apierr.LinkHasReplicas, "link %d has %d replicas", ask.Link, len(ids))
		}
		o, err := b.Tx.Get(b.Key, Link, ask.Link)
		if err != nil || o == nil {
			return nil, err
		}
		if err := b.Remove(o); err != nil {
			return nil, err
		}
		return nil, b.EmitFor(o, "DELETED")
	})
	handle(r, msgLinkAttach, func(b *model.Box, _ fabric.Message, ask linkAttach) (any, error) {
		o, err := b.Must(Link, ask.Link)
		if err != nil {
			return nil, err
		}
		linkAttached.Set(o, ask.Attached)
		if err := b.Tx.Put(b.Key, o); err != nil {
			return nil, err
		}
		return nil, linkMoved(b, o, ask.Attached && !LinkSpace.IsNull(o), !ask.Attached)
	})
	handle(r, msgLinkRefresh, func(b *model.Box, _ fabric.Message, ask linkAttach) (any, error) {
		o, err := b.Must(Link, ask.Link)
		if err != nil {
			return nil, err
		}
		return introduce(b, o, LinkSpace.Get(o))
	})
	handle(r, msgRemoteGet, func(b *model.Box, _ fabric.Message, ask remoteGet) (any, error) { return answerGet(b, ask) })
}

// acceptLink makes the receiver's half of a link.
func acceptLink(b *model.Box, m fabric.Message, ask linkOffer) (any, error) {
	if err := admit(b, ask.Credentials); err != nil {
		return nil, err
	}
	if err := checkLinks(b, m.From); err != nil {
		return nil, err
	}
	space, err := spaceOf(b, ask.Host)
	if err != nil {
		return nil, err
	}
	o := b.New(b.Eng.Catalog.Kind(Link.Name()))
	LinkName.Set(o, b.FreeName(Link, LinkName.Field(), ask.Name))
	LinkRemoteHost.Set(o, ask.Address)
	LinkSpace.Set(o, space)
	LinkGUID.Set(o, ask.GUID)
	LinkWitness.Set(o, ask.Witness)
	linkPeer.Set(o, m.From)
	setPeer(o, ask)
	answer, err := introduce(b, o, space)
	if err != nil {
		return nil, err
	}
	LinkAsyncOnly.Set(o, ask.AsyncOnly || answer.AsyncOnly)
	if err := b.Insert(o); err != nil {
		return nil, err
	}
	return answer, afterLinkCreate(b, o, nil)
}

// spaceOf finds the replication space that has an address.
func spaceOf(b *model.Box, host string) (int64, error) {
	for _, id := range b.Tx.IDsBy(b.Key, model.NetworkSpace, model.SpaceService.Field(), serviceValue()) {
		space, err := b.Must(model.NetworkSpace, id)
		if err != nil {
			return 0, err
		}
		for _, ip := range model.SpaceIPs.Get(space) {
			if ip.Address == host {
				return id, nil
			}
		}
	}
	return 0, apierr.New(apierr.NetworkSpaceUnfit, "remote_host: %q is in no replication space", host).About("remote_host")
}

func serviceValue() schema.Value {
	return model.SpaceService.Field().Parse(json.RawMessage(strconv.Quote(model.ReplicationService)))
}

// introduce is what this half tells the other of itself.
func introduce(b *model.Box, o *schema.Object, space int64) (linkOffer, error) {
	system, err := b.System()
	if err != nil {
		return linkOffer{}, err
	}
	out := linkOffer{
		Link: o.ID(), Name: LinkName.Get(o), Space: space, Serial: model.SystemSerial.Get(system),
		System: model.SystemName.Get(system), Version: b.Release().Version,
	}
	if space == 0 {
		return out, nil
	}
	s, err := b.Must(model.NetworkSpace, space)
	if err != nil {
		return out, err
	}
	out.AsyncOnly, out.IPs = asyncOnly(s), model.SpaceIPs.Get(s)
	if len(out.IPs) > 0 {
		out.Address = out.IPs[0].Address
	}
	return out, nil
}

// passThrough asks the peer for one of its objects.
func passThrough(b *model.Box, link *schema.Object, in *model.Input) (any, error) {
	if !connected(b, link) {
		return nil, apierr.New(apierr.LinkNotConnected, "link %d is not connected", link.ID())
	}
	var answer remoteAnswer
	if err := call(b, ends(b, link), msgRemoteGet, remoteGet{Path: in.Vars["*"], Query: in.Query}, &answer); err != nil {
		return nil, err
	}
	if answer.Page != nil {
		return answer.Page, nil
	}
	return answer.Item, nil
}

// remoteAnswer is an item or a page of the peer's.
type remoteAnswer struct {
	Item json.RawMessage `json:"item,omitempty"`
	Page *model.Page     `json:"page,omitempty"`
}

// answerGet serves what a peer's GET would: an item or a collection.
func answerGet(b *model.Box, ask remoteGet) (answer remoteAnswer, err error) {
	for _, k := range b.Eng.Catalog.Kinds() {
		rest, ok := strings.CutPrefix(ask.Path, k.Path)
		if !ok || k.Single || rest != "" && rest[0] != '/' {
			continue
		}
		in := &model.Input{Request: model.Request{Query: ask.Query}}
		if in.Query == nil {
			in.Query = url.Values{}
		}
		if rest == "" {
			answer.Page, err = b.List(k, in)
			return answer, err
		}
		id, err := strconv.ParseInt(strings.Trim(rest, "/"), 10, 64)
		if err != nil {
			continue
		}
		o, err := b.Load(k, id)
		if err != nil {
			return answer, err
		}
		answer.Item, err = b.RenderFields(k, o, in.Fields(k, b))
		return answer, err
	}
	return answer, apierr.New(apierr.PathNotFound, "nothing is at %s", ask.Path)
}
