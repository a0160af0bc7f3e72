package model

import (
	"errors"
	"strings"
	"time"

	"infinisim/sim/apierr"
	"infinisim/sim/clock"
	"infinisim/sim/job"
	"infinisim/sim/schema"
)

// The types of schedules, and the day that is any (InfiniSDK 289.1.4,
// doc/snapshot_policies.rst).
const (
	byPeriod = "periodic"
	byClock  = "clock"
	everyDay = "all"
)

// mostSchedules is how many a policy has (InfiniSDK 289.1.4,
// doc/snapshot_policies.rst).
const mostSchedules = 8

// The jobs of schedules and of what they make.
const (
	jobSchedule = "snapshot_policy.schedule" // makes the snapshots
	jobExpire   = "snapshot.expire"          // the retention is over
)

// The fields of a schedule. Times are in seconds; the time of day counts from
// midnight, UTC.
var (
	SchedulePolicy = schema.Ref(schema.Field{Name: "snapshot_policy_id", Flags: schema.Index}, "snapshot_policy")
	ScheduleName   = schema.String(schema.Field{Name: "name", Flags: schema.Create | schema.NotNull, Check: checkName, Pattern: namePattern})
	ScheduleOn     = schema.Bool(schema.Field{Name: "enabled", Flags: schema.Update, Default: true})
	ScheduleKind   = schema.Enum(schema.Field{Name: "type", Flags: schema.Create, Enum: []string{byPeriod, byClock}, Default: byPeriod})
	ScheduleEvery  = schema.Int(schema.Field{Name: "interval", Flags: schema.Create, Check: positive})
	ScheduleDay    = schema.Enum(schema.Field{Name: "day_of_week", Flags: schema.Create, Enum: append(weekdays(), everyDay)})
	ScheduleTime   = schema.Int(schema.Field{Name: "time_of_day", Flags: schema.Create, Check: timeOfDay})
	ScheduleKeep   = schema.Int(schema.Field{Name: "retention", Flags: schema.Create, Check: positive})
	ScheduleLock   = schema.Bool(schema.Field{Name: "lock_snapshots", Flags: schema.Update})

	// Schedule says when a snapshot policy makes snapshots.
	Schedule = schema.NewType("schedule", SchedulePolicy, ScheduleName, ScheduleOn, ScheduleKind, ScheduleEvery, ScheduleDay,
		ScheduleTime, ScheduleKeep, ScheduleLock)
)

func weekdays() []string {
	days := make([]string, 0, 8)
	for d := time.Sunday; d <= time.Saturday; d++ {
		days = append(days, strings.ToLower(d.String()))
	}
	return days
}

func positive(v schema.Value) error {
	if !v.IsNull() && v.Int() < 1 {
		return errors.New("is not above zero")
	}
	return nil
}

func timeOfDay(v schema.Value) error {
	if v.Int() < 0 || v.Int() >= day {
		return errors.New("is no number of seconds since midnight")
	}
	return nil
}

func scheduleKind() *Kind {
	return &Kind{
		Least: RoleAdmin,
		Type:  Schedule, Path: "snapshot_policies/{snapshot_policy_id}/schedules", NotFound: apierr.ScheduleNotFound,
		Conflict: apierr.ScheduleNameConflict, Single: true, Gate: gateSnapshotPolicies,
		Forms: []Form{{
			Name: "a schedule by the clock", Required: []string{"name", "retention", "day_of_week", "time_of_day"}, Refused: []string{"interval"},
			When: func(in Body) bool { return strings.EqualFold(text(in["type"]), byClock) },
		}, {
			Name: "a periodic schedule", Required: []string{"name", "retention", "interval"}, Refused: []string{"day_of_week", "time_of_day"},
		}},
		Hooks: Hooks{
			BeforeCreate: beforeScheduleCreate,
			AfterCreate:  afterScheduleCreate,
			AfterUpdate:  afterScheduleUpdate,
			BeforeDelete: func(b *Box, o *schema.Object, _ *Input) error { return b.forgetMaker(o, DatasetBySchedule) },
			AfterDelete:  func(b *Box, o *schema.Object, _ *Input) error { return b.emitSchedule(o, "DELETED") },
		},
	}
}

// emitSchedule reports what happened to a schedule, as events call it
// (InfiniSDK 289.1.4, doc/events.rst).
func (b *Box) emitSchedule(o *schema.Object, verb string) error {
	return b.emitAs("snapshot_schedule", "snapshot schedule", o, verb)
}

func scheduleRoutes(policy, k *Kind) []Route {
	set := func(on bool) func(b *Box, o *schema.Object, in *Input) (any, error) {
		return func(b *Box, o *schema.Object, in *Input) (any, error) {
			return b.Update(k, o.ID(), &Input{Request: in.Request, Body: NewBody(map[string]any{ScheduleOn.Name(): on})})
		}
	}
	return append(subRoutes(policy, k, "schedules", SchedulePolicy),
		subPost(policy, k, "schedules", "enable", SchedulePolicy, set(true)),
		subPost(policy, k, "schedules", "disable", SchedulePolicy, set(false)),
	)
}

func (b *Box) schedules(policy int64) []int64 {
	return b.Tx.IDsBy(b.Key, Schedule, SchedulePolicy.Field(), schema.RefValue(policy))
}

func beforeScheduleCreate(b *Box, o *schema.Object, in *Input) error {
	policy := parentOf(in)
	SchedulePolicy.Set(o, policy)
	all := b.schedules(policy)
	if len(all) >= mostSchedules {
		return apierr.New(apierr.ScheduleLimitExceeded, "snapshot policy %d has %d schedules, as many as there can be", policy, len(all))
	}
	for _, id := range all {
		other, err := b.Must(Schedule, id)
		if err != nil {
			return err
		}
		if ScheduleName.Get(other) == ScheduleName.Get(o) {
			return b.nameConflict(o, ScheduleName.Field())
		}
	}
	return nil
}

func afterScheduleCreate(b *Box, o *schema.Object, _ *Input) error {
	if err := b.emitSchedule(o, "CREATED"); err != nil {
		return err
	}
	return b.switchSchedule(o)
}

func afterScheduleUpdate(b *Box, old, o *schema.Object, _ *Input) error {
	if ScheduleOn.Get(old) == ScheduleOn.Get(o) {
		return nil
	}
	return b.switchSchedule(o)
}

// switchSchedule puts a schedule on the timetable, or takes it off.
func (b *Box) switchSchedule(o *schema.Object) error {
	if !ScheduleOn.Get(o) {
		job.Cancel(b.Tx, b.Owner(o), jobSchedule)
		return b.emitSchedule(o, "DISABLED")
	}
	b.scheduleNext(o, b.Tx.Now())
	return b.emitSchedule(o, "ENABLED")
}

func (b *Box) scheduleNext(o *schema.Object, after clock.Time) {
	job.Add(b.Tx, job.Job{Due: nextRun(o, after), Class: job.Periodic, Name: jobSchedule, Owner: b.Owner(o)})
}

// nextRun is when a schedule runs first after a time.
//
// unsourced: that a periodic schedule first runs one interval after it is
// enabled, and that the time of day is UTC.
func nextRun(o *schema.Object, after clock.Time) clock.Time {
	if ScheduleKind.Get(o) == byPeriod {
		return after.Add(clock.Span(ScheduleEvery.Get(o), time.Second))
	}
	t := time.UnixMilli(after.MS()).UTC()
	at := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, int(ScheduleTime.Get(o)), 0, time.UTC)
	want := ScheduleDay.Get(o)
	for !at.After(t) || want != everyDay && !strings.EqualFold(at.Weekday().String(), want) {
		at = at.AddDate(0, 0, 1)
	}
	return clock.FromTime(at)
}

// runSchedule makes a snapshot of everything that has the schedule's policy.
// What cannot be snapshotted, as in a pool that is full, is reported and left
// out.
//
// unsourced: the code of the event that reports it.
func runSchedule(b *Box, o *schema.Object, j job.Job) error {
	b.scheduleNext(o, j.Due)
	policy, err := b.Must(SnapshotPolicy, SchedulePolicy.Get(o))
	if err != nil {
		return err
	}
	for _, t := range scheduled() {
		for _, id := range b.assignedTo(policy, t) {
			err := b.Try(func(b *Box) error { return b.snapshotBy(policy, o, t, id) })
			refusal, refused := apierr.As(err)
			switch {
			case refused:
				err = b.Emit(Event{
					Code: "SNAPSHOT_SCHEDULE_FAILED", Level: "WARNING", Entity: id,
					Template: "snapshot schedule {schedule} made no snapshot of {id}: {reason}",
					Data: []Datum{
						{Name: "schedule", Type: "String", Value: ScheduleName.Get(o)},
						{Name: "id", Type: "Long", Value: id},
						{Name: "reason", Type: "String", Value: refusal.Message},
					},
				})
				if err != nil {
					return err
				}
			case err != nil:
				return err
			}
		}
	}
	return nil
}

// snapshotBy makes one snapshot, or one group of them, for a schedule.
//
// unsourced: how the name of a snapshot is made from that of the dataset, the
// suffix of the policy and the time.
func (b *Box) snapshotBy(policy, schedule *schema.Object, t *schema.Type, id int64) error {
	parent, err := b.Must(t, id)
	if err != nil {
		return err
	}
	if t == ConsGroup && len(b.memberIDs(parent, Volume))+len(b.memberIDs(parent, Filesystem)) == 0 {
		return nil
	}
	now := b.Tx.Now()
	suffix := time.UnixMilli(now.MS()).UTC().Format("-20060102-150405")
	if PolicySuffix.Get(policy) != "" {
		suffix = "-" + strings.TrimPrefix(PolicySuffix.Get(policy), "-") + suffix
	}
	name := []rune(nameOf(parent))
	if most := longestName - len([]rune(suffix)); len(name) > most {
		name = name[:max(most, 0)]
	}
	ask := map[string]any{"name": b.FreeName(t, t.Field("name"), string(name)+suffix), "parent_id": id}
	if b.Open(DatasetRetention.Field()) {
		ask["snapshot_retention"] = ScheduleKeep.Get(schedule)
	}
	if ScheduleLock.Get(schedule) {
		ask["lock_expires_at"] = now.Add(clock.Span(ScheduleKeep.Get(schedule), time.Second)).MS()
	}
	if t == ConsGroup {
		ask["snap_suffix"] = suffix
	}
	snap, err := b.Create(b.Eng.Catalog.Kind(t.Name()), &Input{Request: Request{Approved: true}, Body: NewBody(ask)})
	if err != nil {
		return err
	}
	made := []*schema.Object{snap}
	if t == ConsGroup {
		members, err := b.Members(snap)
		if err != nil {
			return err
		}
		made = append(made, members...)
	}
	for _, o := range made {
		DatasetByPolicy.Set(o, policy.ID())
		DatasetByPolicyName.Set(o, PolicyName.Get(policy))
		DatasetBySchedule.Set(o, schedule.ID())
		DatasetByScheduleName.Set(o, ScheduleName.Get(schedule))
		if err := b.Tx.Put(b.Key, o); err != nil {
			return err
		}
	}
	return nil
}

// keepFor sets when a snapshot that has a retention expires, in seconds since
// 1970.
func (b *Box) keepFor(o *schema.Object) {
	if n := DatasetRetention.Get(o); n > 0 {
		DatasetExpires.Set(o, b.Tx.Now().MS()/1000+n)
	}
}

// expireLater has a snapshot go when its retention is over. The members of a
// snapshot group go with the group.
func (b *Box) expireLater(o *schema.Object) {
	if n := DatasetRetention.Get(o); n > 0 {
		b.After(clock.Span(n, time.Second), job.Periodic, jobExpire, o)
	}
}

// expireAgain is when the array looks again at a snapshot that it could not
// delete.
//
// unsourced: that an expired snapshot which is locked, mapped, exported or has
// snapshots of its own stays until that is over, and is looked at every hour.
const expireAgain = time.Hour

// expire deletes a snapshot whose retention is over.
func expire(b *Box, o *schema.Object, j job.Job) error {
	if o.Type() != ConsGroup && !DatasetCG.IsNull(o) {
		return nil
	}
	err := b.Try(func(b *Box) error {
		if o.Type() != ConsGroup && len(b.Children(o)) > 0 {
			return apierr.New(apierr.ApprovalRequiredVolumeHasChildren, "%s %d has children", words(o.Type()), o.ID())
		}
		_, err := b.Delete(b.Kind(o), o.ID(), &Input{Request: Request{Approved: true}})
		return err
	})
	if _, refused := apierr.As(err); refused {
		b.After(expireAgain, j.Class, jobExpire, o)
		return nil
	}
	return err
}
