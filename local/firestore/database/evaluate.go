package database

import (
	"bytes"
	"maps"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// evaluation is what the writes of one commit make of the documents.
type evaluation struct {
	docs   *tree
	now    time.Time // of the commit
	drafts map[string]*draft
	order  []*draft
	done   []done
}

// draft is a document that is written: before and now are nil if it was or is not there.
type draft struct {
	path        string
	before, now *Document
}

// done is a write that was made.
type done struct {
	*draft
	transformed []*pb.Value
}

func (e *evaluation) draft(path string) *draft {
	d := e.drafts[path]
	if d == nil {
		before, _ := e.docs.Get(keyOf(path))
		d = &draft{path, before, before}
		e.drafts[path] = d
		e.order = append(e.order, d)
	}
	return d
}

// write makes a write. It sees what the writes before it made.
func (e *evaluation) write(w write) error {
	d := e.draft(w.path)
	if err := d.fulfils(w.precondition); err != nil {
		return err
	}
	if w.delete {
		d.now = nil
		e.done = append(e.done, done{d, nil})
		return nil
	}
	fields := d.written(w)
	transformed := make([]*pb.Value, len(w.transforms))
	for i, t := range w.transforms {
		transformed[i] = t.apply(fields, e.now)
	}
	e.done = append(e.done, done{d, transformed})
	return d.put(fields, e.now)
}

func (d *draft) fulfils(p *pb.Precondition) error {
	switch p := p.GetConditionType().(type) {
	case *pb.Precondition_Exists:
		if p.Exists && d.now == nil {
			return status.Errorf(codes.NotFound, "No document to update: %s", d.path)
		}
		if !p.Exists && d.now != nil {
			return status.Errorf(codes.AlreadyExists, "Document already exists: %s", d.path)
		}
	case *pb.Precondition_UpdateTime:
		if d.now != nil && p.UpdateTime.AsTime().After(d.now.UpdateTime) {
			return malformed("document %s was last updated before %s, which the write requires", d.path,
				p.UpdateTime.AsTime().Format(time.RFC3339Nano))
		}
		if d.now == nil || !d.now.UpdateTime.Equal(p.UpdateTime.AsTime()) {
			return status.Errorf(codes.FailedPrecondition, "document %s was not last updated at %s, as the write requires",
				d.path, p.UpdateTime.AsTime().Format(time.RFC3339Nano))
		}
	}
	return nil
}

// written are the fields after a write, its transforms apart.
func (d *draft) written(w write) map[string]*pb.Value {
	if len(w.transforms) > 0 { // they may change what is within the request's values
		w.fields = proto.CloneOf(&pb.MapValue{Fields: w.fields}).Fields
	}
	fields := map[string]*pb.Value{}
	switch {
	case !w.merge:
		maps.Copy(fields, w.fields)
	case d.now != nil:
		fields = d.now.Fields()
	}
	for _, p := range w.mask {
		if v := p.Get(w.fields); v != nil {
			p.Set(fields, v)
		} else {
			p.Delete(fields)
		}
	}
	return fields
}

// put makes a version of the fields. If they are what they were before the commit, it is the same version,
// unless the document was deleted in between.
func (d *draft) put(fields map[string]*pb.Value, now time.Time) error {
	encoded, err := encode(fields)
	if err != nil {
		return malformed("document %s: %v", d.path, err)
	}
	if err := checkSize(d.path, fields, len(encoded)); err != nil {
		return err
	}
	created := now
	if d.now != nil {
		created = d.now.CreateTime
		if d.before != nil && created.Equal(d.before.CreateTime) && bytes.Equal(encoded, d.before.fields) {
			d.now = d.before
			return nil
		}
	}
	d.now = &Document{Path: d.path, CreateTime: created, UpdateTime: now, fields: encoded}
	return nil
}

// results are the answers to the writes. A document that several of them wrote has one update time: that of what it
// is now.
func (e *evaluation) results() []*pb.WriteResult {
	var results []*pb.WriteResult
	for _, w := range e.done {
		r := &pb.WriteResult{TransformResults: w.transformed}
		if w.now != nil {
			r.UpdateTime = timestamppb.New(w.now.UpdateTime)
		}
		results = append(results, r)
	}
	return results
}

// changes are what the writes changed.
func (e *evaluation) changes() []Change {
	var changes []Change
	for _, d := range e.order {
		if d.now != d.before {
			changes = append(changes, Change{d.before, d.now})
		}
	}
	return changes
}
