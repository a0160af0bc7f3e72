package model

import (
	"encoding/json"
	"slices"
	"strconv"

	"infinisim/sim/apierr"
	"infinisim/sim/schema"
)

// Who sees an event: everybody, or the vendor's people alone.
const (
	Customer  = "CUSTOMER"
	Infinidat = "INFINIDAT"
)

func eventVisibilities() []string { return []string{Customer, Infinidat} }

// spaceCode has the codes of all events that ever were.
const spaceCode = "event.code"

// knownCodes are the codes that public sources show (InfiniSDK 289.1.4 and its
// tests, Ansible collection 1.6.3, CSI driver, published payloads), and those
// that the array itself has for what it does.
//
// unsourced: that events/types lists the codes of events that clients made up.
func knownCodes() []string {
	return []string{
		"ACTIVATION_PAUSED", "ACTIVE_DIRECTORY_ALL_DOMAIN_CONTROLLERS_DOWN", "ACTIVE_DIRECTORY_LEFT", "CONS_GROUP_CREATED",
		"CONS_GROUP_DELETED", "CUSTOM_CRITICAL_EVENT", "CUSTOM_ERROR_EVENT", "CUSTOM_INFO_EVENT", "CUSTOM_WARNING_EVENT", "DDE_INFO_EVENT",
		"DISK_SPACE_LOW", floodCode, "EXPORT_CREATED", "EXPORT_DELETED", "FILESYSTEM_CREATED", "FILESYSTEM_DELETED", "FILESYSTEM_PROMOTED",
		"FILESYSTEM_RESTORED", "FILESYSTEM_USED_CAPACITY_CRITICAL", "FILESYSTEM_USED_CAPACITY_CRITICAL_CLEARED",
		"FILESYSTEM_USED_CAPACITY_WARNING", "FILESYSTEM_USED_CAPACITY_WARNING_CLEARED", "HOST_CLUSTER_CREATED", "HOST_CLUSTER_DELETED",
		"HOST_CREATED", "HOST_DELETED", "HOST_DOWN", "INFINISPARES_ENGAGED", "LINK_CREATED", "LINK_DELETED", "LINK_DOWN", "LINK_UP",
		"POOL_PHYSICAL_CAPACITY_CRITICAL", "POOL_PHYSICAL_CAPACITY_CRITICAL_CLEARED", "POOL_PHYSICAL_CAPACITY_WARNING",
		"POOL_PHYSICAL_CAPACITY_WARNING_CLEARED", "POOL_STATE_LIMITED", "POOL_STATE_LOCKED", "POOL_STATE_NORMAL", "QOS_POLICY_CREATED",
		"QOS_POLICY_DELETED", "SHARE_CREATED", "SHARE_DELETED", "SNAPSHOT_POLICY_CREATED", "SNAPSHOT_POLICY_DELETED",
		"SNAPSHOT_SCHEDULE_CREATED", "SNAPSHOT_SCHEDULE_ENABLED", "SYSTEM_IS_UP", "TREEQ_CAPACITY_ABOVE_HARD", "TREEQ_CAPACITY_ABOVE_SOFT", "TREEQ_CAPACITY_BELOW_SOFT", "TREEQ_CREATED", "TREEQ_DELETED",
		"TREEQ_INODES_ABOVE_HARD", "TREEQ_INODES_ABOVE_SOFT", "TREEQ_INODES_BELOW_SOFT", "USER_CREATED",
		"USER_DELETED", "USER_LOGGED_OUT", "USER_LOGIN_FAILURE", "USER_LOGIN_SUCCESS", "VOLUME_CREATED", "VOLUME_DELETED",
		"VOLUME_PROMOTED", "VOLUME_RESTORED",
	}
}

// rememberCode has events/types list a code from now on.
func (b *Box) rememberCode(code string) {
	if kv := b.Tx.KV(b.Key, spaceCode); kv.Get([]byte(code)) == nil {
		kv.Put([]byte(code), nil)
	}
}

// eventTypes tells what events can be: the known codes and those that were.
func eventTypes(b *Box, _ *schema.Object, _ *Input) (any, error) {
	codes := knownCodes()
	b.Tx.KV(b.Key, spaceCode).Scan(nil, func(code, _ []byte) bool {
		codes = append(codes, string(code))
		return true
	})
	slices.Sort(codes)
	levels := []map[string]any{}
	for i, l := range eventLevels() {
		levels = append(levels, map[string]any{"name": l, "value": i})
	}
	return map[string]any{
		"codes": slices.Compact(codes), "levels": levels, "visibilities": eventVisibilities(), "reporters": eventReporters(),
	}, nil
}

// eventReporters are the parts of the array that report events.
//
// unsourced: their names, and that all events of the array come from CORE.
func eventReporters() []string { return []string{"CORE", "MANAGEMENT"} }

// seesEvents keeps the events of the vendor's people from all others. Where
// there are none, as on most arrays, nothing has to be looked through.
//
// unsourced: that visibility is by the role INFINIDAT alone.
func seesEvents(b *Box) *schema.Filter {
	hidden := EventVisibility.Field().Parse(json.RawMessage(`"` + Infinidat + `"`))
	if b.Who.Role == RoleInfinidat || b.Tx.CountBy(b.Key, EventVisibility.Field(), EventType, hidden) == 0 {
		return nil
	}
	return &schema.Filter{Field: EventVisibility.Field(), Op: schema.NE, Values: []schema.Value{hidden}}
}

// largestEvent is how long a client's event may be (vendor KB 6211226431389).
const largestEvent = 100_000

// customEvent adds a client's own line, with the code CUSTOM_INFO_EVENT for
// the level INFO (InfiniSDK tests) or the code that the client gives (CSI
// driver). It returns INVALID_FIELD_VALUE for one of more than 100 kB.
func customEvent(b *Box, _ *schema.Object, in *Input) (any, error) {
	if len(in.Raw) > largestEvent {
		return nil, apierr.New(apierr.InvalidValue, "data: the event has %d bytes, and may have %d", len(in.Raw), largestEvent).About("data")
	}
	body, err := DecodeBody(in.Raw)
	if err != nil {
		return nil, err
	}
	e := Event{Level: "INFO"}
	description := ""
	for _, name := range sortedKeys(body) {
		switch name {
		case "code":
			err = acceptText(EventCode.Field(), body[name], &e.Code)
		case "level":
			err = acceptText(EventLevel.Field(), body[name], &e.Level)
		case "visibility":
			err = acceptText(EventVisibility.Field(), body[name], &e.Visibility)
		case "description_template":
			err = acceptText(EventTemplate.Field(), body[name], &e.Template)
		case "description":
			err = acceptText(EventDescription.Field(), body[name], &description)
		case "data":
			e.Data, err = acceptData(body[name])
		default:
			err = apierr.New(apierr.UnknownField, "%s: unknown field of event", name).About(name)
		}
		if err != nil {
			return nil, Wire(err)
		}
	}
	if e.Code == "" {
		e.Code = "CUSTOM_" + e.Level + "_EVENT"
	}
	if e.Template == "" {
		e.Template = description
	}
	return b.emit(e)
}

// acceptText reads a value as a field of text takes it; null and an empty text
// leave what is there.
func acceptText(f *schema.Field, raw json.RawMessage, to *string) error {
	if s := string(raw); s == "null" || s == `""` {
		return nil
	}
	raw, err := f.Accept(raw)
	if err == nil {
		*to = f.Parse(raw).Text()
	}
	return err
}

// acceptData reads the named values of an event.
func acceptData(raw json.RawMessage) ([]Datum, error) {
	var data []Datum
	if err := json.Unmarshal(raw, &data); err != nil {
		return nil, apierr.New(apierr.InvalidValue, "data: %.80s is no list of objects with name, type and value", raw).About("data")
	}
	for i, d := range data {
		if d.Name == "" {
			return nil, apierr.New(apierr.InvalidValue, "data: the value number %s has no name", strconv.Itoa(i+1)).About("data")
		}
	}
	return data, nil
}
