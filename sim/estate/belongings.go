package estate

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"infinisim/sim/document"
	"infinisim/sim/model"
	"infinisim/sim/schema"
)

// belongings puts members in groups and clusters, ports on hosts, and volumes
// before them.
func (f *filling) belongings(ctx context.Context, i int) error {
	for chunk := range slices.Chunk(f.made[i], atOnce) {
		err := f.lab.On(ctx, f.keys[i], func(b *model.Box) error {
			for _, part := range []func(*model.Box, *caller, made) error{addMembers, addPorts, addHosts, addSchedules} {
				if err := each(b, chunk, part); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	for chunk := range slices.Chunk(f.made[i], atOnce) {
		err := f.lab.On(ctx, f.keys[i], func(b *model.Box) error {
			if err := each(b, chunk, mapVolumes); err != nil {
				return err
			}
			return each(b, chunk, setMetadata)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func each(b *model.Box, all []made, do func(*model.Box, *caller, made) error) error {
	c := &caller{routes: b.Eng.Catalog.Routes()}
	for _, m := range all {
		if err := do(b, c, m); err != nil {
			return err
		}
	}
	return nil
}

// caller makes requests of the catalog.
type caller struct{ routes []model.Route }

// do makes a request about an object, as a client with approval would.
func (c *caller) do(b *model.Box, method, path string, m made, vars map[string]string, body map[string]any) error {
	i := slices.IndexFunc(c.routes, func(r model.Route) bool { return r.Method == method && r.Path == path })
	if i < 0 {
		return fmt.Errorf("nothing does %s %s", method, path)
	}
	in := &model.Input{Request: model.Request{Vars: vars, Approved: true}, Body: model.NewBody(body)}
	raw, err := json.Marshal(in.Body)
	if err != nil {
		return err
	}
	in.Raw = raw
	var o *schema.Object
	if strings.Contains(path, "{id}") {
		if o, err = b.Load(b.Eng.Catalog.Kind(m.kind.Type.Name()), m.id); err != nil {
			return err
		}
		if name := c.routes[i].Name; name != "" {
			if err := b.Guard(name, nil, o); err != nil {
				return err
			}
		}
	}
	_, err = c.routes[i].Do(b, o, in)
	return err
}

func addMembers(b *model.Box, c *caller, m made) error {
	for _, n := range m.parts.Members {
		id, err := m.named(b, n, model.Volume.Name(), model.Filesystem.Name())
		if err == nil {
			err = c.do(b, http.MethodPost, "cgs/{id}/members", m, nil, map[string]any{"dataset_id": id})
		}
		if err != nil {
			return refused(n, err)
		}
	}
	return nil
}

func addPorts(b *model.Box, c *caller, m made) error {
	for _, n := range m.parts.Ports {
		if err := n.Only("type", "address"); err != nil {
			return err
		}
		port, isMap := m.value(n.Value()).(map[string]any)
		if !isMap {
			return n.Expected("a mapping")
		}
		if err := c.do(b, http.MethodPost, "hosts/{id}/ports", m, nil, port); err != nil {
			return refused(n, err)
		}
	}
	return nil
}

func addSchedules(b *model.Box, c *caller, m made) error {
	for _, n := range m.parts.Schedules {
		body, isMap := m.value(n.Value()).(map[string]any)
		if !isMap {
			return n.Expected("a mapping")
		}
		for _, key := range []string{"interval", "retention", "time_of_day"} {
			text, isText := body[key].(string)
			if d, err := time.ParseDuration(text); isText && err == nil {
				body[key] = int64(d / time.Second)
			}
		}
		if err := c.do(b, http.MethodPost, "snapshot_policies/{id}/schedules", m, map[string]string{"id": fmt.Sprint(m.id)}, body); err != nil {
			return refused(n, err)
		}
	}
	return nil
}

func addHosts(b *model.Box, c *caller, m made) error {
	for _, n := range m.parts.Hosts {
		id, err := m.named(b, n, model.Host.Name())
		if err == nil {
			err = c.do(b, http.MethodPost, "clusters/{id}/hosts", m, nil, map[string]any{"id": id})
		}
		if err != nil {
			return refused(n, err)
		}
	}
	return nil
}

// lunForm is a mapping as it is written.
type lunForm struct {
	Volume document.Node `yaml:"volume,required"`
	LUN    *int64        `yaml:"lun"`
}

func mapVolumes(b *model.Box, c *caller, m made) error {
	for _, n := range m.parts.LUNs {
		var lun lunForm
		if err := n.Into(&lun); err != nil {
			return err
		}
		id, err := m.named(b, lun.Volume, model.Volume.Name())
		if err != nil {
			return refused(n, err)
		}
		body := map[string]any{"volume_id": id}
		if lun.LUN != nil {
			body["lun"] = *lun.LUN
		}
		if err := c.do(b, http.MethodPost, m.kind.Path+"/{id}/luns", m, nil, body); err != nil {
			return refused(n, err)
		}
	}
	return nil
}

func setMetadata(b *model.Box, c *caller, m made) error {
	if !m.parts.Metadata.There() {
		return nil
	}
	all, _ := m.value(m.parts.Metadata.Value()).(map[string]any)
	vars := map[string]string{"object": fmt.Sprint(m.id)}
	if err := c.do(b, http.MethodPut, "metadata/{object}", m, vars, all); err != nil {
		return refused(m.parts.Metadata, err)
	}
	return nil
}
