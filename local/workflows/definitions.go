package workflows

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"cloud.google.com/go/workflows/apiv1/workflowspb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"orderflow.dev/local/wal"
)

// definitions are the deployed workflows.
type definitions struct {
	changing sync.Mutex // held while a workflow is changed; taken before Engine.mu
	stream   *wal.Stream
	resumed  atomic.Bool // Resume was called: the journal takes records

	byID map[string]*definition // guarded by Engine.mu
}

// definition is a deployed workflow.
type definition struct {
	resource  *workflowspb.Workflow // never changed, but replaced; what belongs to a revision is there
	revisions []*revision           // oldest first, at least one
}

// revision is what an execution runs. It never changes.
type revision struct {
	id       string // of the workflow
	number   int
	name     string // e.g. 000002-3fa
	workflow *Workflow
	resource *workflowspb.Workflow // as it was when the revision was made
	program  bool                  // deployed by Engine.Deploy
	replayed bool                  // known from the journal
}

func (d *definitions) init(e *Engine) {
	d.byID = map[string]*definition{}
	d.stream = e.options.Journal.Attach("workflow-definitions", (*definitionsPart)(e))
}

// revision finds a revision of a workflow by its name, the latest without one or
// if it is not known; nil without the workflow. Engine.mu is held.
func (d *definitions) revision(id, name string) *revision {
	def := d.byID[id]
	if def == nil {
		return nil
	}
	if r := def.find(name); r != nil {
		return r
	}
	return def.latest()
}

func (d *definition) latest() *revision { return d.revisions[len(d.revisions)-1] }

// find gives the revision of a name, nil if there is none.
func (d *definition) find(name string) *revision {
	for _, r := range d.revisions {
		if r.name == name {
			return r
		}
	}
	return nil
}

// show is the workflow as it is now, with the code and its surroundings as they
// are in a revision.
func (d *definition) show(r *revision) *workflowspb.Workflow {
	out := proto.CloneOf(d.resource)
	out.RevisionId, out.RevisionCreateTime = r.name, r.resource.GetRevisionCreateTime()
	for path, ofRevision := range mutable {
		if ofRevision {
			copyField(out, r.resource, path)
		}
	}
	return out
}

// labels are a workflow's, overridden by those of an execution. Engine.mu is
// held.
func (d *definitions) labels(id string, own map[string]string) map[string]string {
	all := maps.Clone(d.byID[id].resource.GetLabels())
	if all == nil {
		return own
	}
	maps.Copy(all, own)
	return all
}

// newRevision names the next revision of a workflow. The end of its name, which
// is random in the service, follows from the source here: a program that deploys
// the same again has the same names again.
func newRevision(id string, before int, w *Workflow, resource *workflowspb.Workflow, program bool) *revision {
	sum := sha256.Sum256([]byte(w.source))
	return &revision{
		id: id, number: before + 1, workflow: w, resource: resource, program: program,
		name: fmt.Sprintf("%06d-%03x", before+1, uint16(sum[0])<<4|uint16(sum[1])>>4),
	}
}

// Deploy makes a workflow available under an id. Deploying to the same id again
// makes a new revision; running executions keep theirs.
//
// With Options.Journal, what was deployed before Resume is kept from then on, and
// what is deployed after it at once. What a program deploys again as it did before a restart is no new revision: an update through
// the API in between stays in force.
func (e *Engine) Deploy(id string, w *Workflow) {
	e.definitions.changing.Lock()
	defer e.definitions.changing.Unlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	resource := &workflowspb.Workflow{}
	if old := e.definitions.byID[id]; old != nil {
		if old.deployed(w) {
			return
		}
		resource = old.show(old.latest())
	}
	resource.SourceCode = &workflowspb.Workflow_SourceContents{SourceContents: w.source}
	d := e.define(id, w, resource, true)
	if e.definitions.resumed.Load() {
		e.definitions.note(id, d, d.latest())
	}
}

// deployed tells whether a workflow is what the program deployed last, before a
// restart.
func (d *definition) deployed(w *Workflow) bool {
	for _, r := range slices.Backward(d.revisions) {
		if r.program {
			return r.replayed && r.workflow.source == w.source
		}
	}
	return false
}

// define puts a workflow in its place, with a new revision if w is not nil.
// Engine.mu is held.
func (e *Engine) define(id string, w *Workflow, resource *workflowspb.Workflow, program bool) *definition {
	now := timestamppb.New(e.options.Clock.Now())
	d := e.definitions.byID[id]
	before := 0
	if d == nil {
		d = &definition{}
		e.definitions.byID[id] = d
		resource.Name, resource.CreateTime = e.workflowName(id), now
		resource.State = workflowspb.Workflow_ACTIVE
	} else {
		before = d.latest().number
	}
	resource.UpdateTime, d.resource = now, resource
	if w != nil {
		resource.RevisionCreateTime = now
		d.revisions = append(d.revisions, newRevision(id, before, w, resource, program))
	}
	return d
}

func (e *Engine) noWorkflow(id string) error {
	return status.Errorf(codes.NotFound, "workflow %s does not exist", e.workflowName(id))
}

// shownWorkflow gives a workflow as the API shows it, in a revision or the
// latest. The error is a gRPC status.
func (e *Engine) shownWorkflow(id, revision string) (*workflowspb.Workflow, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	d := e.definitions.byID[id]
	if d == nil {
		return nil, e.noWorkflow(id)
	}
	if revision == "" {
		return d.show(d.latest()), nil
	}
	r := d.find(revision)
	if r == nil {
		return nil, status.Errorf(codes.NotFound, "workflow %s has no revision %s", e.workflowName(id), revision)
	}
	return d.show(r), nil
}

// has reports whether a workflow is deployed.
func (e *Engine) has(id string) bool {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.definitions.byID[id] != nil
}

// shownWorkflows gives all workflows as the API shows them.
func (e *Engine) shownWorkflows() (out []*workflowspb.Workflow) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	for _, d := range e.definitions.byID {
		out = append(out, d.show(d.latest()))
	}
	return out
}

// shownRevisions gives all revisions of a workflow. The error is a gRPC status.
func (e *Engine) shownRevisions(id string) (out []*workflowspb.Workflow, err error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	d := e.definitions.byID[id]
	if d == nil {
		return nil, e.noWorkflow(id)
	}
	for _, r := range d.revisions {
		out = append(out, d.show(r))
	}
	return out, nil
}
