package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/mail"
	"slices"
	"strings"

	"infinisim/sim/apierr"
	"infinisim/sim/clock"
	"infinisim/sim/deliver"
	"infinisim/sim/schema"
)

// queue is where notifications of the lab go, nil where none are delivered.
func (b *Box) queue() *deliver.Queue {
	if owner, ok := b.Tx.Owner().(interface{ Notices() *deliver.Queue }); ok {
		return owner.Notices()
	}
	return nil
}

// notify has an event told to the targets of the rules that it matches, once
// the transaction is committed. Where nothing is delivered it does nothing.
//
// unsourced: what becomes of a notification that does not arrive; the array
// reports no event of it here.
func (b *Box) notify(event *schema.Object) error {
	q := b.queue()
	if q == nil {
		return nil
	}
	return b.Tx.Each(b.Key, NotificationRule, func(rule *schema.Object) (bool, error) {
		if !tells(rule, event) {
			return true, nil
		}
		target, err := b.Must(NotificationTarget, RuleTarget.Get(rule))
		if err != nil {
			return false, err
		}
		n, err := b.notice(target, event)
		if err != nil {
			return false, err
		}
		n.Rule, n.Recipients = RuleName.Get(rule), recipientsOf(RuleParams.Get(rule))
		b.Tx.OnCommit(func() { q.Put(n) })
		return true, nil
	})
}

// tells reports whether a rule tells an event: one of a code that it excludes
// never, one of a code that it includes always, any other by its level, and by
// event_code if the rule has one. A rule that names no levels means all levels
// where it names no included codes either, or an event_code.
//
// unsourced: how levels, included and excluded codes go together. The Ansible
// collection's sample sends levels, one included and two excluded codes in one
// rule, which says something only if the included ones are added to the
// levels; InfiniSDK's documentation calls the same field a restriction.
func tells(rule, event *schema.Object) bool {
	code := EventCode.Get(event)
	if !slices.Contains(RuleVisible.Get(rule), EventVisibility.Get(event)) || slices.Contains(RuleExclude.Get(rule), code) {
		return false
	}
	if slices.Contains(RuleInclude.Get(rule), code) {
		return true
	}
	levels, only := RuleLevels.Get(rule), RuleCode.Get(rule)
	if only != "" && only != code {
		return false
	}
	if len(levels) == 0 {
		return only != "" || len(RuleInclude.Get(rule)) == 0
	}
	return slices.Contains(levels, EventLevel.Get(event))
}

// notice is an event on its way to a target.
func (b *Box) notice(target, event *schema.Object) (deliver.Notice, error) {
	system, err := b.System()
	if err != nil {
		return deliver.Notice{}, err
	}
	n := deliver.Notice{
		Array: SystemName.Get(system), Serial: SystemSerial.Get(system),
		Target: deliver.Target{
			Name: TargetName.Get(target), Protocol: TargetProtocol.Get(target), Host: TargetHost.Get(target), Port: TargetPort.Get(target),
			TLS: TargetTLS.Get(target), From: TargetFrom.Get(target), Username: TargetUser.Get(target), Password: targetPassword.Get(target),
			Version: TargetVersion.Get(target), Community: TargetGroup.Get(target), Engine: TargetEngine.Get(target),
			AuthType: TargetAuthType.Get(target), AuthProtocol: TargetAuth.Get(target),
			PrivateProtocol: TargetCipher.Get(target), PrivateKey: targetKey.Get(target),
			Transport: TargetCarrier.Get(target), Facility: TargetFacility.Get(target),
		},
		Event: deliver.Event{
			ID: event.ID(), At: clock.FromMS(EventTime.Get(event)), Code: EventCode.Get(event), Level: EventLevel.Get(event),
			Description: EventDescription.Get(event), Reporter: EventReporter.Get(event), Visibility: EventVisibility.Get(event),
			Username: EventUser.Get(event), Entity: EventEntity.Get(event),
		},
	}
	for _, d := range EventData.Get(event) {
		n.Event.Data = append(n.Event.Data, deliver.Datum{Name: d.Name, Value: fmt.Sprint(d.Value)})
	}
	return n, nil
}

// recipientsOf are the addresses that a rule's parameters name.
func recipientsOf(params map[string]any) []string {
	list, _ := params["recipients"].([]any)
	var out []string
	for _, r := range list {
		if address, ok := r.(string); ok {
			out = append(out, address)
		}
	}
	return out
}

// testTarget has a target told something that is no event; the answer does not
// wait for it (InfiniSDK 289.1.4, notification_target.py: recipients are for
// SMTP alone).
//
// unsourced: the text, that it is in no log, and that a mail without recipients
// goes to the target's from_address.
func testTarget(b *Box, target *schema.Object, in *Input) (any, error) {
	body, err := DecodeBody(in.Raw)
	if err != nil {
		return nil, err
	}
	var recipients []string
	for _, name := range sortedKeys(body) {
		if name != "recipients" {
			return nil, apierr.New(apierr.UnknownField, "%s: unknown field of a test", name).About(name)
		}
		if json.Unmarshal(body[name], &recipients) != nil || slices.ContainsFunc(recipients, noAddress) {
			return nil, apierr.New(apierr.InvalidValue, "recipients: %s is no list of mail addresses", body[name]).About("recipients")
		}
	}
	q := b.queue()
	if q == nil {
		return true, nil
	}
	if len(recipients) == 0 && !TargetFrom.IsNull(target) {
		recipients = []string{TargetFrom.Get(target)}
	}
	event := schema.New(EventType, 0)
	EventCode.Set(event, "NOTIFICATION_TARGET_TEST")
	EventDescription.Set(event, "this is a test of notification target "+TargetName.Get(target))
	EventTime.Set(event, b.Tx.Now().MS())
	EventUser.Set(event, b.Who.Name)
	n, err := b.notice(target, event)
	if err != nil {
		return nil, err
	}
	n.Recipients = recipients
	b.Tx.OnCommit(func() { q.Put(n) })
	return true, nil
}

// noAddress reports whether a text is something other than the address of a
// mailbox, without a name before it.
func noAddress(text string) bool {
	a, err := mail.ParseAddress(text)
	return err != nil || a.Address != text
}

func mailAddress(v schema.Value) error {
	if !v.IsNull() && v.Text() != "" && noAddress(v.Text()) {
		return errors.New("is no mail address")
	}
	return nil
}

// anyOf takes words of a list, in any case, and nothing. What was sent stays as
// it was written.
func anyOf(words ...string) func(schema.Value) error {
	return func(v schema.Value) error {
		text := v.Text()
		if text == "" || slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(w, text) }) {
			return nil
		}
		return errors.New("is none of " + strings.Join(words, ", "))
	}
}

func facility(v schema.Value) error {
	if _, ok := deliver.FacilityCode(v.Text()); !ok && v.Text() != "" {
		return errors.New("is no facility of syslog, such as local0")
	}
	return nil
}

func engineID(v schema.Value) error {
	if v.Text() == "" {
		return nil
	}
	if _, err := deliver.EngineID(v.Text()); err != nil {
		return errors.New("is no engine of 5 to 32 bytes in hexadecimal digits")
	}
	return nil
}

// ruleParams checks what a rule sends with it: the recipients of mail.
func ruleParams(v schema.Value) error {
	if v.IsNull() {
		return nil
	}
	var params struct {
		Recipients []string `json:"recipients"`
	}
	if err := json.Unmarshal([]byte(v.Text()), &params); err != nil {
		return errors.New("is no object with a list of recipients")
	}
	if slices.ContainsFunc(params.Recipients, noAddress) {
		return errors.New("has a recipient that is no mail address")
	}
	return nil
}
