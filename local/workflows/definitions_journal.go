package workflows

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"cloud.google.com/go/workflows/apiv1/workflowspb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"orderflow.dev/local/wal"
)

// definitionRecord is a workflow as a change left it.
type definitionRecord struct {
	ID       string
	Resource []byte `json:",omitempty"` // a Workflow, none if it is deleted
	Program  bool   `json:",omitempty"` // its revision was deployed by Engine.Deploy
}

func encodeResource(w *workflowspb.Workflow) []byte {
	b, err := proto.Marshal(w)
	if err != nil {
		panic(err) // only text that is not UTF-8 cannot be encoded, and gRPC and JSON have none
	}
	return b
}

// encode encodes a workflow in one of its revisions.
func (d *definition) encode(id string, r *revision) []byte {
	text, _ := json.Marshal(definitionRecord{ID: id, Resource: encodeResource(d.show(r)), Program: r.program})
	return text
}

// note puts a revision into the journal. Engine.mu is held.
func (d *definitions) note(id string, def *definition, r *revision) wal.Position {
	return d.stream.Append(def.encode(id, r))
}

func (d *definitions) noteDeleted(id string) wal.Position {
	text, _ := json.Marshal(definitionRecord{ID: id})
	return d.stream.Append(text)
}

// noteDeployed puts what programs deployed into the journal. Engine.mu is held.
func (d *definitions) noteDeployed() {
	d.resumed.Store(true)
	for id, def := range d.byID {
		for _, r := range def.revisions {
			if r.program && !r.replayed {
				d.note(id, def, r)
			}
		}
	}
}

// kept returns once a change is on the disk. The error is a gRPC status.
func (d *definitions) kept(ctx context.Context, at wal.Position) error {
	err := d.stream.Wait(ctx, at)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return status.FromContextError(ctx.Err()).Err()
	}
	return status.Errorf(codes.Unavailable, "the workflow cannot be kept: %v", err)
}

// definitionsPart is the engine's workflows as a part of the log.
type definitionsPart Engine

// Replay makes a change again.
func (p *definitionsPart) Replay(text []byte) error {
	var r definitionRecord
	if err := json.Unmarshal(text, &r); err != nil {
		return fmt.Errorf("a workflow: %w", err)
	}
	e := (*Engine)(p)
	e.mu.Lock()
	defer e.mu.Unlock()
	if r.Resource == nil {
		delete(e.definitions.byID, r.ID)
		e.store.drop(r.ID)
		return nil
	}
	resource := &workflowspb.Workflow{}
	if err := proto.Unmarshal(r.Resource, resource); err != nil {
		return fmt.Errorf("workflow %s: %w", r.ID, err)
	}
	return e.replayDefinition(r.ID, resource, r.Program)
}

// replayDefinition adds the revision that a workflow is at, unless it is known.
func (e *Engine) replayDefinition(id string, resource *workflowspb.Workflow, program bool) error {
	d := e.definitions.byID[id]
	if d == nil {
		d = &definition{}
		e.definitions.byID[id] = d
	}
	d.resource = resource
	number, err := strconv.Atoi(resource.RevisionId[:max(0, len(resource.RevisionId)-4)])
	if err != nil {
		return fmt.Errorf("workflow %s: %q is no revision", id, resource.RevisionId)
	}
	if len(d.revisions) > 0 && d.latest().number >= number {
		return nil
	}
	w, err := e.options.Limits.Compile(sourceFile, []byte(resource.GetSourceContents()))
	if err != nil {
		return fmt.Errorf("workflow %s, revision %s, is not understood any more; "+
			"delete the folder of the log to begin anew: %w", id, resource.RevisionId, err)
	}
	d.revisions = append(d.revisions, &revision{
		id: id, number: number, name: resource.RevisionId, workflow: w, resource: resource, program: program, replayed: true,
	})
	return nil
}

// Snapshot emits each revision of each workflow.
func (p *definitionsPart) Snapshot(emit func(record []byte) error) error {
	for _, text := range (*Engine)(p).encodeDefinitions() {
		if err := emit(text); err != nil {
			return err
		}
	}
	return nil
}

func (e *Engine) encodeDefinitions() (out [][]byte) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	for id, d := range e.definitions.byID {
		for _, r := range d.revisions {
			out = append(out, d.encode(id, r))
		}
	}
	return out
}
