package likeness

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	rpcstatus "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

const (
	barrier       = documents + "/~barrier/b"
	barrierTarget = 999
)

// listener is a Listen stream and what its client knows by it. A document of its own, the barrier, is written and listened
// to: when the stream is as far as that commit, all that was committed before has come.
type listener struct {
	memory    *memory
	stream    pb.Firestore_ListenClient
	responses chan *pb.ListenResponse // closed when the stream has ended
	err       error                   // why it has ended; valid once responses is closed
	// state has, by "target n", how each target is, and by "target n: name" the documents that it shows.
	state map[string]string
	at    time.Time         // the last moment that was shown completely
	cause *rpcstatus.Status // why the last target to be removed was
}

func targetKey(id int32) string { return fmt.Sprintf("target %d", id) }

func documentKey(id int32, name string) string { return targetKey(id) + ": " + name }

// listen adds or removes a target and answers what it then shows.
func (r *run) listen(ctx context.Context, request *pb.ListenRequest) answer {
	if r.listener == nil {
		if err := r.startListener(); err != nil {
			return answer{code: status.Code(err), message: err.Error()}
		}
	}
	l, before := r.listener, maps.Clone(r.listener.state)
	done := func() bool { return l.state[targetKey(request.GetRemoveTarget())] != "current" }
	if add := request.GetAddTarget(); add != nil {
		done = func() bool { return l.state[targetKey(add.TargetId)] != "" }
	}
	if err := l.stream.Send(r.memory.resolve(request).(*pb.ListenRequest)); err != nil {
		return answer{code: codes.Unavailable, message: "send: " + err.Error()}
	}
	if a, ok := l.until(ctx, done); !ok {
		return a
	}
	if l.cause.GetCode() != 0 {
		return answer{code: codes.Code(l.cause.Code), message: l.cause.Message}
	}
	return answer{body: l.news(before)}
}

// startListener opens the stream and listens to the barrier.
func (r *run) startListener() error {
	// The stream lives until the sequence ends, longer than a request. Google's emulator wants its database in a header.
	prefix := strings.ReplaceAll(database, project, r.memory.project)
	ctx := metadata.AppendToOutgoingContext(asOwner(r.context), "google-cloud-resource-prefix", prefix)
	stream, err := r.server.client.Listen(ctx)
	if err != nil {
		return err
	}
	l := &listener{
		memory: r.memory, stream: stream, responses: make(chan *pb.ListenResponse),
		state: map[string]string{},
	}
	r.listener = l
	go func() {
		defer close(l.responses)
		for {
			var response *pb.ListenResponse
			if response, l.err = stream.Recv(); l.err != nil {
				return
			}
			select {
			case l.responses <- response:
			case <-r.context.Done():
				l.err = r.context.Err()
				return
			}
		}
	}()
	add := &pb.ListenRequest{Database: database, TargetChange: &pb.ListenRequest_AddTarget{AddTarget: &pb.Target{
		TargetId:   barrierTarget,
		TargetType: &pb.Target_Documents{Documents: &pb.Target_DocumentsTarget{Documents: []string{barrier}}},
	}}}
	return stream.Send(r.memory.resolve(add).(*pb.ListenRequest))
}

// snapshot answers what listening has shown since the last time, once everything committed by now has come.
func (r *run) snapshot(ctx context.Context) answer {
	ctx, cancel := context.WithTimeout(asOwner(ctx), patience)
	defer cancel()
	write := &pb.CommitRequest{Database: database, Writes: []*pb.Write{{
		Operation: &pb.Write_Update{Update: &pb.Document{Name: barrier}}, UpdateMask: &pb.DocumentMask{},
		UpdateTransforms: []*fieldTransform{{FieldPath: "n",
			TransformType: &pb.DocumentTransform_FieldTransform_Increment{Increment: integer(1)}}},
	}}}
	committed, err := r.server.client.Commit(ctx, r.memory.resolve(write).(*pb.CommitRequest))
	if err != nil {
		return answer{code: status.Code(err), message: "barrier: " + err.Error()}
	}
	at := committed.CommitTime.AsTime()
	r.memory.normal(committed)
	l, before := r.listener, maps.Clone(r.listener.state)
	if a, ok := l.until(ctx, func() bool { return !l.at.Before(at) }); !ok {
		return a
	}
	return answer{body: l.news(before)}
}

// until takes responses until done.
func (l *listener) until(ctx context.Context, done func() bool) (a answer, ok bool) {
	for !done() {
		select {
		case response, open := <-l.responses:
			if !open {
				return answer{code: status.Code(l.err), message: status.Convert(l.err).Message()}, false
			}
			l.take(response)
		case <-ctx.Done():
			return answer{code: codes.DeadlineExceeded, message: "what was awaited from Listen does not come"}, false
		}
	}
	return a, true
}

func (l *listener) take(response *pb.ListenResponse) {
	switch r := response.ResponseType.(type) {
	case *pb.ListenResponse_TargetChange:
		l.takeTargetChange(r.TargetChange)
	case *pb.ListenResponse_DocumentChange:
		d := r.DocumentChange
		normal := text(l.memory.normal(d.Document))
		for _, id := range d.TargetIds {
			l.state[documentKey(id, d.Document.Name)] = normal
		}
		l.leave(d.Document.Name, d.RemovedTargetIds)
	case *pb.ListenResponse_DocumentDelete:
		l.leave(r.DocumentDelete.Document, r.DocumentDelete.RemovedTargetIds)
	case *pb.ListenResponse_DocumentRemove:
		l.leave(r.DocumentRemove.Document, r.DocumentRemove.RemovedTargetIds)
	}
}

func (l *listener) takeTargetChange(c *pb.TargetChange) {
	if c.ReadTime != nil && len(c.TargetIds) == 0 {
		l.at = c.ReadTime.AsTime()
	}
	for _, id := range c.TargetIds {
		switch c.TargetChangeType {
		case pb.TargetChange_CURRENT:
			l.state[targetKey(id)] = "current"
		case pb.TargetChange_RESET:
			l.forget(id)
		case pb.TargetChange_REMOVE:
			l.forget(id)
			l.state[targetKey(id)], l.cause = "removed", c.Cause
		}
	}
}

func (l *listener) forget(id int32) {
	maps.DeleteFunc(l.state, func(key, _ string) bool { return strings.HasPrefix(key, documentKey(id, "")) })
}

func (l *listener) leave(name string, ids []int32) {
	for _, id := range ids {
		delete(l.state, documentKey(id, name))
	}
}

// news tells how the state is unlike an earlier one: what has come, changed and gone. It is the same however many messages
// that took: Google's emulator resets a query's target, and sends all of it again, with every change.
func (l *listener) news(before map[string]string) (lines []string) {
	maps.DeleteFunc(before, func(key, _ string) bool { return strings.HasPrefix(key, targetKey(barrierTarget)) })
	for key, was := range before {
		is, there := l.state[key]
		switch {
		case !there:
			lines = append(lines, key+" is gone")
		case is != was:
			lines = append(lines, key+" is now "+is)
		}
	}
	for key, is := range l.state {
		if _, there := before[key]; !there && !strings.HasPrefix(key, targetKey(barrierTarget)) {
			lines = append(lines, key+" has come: "+is)
		}
	}
	for i := range lines {
		lines[i] = strings.ReplaceAll(strings.ReplaceAll(lines[i], l.memory.project, project), documents+"/", "")
	}
	slices.Sort(lines)
	return lines
}
