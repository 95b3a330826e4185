package workflows

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"cloud.google.com/go/workflows/executions/apiv1/executionspb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"orderflow.dev/local/workflows/aip"
)

// stepEntry is a StepEntry of the Executions API, which its Go client has not
// (https://cloud.google.com/workflows/docs/reference/executions/rest, resource
// projects.locations.workflows.executions.stepEntries).
type stepEntry struct {
	Name       string         `json:"name"`
	CreateTime time.Time      `json:"createTime"`
	UpdateTime time.Time      `json:"updateTime"`
	Routine    string         `json:"routine,omitempty"`
	Step       string         `json:"step,omitempty"`
	StepType   string         `json:"stepType,omitempty"`
	State      string         `json:"state"`
	Exception  *stepException `json:"exception,omitempty"`
	EntryID    int64          `json:"entryId,string"`
	Navigation navigation     `json:"navigationInfo,omitzero"`
	Metadata   stepMetadata   `json:"stepEntryMetadata,omitzero"`
}

type stepException struct {
	Payload string `json:"payload"` // JSON
}

// navigation has the IDs of other entries.
type navigation struct {
	Parent   int64    `json:"parent,omitzero,string"`
	Previous int64    `json:"previous,omitzero,string"`
	Next     int64    `json:"next,omitzero,string"`
	Children []string `json:"children,omitempty"`
}

type stepMetadata struct {
	ThreadID string `json:"threadId,omitempty"`
}

// States of a step entry.
const (
	stepRuns      = "STATE_IN_PROGRESS"
	stepSucceeded = "STATE_SUCCEEDED"
	stepFailed    = "STATE_FAILED"
)

// stepEntries shows the trace of an execution.
func stepEntries(x Execution) []stepEntry {
	out := make([]stepEntry, len(x.Trace))
	at := map[int64]int{}
	for i, t := range x.Trace {
		out[i], at[t.ID] = newStepEntry(x.Name, t), i
	}
	for _, t := range x.Trace {
		if i, ok := at[t.Parent]; ok {
			out[i].Navigation.Children = append(out[i].Navigation.Children, strconv.FormatInt(t.ID, 10))
		}
		if i, ok := at[t.Previous]; ok {
			out[i].Navigation.Next = t.ID
		}
	}
	return out
}

func newStepEntry(execution string, t StepTrace) stepEntry {
	e := stepEntry{
		Name: execution + "/stepEntries/" + strconv.FormatInt(t.ID, 10), EntryID: t.ID,
		Routine: t.Routine, Step: t.Step, StepType: t.Type,
		CreateTime: t.Start.UTC(), UpdateTime: t.End.UTC(), State: stepSucceeded,
		Navigation: navigation{Parent: t.Parent, Previous: t.Previous},
	}
	if t.Thread != 0 {
		e.Metadata.ThreadID = strconv.FormatInt(t.Thread, 10)
	}
	switch {
	case t.End.IsZero():
		e.State, e.UpdateTime = stepRuns, e.CreateTime
	case t.Error != "":
		e.State, e.Exception = stepFailed, &stepException{t.Payload}
	}
	return e
}

// stepList has the fields that the reference of stepEntries.list names; orders
// do not know parent.
var stepList = aip.List[stepEntry]{
	Fields: map[string]aip.Field[stepEntry]{
		"entryid":    aip.Int(func(e stepEntry) int64 { return e.EntryID }),
		"createtime": aip.Time(func(e stepEntry) time.Time { return e.CreateTime }),
		"updatetime": aip.Time(func(e stepEntry) time.Time { return e.UpdateTime }),
		"routine":    aip.Text(func(e stepEntry) string { return e.Routine }),
		"step":       aip.Text(func(e stepEntry) string { return e.Step }),
		"steptype":   aip.Text(func(e stepEntry) string { return e.StepType }),
		"state":      aip.Enum(func(e stepEntry) string { return e.State }, stepRuns, stepSucceeded, stepFailed),
		"parent":     aip.Int(func(e stepEntry) int64 { return e.Navigation.Parent }).FilterOnly(),
	},
	Last:    aip.Int(func(e stepEntry) int64 { return e.EntryID }),
	Default: 1000, Most: 1000,
}

type stepPage struct {
	Entries []stepEntry `json:"stepEntries,omitempty"`
	Next    string      `json:"nextPageToken,omitempty"`
	Total   int         `json:"totalSize,omitempty"`
}

func (a *api) listSteps(r *http.Request) (any, error) {
	ex, err := a.find(parent(r) + "/executions/" + r.PathValue("execution"))
	if err != nil {
		return nil, err
	}
	q := r.URL.Query()
	size, err := number32(q.Get("pageSize"), "pageSize")
	if err != nil {
		return nil, err
	}
	skip, err := number32(q.Get("skip"), "skip")
	if err != nil {
		return nil, err
	}
	p, err := page(stepList, stepEntries(ex.whole()), aip.Request{
		Filter: q.Get("filter"), OrderBy: q.Get("orderBy"), Token: q.Get("pageToken"), Size: size, Skip: skip,
	})
	return stepPage{p.Items, p.Next, p.Total}, err
}

func number32(text, name string) (int, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return 0, status.Errorf(codes.InvalidArgument, "parameter %s: %q is no 32-bit number", name, text)
	}
	return int(n), nil
}

func (a *api) getStep(r *http.Request) (any, error) {
	ex, err := a.find(parent(r) + "/executions/" + r.PathValue("execution"))
	if err != nil {
		return nil, err
	}
	for _, e := range stepEntries(ex.whole()) {
		if strconv.FormatInt(e.EntryID, 10) == r.PathValue("entry") {
			return e, nil
		}
	}
	return nil, status.Errorf(codes.NotFound, "execution has no step entry %s", r.PathValue("entry"))
}

// exportData gives all that is known of an execution, as JSON in a string. What
// is in it the service does not say.
func (a *api) exportData(r *http.Request) (any, error) {
	ex, err := a.find(target(r))
	if err != nil {
		return nil, err
	}
	s := ex.whole()
	execution, err := a.toJSON(toProto(s, executionspb.ExecutionView_FULL), false)
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(struct {
		Execution json.RawMessage `json:"execution"`
		stepPage
	}{execution, stepPage{Entries: stepEntries(s)}})
	return map[string]string{"data": string(data)}, err
}

// deleteHistory deletes the step entries of an execution that has ended. Whether
// the service would do so while one runs it does not say.
func (a *api) deleteHistory(r *http.Request) (any, error) {
	ex, err := a.find(target(r))
	if err != nil {
		return nil, err
	}
	ex.mu.Lock()
	defer ex.mu.Unlock()
	if !ex.state.State.finished() {
		return nil, status.Errorf(codes.FailedPrecondition, "execution %s runs: cancel it or wait for its end", target(r))
	}
	ex.state.Trace = nil
	return struct{}{}, nil
}
