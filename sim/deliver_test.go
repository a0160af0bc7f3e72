package sim_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim"
	"infinisim/sim/deliver"
	"infinisim/sim/model"
	"infinisim/sim/simtest"
)

// outbox is a sender that keeps what it is given.
type outbox struct{ sent chan deliver.Notice }

func (o outbox) Send(_ context.Context, n deliver.Notice) error {
	o.sent <- n
	return nil
}

// told makes a lab that delivers to an outbox; the test's own target and rule
// are in it, and what is told comes out of codes up to the event END.
type told struct {
	*simtest.Client
	t   *testing.T
	l   *simtest.Lab
	box outbox
}

func newTold(t *testing.T) told {
	t.Helper()
	box := outbox{sent: make(chan deliver.Notice, 64)}
	l := simtest.New(t, sim.WithDelivery(box))
	d := told{Client: l.Client("box-1"), t: t, l: l, box: box}
	target := d.Post("notifications/targets", map[string]any{"name": "end", "protocol": "SYSLOG", "host": "end"})
	d.Post("notifications/rules", map[string]any{"name": "end", "target_id": target.ID("id"), "include_events": []string{"END"}})
	return d
}

func (d told) rule(fields map[string]any) {
	d.t.Helper()
	target := d.Post("notifications/targets", map[string]any{"name": "t", "protocol": "SYSLOG", "host": "h"})
	body := map[string]any{"name": "r", "target_id": target.ID("id")}
	maps.Copy(body, fields)
	d.Post("notifications/rules", body)
}

func (d told) emit(events ...model.Event) {
	d.t.Helper()
	require.NoError(d.t, d.l.On(d.t.Context(), "box-1", func(b *model.Box) error {
		for _, e := range events {
			if err := b.Emit(e); err != nil {
				return err
			}
		}
		return nil
	}))
}

// codes are those of the notices that the test's rule sent.
func (d told) codes() []string {
	d.t.Helper()
	d.emit(model.Event{Code: "END", Template: "end"})
	out := []string{}
	for {
		n := <-d.box.sent
		switch {
		case n.Rule == "r" && n.Event.Code != "END":
			out = append(out, n.Event.Code)
		case n.Rule == "end":
			return out
		}
	}
}

func TestDeliver_rules(t *testing.T) {
	t.Parallel()
	events := []model.Event{
		{Code: "LINK_UP"},
		{Code: "LINK_DOWN", Level: "WARNING"},
		{Code: "HOST_DOWN", Level: "ERROR"},
		{Code: "DISK_SPACE_LOW", Level: "CRITICAL"},
		{Code: "ACTIVATION_PAUSED", Level: "ERROR", Visibility: "INFINIDAT"},
	}
	for name, c := range map[string]struct {
		rule map[string]any
		want []string
	}{
		"levels":           {map[string]any{"event_level": []string{"WARNING", "CRITICAL"}}, []string{"LINK_DOWN", "DISK_SPACE_LOW"}},
		"all":              {map[string]any{}, []string{"LINK_UP", "LINK_DOWN", "HOST_DOWN", "DISK_SPACE_LOW"}},
		"all but some":     {map[string]any{"exclude_events": []string{"LINK_UP"}}, []string{"LINK_DOWN", "HOST_DOWN", "DISK_SPACE_LOW"}},
		"one code":         {map[string]any{"event_code": "LINK_UP"}, []string{"LINK_UP"}},
		"a code's level":   {map[string]any{"event_code": "LINK_UP", "event_level": []string{"CRITICAL"}}, []string{}},
		"some codes":       {map[string]any{"include_events": []string{"LINK_UP", "HOST_DOWN"}}, []string{"LINK_UP", "HOST_DOWN"}},
		"levels and codes": {map[string]any{"event_level": []string{"ERROR"}, "include_events": []string{"LINK_UP"}}, []string{"LINK_UP", "HOST_DOWN"}},
		"exclusion wins": {map[string]any{
			"event_level": []string{"ERROR"}, "include_events": []string{"HOST_DOWN"}, "exclude_events": []string{"HOST_DOWN"},
		}, []string{}},
		"visibility": {map[string]any{"event_visibility": []string{"INFINIDAT"}}, []string{"ACTIVATION_PAUSED"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newTold(t)
			d.rule(c.rule)
			d.emit(events...)
			assert.Equal(t, c.want, d.codes())
		})
	}
}

// TestDeliver_undone tells nothing of an event whose transaction failed, nor
// of one that was a flood.
func TestDeliver_undone(t *testing.T) {
	t.Parallel()
	d := newTold(t)
	d.rule(map[string]any{"include_events": []string{"LINK_UP"}})
	wrong := errors.New("wrong")
	err := d.l.On(t.Context(), "box-1", func(b *model.Box) error {
		return errors.Join(b.Emit(model.Event{Code: "LINK_UP"}), wrong)
	})
	require.ErrorIs(t, err, wrong)
	assert.Empty(t, d.codes())
}

func TestDeliver_notice(t *testing.T) {
	t.Parallel()
	d := newTold(t)
	target := d.Post("notifications/targets", map[string]any{
		"name": "v3", "protocol": "SNMP", "host": "h", "version": "SNMPv3", "username": "u", "password": "p", "private_key": "k",
		"private_protocol": "AES", "auth_type": "AuthPriv", "auth_protocol": "MD5", "engine": "0x1000000000", "community": "c",
	})
	d.Post("notifications/rules", map[string]any{
		"name": "r", "target_id": target.ID("id"), "include_events": []string{"CUSTOM_INFO_EVENT"},
		"target_parameters": map[string]any{"recipients": []string{"a@example.com"}},
	})
	custom := map[string]any{"description_template": "hello {who}", "data": []any{map[string]any{"name": "who", "type": "String", "value": "you"}}}
	d.Do(http.MethodPost, "events/custom", custom)
	n := <-d.box.sent
	assert.Equal(t, "simulator-box-1", n.Array)
	assert.Equal(t, int64(1001), n.Serial)
	assert.Equal(t, []string{"a@example.com"}, n.Recipients)
	assert.Equal(t, deliver.Target{
		Name: "v3", Protocol: "SNMP", Host: "h", Port: 162, Version: "SNMPv3", Username: "u", Password: "p", PrivateKey: "k",
		PrivateProtocol: "AES", AuthType: "AuthPriv", AuthProtocol: "MD5", Engine: "0x1000000000", Community: "c",
	}, n.Target)
	assert.Equal(t, "hello you", n.Event.Description)
	assert.Equal(t, []deliver.Datum{{Name: "who", Value: "you"}}, n.Event.Data)

	// A secret stays where an update does not speak of it, and goes with null.
	path := fmt.Sprintf("notifications/targets/%d", target.ID("id"))
	d.Do(http.MethodPut, path, map[string]any{"host": "other"})
	d.Do(http.MethodPost, path+"/test", map[string]any{})
	n = <-d.box.sent
	assert.Equal(t, "other", n.Target.Host)
	assert.Equal(t, "p", n.Target.Password)
	assert.Equal(t, "NOTIFICATION_TARGET_TEST", n.Event.Code)
	d.Do(http.MethodPut, path, map[string]any{"password": nil, "private_key": "new"})
	d.Do(http.MethodPost, path+"/test", map[string]any{"recipients": []string{"b@example.com"}})
	n = <-d.box.sent
	assert.Empty(t, n.Target.Password)
	assert.Equal(t, "new", n.Target.PrivateKey)
	assert.Equal(t, []string{"b@example.com"}, n.Recipients)
}

// TestDeliver_network goes the whole way: an event, a rule, a datagram.
func TestDeliver_network(t *testing.T) {
	t.Parallel()
	conn, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	require.NoError(t, err)
	defer conn.Close()
	l := simtest.New(t, sim.WithDelivery(deliver.Network{}))
	c := l.Client("box-1")
	_, at, err := net.SplitHostPort(conn.LocalAddr().String())
	require.NoError(t, err)
	where, err := net.LookupPort("udp", at)
	require.NoError(t, err)
	target := c.Post("notifications/targets", map[string]any{"name": "t", "protocol": "SYSLOG", "host": "127.0.0.1", "port": where})
	c.Post("notifications/rules", map[string]any{"name": "r", "target_id": target.ID("id"), "event_level": []string{"INFO"}})
	c.Do(http.MethodPost, "events/custom", map[string]any{"description_template": "hello"})
	buf := make([]byte, 1<<12)
	n, _, err := conn.ReadFrom(buf)
	require.NoError(t, err)
	assert.Contains(t, string(buf[:n]), " simulator-box-1 infinibox - CUSTOM_INFO_EVENT [")
	assert.True(t, strings.HasSuffix(string(buf[:n]), "hello"))
}

// failing is a sender that reaches nobody.
type failing struct{ asked chan struct{} }

func (f failing) Send(context.Context, deliver.Notice) error {
	f.asked <- struct{}{}
	return errors.New("nobody there")
}

// TestDeliver_failure warns of what does not arrive; forks deliver for
// themselves, and a lab that does not deliver asks nobody.
func TestDeliver_failure(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	asked := failing{asked: make(chan struct{})}
	l := simtest.New(t, sim.WithDelivery(asked), sim.WithLog(slog.New(slog.NewTextHandler(&log, nil))))
	test := func(l *simtest.Lab) {
		l.Client("box-1").Do(http.MethodPost, "notifications/targets/1/test", nil)
		<-asked.asked
	}
	test(l)
	fork := l.Fork(t)
	require.NoError(t, l.Close())
	assert.Contains(t, log.String(), `level=WARN msg="notification not delivered" array=simulator-box-1 target=customer-smtp protocol=SMTP`)
	test(fork)
}
