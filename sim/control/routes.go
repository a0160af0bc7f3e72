package control

import (
	"net/http"

	"infinisim/sim/fault"
	"infinisim/sim/generate"
	"infinisim/sim/journal"
	"infinisim/sim/lab"
	"infinisim/sim/model"
	"infinisim/sim/replication"
)

// route is a request that the control plane takes, and what its description
// says of it.
type route struct {
	method, path string
	do           handler
	// summary is one line about it.
	summary string
	// body is a value of the type that the body is read as, nil where there is
	// none; answer is one of the type that answers.
	body, answer any
	// later answers with the status 202 where the request goes on after it, nil
	// where none does.
	later any
	// also are the schemas of answers of other content types.
	also map[string]object
	// query are the parameters after the question mark.
	query []string
	// labs says that the path names no lab, or names it by itself.
	labs bool
	// most is how long a body may be, 0 for maxBody.
	most int64
}

// anything is a body or an answer whose members depend on what it is about.
type anything map[string]any

// either is a body or an answer of one type or another.
type either []any

// routes is everything that the control plane takes: the router, the
// description and the manual are held against it.
func routes() []route {
	var all []route
	for _, some := range [][]route{
		clockRoutes(), arrayRoutes(), dataRoutes(), vasaRoutes(), viewRoutes(), linkRoutes(), faultRoutes(), journalRoutes(), labRoutes(), stateRoutes(),
		watchRoutes(),
	} {
		all = append(all, some...)
	}
	return all
}

const (
	get    = http.MethodGet
	post   = http.MethodPost
	put    = http.MethodPut
	patch  = http.MethodPatch
	remove = http.MethodDelete
)

func clockRoutes() []route {
	return []route{
		{method: get, path: "/clock", do: readClock, summary: "Tells the lab's time and when something is due next.", answer: clockView{}},
		{method: post, path: "/clock/freeze", do: freeze, summary: "Stops the clock.", body: struct{}{}, answer: clockView{}},
		{method: post, path: "/clock/speed", do: speed, summary: "Lets the clock run, also a frozen one.", body: speedAsk{}, answer: clockView{}},
		{method: post, path: "/clock/advance", do: advance, summary: "Moves the clock and runs what is due on the way.", body: advanceAsk{}, answer: moved{}, later: operationView{}},
		{method: get, path: "/operations", do: listOperations, summary: "Lists the long moves of the clock, oldest first.", answer: []operationView{}},
		{method: get, path: "/operations/{id}", do: readOperation, summary: "Tells how far a long move is; with wait, once it ended or after so long.", answer: operationView{}, query: []string{"wait"}},
		{method: remove, path: "/operations/{id}", do: cancelOperation, summary: "Stops a long move between two moves; forgets one that ended.", answer: operationView{}},
		{method: post, path: "/clock/settle", do: settle, summary: "Moves from due job to due job until nothing that was asked for is left.", body: struct{}{}, answer: moved{}},
		{method: post, path: "/clock/followers", do: addFollower, summary: "Has another process move with this one.", body: follower{}, answer: clockView{}},
	}
}

func arrayRoutes() []route {
	return []route{
		{method: get, path: "/arrays", do: listArrays, summary: "Lists the arrays and how they are reached.", answer: []arrayView{}},
		{method: post, path: "/arrays", do: addArray, summary: "Adds an array.", body: lab.ArraySetup{}, answer: arrayView{}},
		{method: patch, path: "/arrays/{key}", do: changeArray, summary: "Changes what no administrator can.", body: model.Tweak{}, answer: arrayView{}},
		{method: remove, path: "/arrays/{key}", do: removeArray, summary: "Takes an array out of the lab.", answer: removed{}},
		{method: get, path: "/arrays/{key}/openapi.json", do: restAPI, summary: "Describes the REST API of an array, with its release and features, as OpenAPI 3.1.", answer: anything{}},
		{method: get, path: "/arrays/{key}/rest/*", do: ask, summary: "Answers a GET of the array's REST API, for who only looks: without session, faults and journal.", answer: anything{}, query: []string{"fields", "sort", "page", "page_size"}},
		{method: put, path: "/arrays/{key}/features/{feature}", do: setFeature, summary: "Switches a feature on or off.", body: featureAsk{}, answer: featureView{}},
		{method: post, path: "/arrays/{key}/events", do: addEvent, summary: "Emits an event of any code.", body: eventAsk{}, answer: eventView{}},
		{method: put, path: "/arrays/{key}/users/{user}/password", do: setPassword, summary: "Sets a password past the array's policy.", body: passwordAsk{}, answer: passwordView{}},
		{method: patch, path: "/arrays/{key}/components/*", do: setComponent, summary: "Has a part of the hardware change its state.", body: anything{}, answer: anything{}},
		{method: post, path: "/arrays/{key}/activate", do: activate(true), summary: "Puts an array back on the network.", answer: arrayView{}},
		{method: post, path: "/arrays/{key}/deactivate", do: activate(false), summary: "Takes an array off the network.", answer: arrayView{}},
		{method: post, path: "/arrays/{key}/ips", do: allocateIP, summary: "Finds an address that is free in the lab.", body: ipAsk{}, answer: ipView{}},
	}
}

func dataRoutes() []route {
	return []route{
		{method: post, path: "/arrays/{key}/datasets/{id}/write", do: write, summary: "Writes as a host does.", body: lab.Write{}, answer: digestView{}},
		{method: get, path: "/arrays/{key}/datasets/{id}/digest", do: digest, summary: "Tells the digest of a dataset's content.", answer: digestView{}},
		{method: get, path: "/arrays/{key}/datasets/{id}/workload", do: readWorkload, summary: "Tells what hosts do to a dataset.", answer: workloadView{}},
		{method: put, path: "/arrays/{key}/datasets/{id}/workload", do: setWorkload, summary: "Has hosts work on a dataset.", body: workloadView{}, answer: workloadView{}},
		{method: post, path: "/arrays/{key}/nlm_locks", do: addLock, summary: "Has a client of NFS lock a file.", body: model.Lock{}, answer: lockView{}},
		{method: post, path: "/arrays/{key}/s3_buckets/{id}/objects", do: putS3, summary: "Has a client of S3 add objects or take them away.", body: s3Ask{}, answer: s3View{}},
	}
}

func viewRoutes() []route {
	return []route{
		{method: get, path: "/pools", do: listPools, summary: "Shows the pools of all arrays, or of one.", answer: []lab.PoolView{}, query: []string{"array"}},
		{method: get, path: "/links", do: listLinks, summary: "Shows the halves of links of all arrays, or of one, and how their paths behave now.", answer: []lab.LinkView{}, query: []string{"array"}},
		{method: get, path: "/replicas", do: listReplicas, summary: "Shows the halves of replicas of all arrays, or of one, with their lags and jobs.", answer: []lab.ReplicaView{}, query: []string{"array", "state"}},
	}
}

func linkRoutes() []route {
	return []route{
		{method: post, path: "/arrays/{key}/links/{id}/cut", do: cut, summary: "Cuts the path behind a link, in one direction or both.", body: cutAsk{}, answer: pathView{}},
		{method: post, path: "/arrays/{key}/links/{id}/restore", do: restore, summary: "Mends the path behind a link.", answer: pathView{}},
		{method: post, path: "/arrays/{key}/links/{id}/witness/cut", do: witness(true), summary: "Cuts the array's way to the witness.", answer: witnessView{}},
		{method: post, path: "/arrays/{key}/links/{id}/witness/restore", do: witness(false), summary: "Mends the array's way to the witness.", answer: witnessView{}},
		{method: get, path: "/arrays/{key}/links/{id}/schedule", do: readSchedule, summary: "Tells how the path changes by the lab's clock.", answer: scheduleView{}},
		{method: put, path: "/arrays/{key}/links/{id}/schedule", do: setSchedule, summary: "Has the path change by the lab's clock.", body: scheduleAsk{}, answer: scheduleView{}},
		{method: get, path: "/arrays/{key}/links/{id}/model", do: readModel, summary: "Tells how the path behaves.", answer: pathView{}},
		{method: put, path: "/arrays/{key}/links/{id}/model", do: setModel, summary: "Changes how the path behaves.", body: pathAsk{}, answer: pathView{}},
	}
}

func watchRoutes() []route {
	return []route{
		{method: get, path: "/watch", do: watch, summary: "Tells what the lab looks like, and again whenever that changed, as server-sent events.", answer: stream(nil), query: []string{"updates"}},
		{method: get, path: "/arrays/{key}/components", do: listComponents, summary: "Lists the hardware of an array with its states, and what can be set of it.", answer: model.ComponentViews{}},
		{method: get, path: "/arrays/{key}/replicas/{id}/history", do: replicaHistory, summary: "Tells the jobs and the lag of a replica, as far back as the journal goes.", answer: replication.History{}, query: []string{"since"}},
	}
}

func faultRoutes() []route {
	return []route{
		{method: get, path: "/faults", do: listFaults, summary: "Lists the fault rules with their counts.", answer: []fault.Count{}},
		{method: post, path: "/faults", do: addFault, summary: "Puts a rule in force, or what a preset comes to; answers the rule, or the plan.", body: either{fault.Rule{}, fault.Ask{}}, answer: either{fault.Rule{}, fault.Plan{}}},
		{method: get, path: "/faults/presets", do: listPresets, summary: "Lists the presets and what they come to.", answer: []fault.Preset{}},
		{method: remove, path: "/faults", do: clearFaults, summary: "Takes all rules away.", answer: removedMany{}},
		{method: remove, path: "/faults/{fault}", do: removeFault, summary: "Takes a rule away.", answer: removed{}},
	}
}

func journalRoutes() []route {
	return []route{
		{method: post, path: "/reset", do: reset, summary: "Makes the arrays fresh again.", body: struct{}{}, answer: resetView{}},
		{method: get, path: "/journal", do: readJournal, summary: "Gives the journal as JSON lines.", answer: lines{}, also: map[string]object{"application/json": {"type": "object"}}, query: []string{"array", "method", "path", "user", "status", "code", "kind", "object", "entry", "since", "until", "format"}},
		{method: post, path: "/verify", do: verify, summary: "Holds what was asked against what was expected.", body: verifyAsk{}, answer: journal.Verdict{}},
		{method: get, path: "/coverage", do: readCoverage, summary: "Tells what was reached and what never was.", answer: anything{}, also: map[string]object{"text/html": {"type": "string"}}, query: []string{"format", "labs"}},
		{method: get, path: "/driven", do: readDriven, summary: "Counts how often each route of the arrays was asked.", answer: map[string]int{}},
		{method: get, path: "/missing", do: readMissing, summary: "Counts the requests that no route answered.", answer: []count{}},
		{method: get, path: "/unread", do: readUnread, summary: "Counts the body keys that nothing knew.", answer: []count{}},
		{method: get, path: "/check", do: readBroken, summary: "Names the first change that left something not as it must be.", answer: brokenView{}},
		{method: post, path: "/check", do: check, summary: "Names everything in the lab that is not as it must be.", answer: checkView{}},
	}
}

func labRoutes() []route {
	return []route{
		{method: get, path: "/health", do: health, summary: "Answers when everything serves.", answer: healthView{}, labs: true},
		{method: get, path: metricsPath, summary: "Gives metrics as Prometheus reads them.", answer: plain(""), query: []string{"labs"}, labs: true},
		{method: get, path: "/openapi.json", do: openAPI, summary: "Describes the control plane: this.", answer: anything{}, labs: true},
		{method: get, path: "/labs", do: listLabs, summary: "Lists the labs.", answer: []labView{}, labs: true},
		{method: post, path: "/labs", do: createLab, summary: "Makes a lab.", body: labAsk{}, answer: labView{}, labs: true},
		{method: get, path: "/labs/{lab}", do: readLab, summary: "Tells of a lab.", answer: labView{}, labs: true},
		{method: remove, path: "/labs/{lab}", do: deleteLab, summary: "Takes a lab away.", answer: labRemoved{}, labs: true},
		{method: post, path: "/labs/{lab}/travel", do: travel, summary: "Makes a copy of a lab as it was just before an entry of its journal.", body: travelAsk{}, answer: travelView{}, labs: true},
		{method: post, path: "/fork", do: forkLab, summary: "Makes an independent copy of a lab, or of a snapshot of it.", body: forkAsk{}, answer: labView{}},
	}
}

func stateRoutes() []route {
	return []route{
		{method: get, path: "/snapshots", do: listSnapshots, summary: "Lists the states of the lab that were kept.", answer: []snapshotView{}},
		{method: post, path: "/snapshots", do: takeSnapshot, summary: "Keeps the lab as it is now under a name.", body: snapshotAsk{}, answer: snapshotView{}},
		{method: remove, path: "/snapshots/{snapshot}", do: deleteSnapshot, summary: "Takes a kept state away.", answer: snapshotRemoved{}},
		{method: post, path: "/generate", do: generateLab, summary: "Fills an array with objects by the thousand.", body: generate.Plan{}, answer: generate.Made{}},
		{method: get, path: "/export", do: exportLab, summary: "Gives everything that the lab holds as JSON lines.", answer: lines{}},
		{method: post, path: "/import", do: importLab, summary: "Makes a lab of what export gave.", body: lines{}, answer: labView{}, query: []string{"name", "clock", "ports"}, labs: true, most: mostImported},
		{method: post, path: "/restore", do: restoreLab, summary: "Makes the lab what it was when a snapshot was taken.", body: restoreAsk{}, answer: labView{}},
	}
}
