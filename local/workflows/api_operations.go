package workflows

import (
	"context"
	"fmt"
	"path"
	"slices"
	"sync"

	"cloud.google.com/go/longrunning/autogen/longrunningpb"
	"cloud.google.com/go/workflows/apiv1/workflowspb"
	"github.com/google/uuid"
	"google.golang.org/genproto/googleapis/cloud/location"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"orderflow.dev/local/workflows/aip"
)

// maxOperations is how many operations are kept; the oldest go first.
const maxOperations = 1000

// operations are those of the Workflows API, all of which have ended: an engine
// on one machine has nothing to wait for. They do not outlive it.
type operations struct {
	longrunningpb.UnimplementedOperationsServer
	*api

	mu   sync.Mutex
	list []*longrunningpb.Operation // oldest first
}

// operate does the work of an operation and gives it. The error is only of the
// program.
func (a *api) operate(verb, target string, work func() (proto.Message, error)) (*longrunningpb.Operation, error) {
	clock := a.engine.options.Clock
	begin := clock.Now()
	metadata := &workflowspb.OperationMetadata{CreateTime: timestamppb.New(begin), Target: target, Verb: verb, ApiVersion: "v1"}
	op := &longrunningpb.Operation{
		Name: fmt.Sprintf("%s/operations/operation-%d-%s", a.locationName(), begin.UnixMilli(), uuid.NewString()), Done: true,
	}
	response, err := work()
	if err != nil {
		op.Result = &longrunningpb.Operation_Error{Error: status.Convert(err).Proto()}
	} else if packed, err := anypb.New(response); err != nil {
		return nil, err
	} else {
		op.Result = &longrunningpb.Operation_Response{Response: packed}
	}
	metadata.EndTime = timestamppb.New(clock.Now())
	if op.Metadata, err = anypb.New(metadata); err != nil {
		return nil, err
	}
	a.operations.add(op)
	return op, nil
}

func (o *operations) add(op *longrunningpb.Operation) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.list = append(o.list[max(0, len(o.list)+1-maxOperations):], op)
}

func (o *operations) find(name string) (*longrunningpb.Operation, error) {
	id, err := o.resource(name, "operations")
	if err != nil {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, op := range o.list {
		if path.Base(op.Name) == id {
			return op, nil
		}
	}
	return nil, status.Errorf(codes.NotFound, "operation %s does not exist", name)
}

// GetOperation shows an operation.
func (o *operations) GetOperation(_ context.Context, r *longrunningpb.GetOperationRequest) (*longrunningpb.Operation, error) {
	return o.find(r.GetName())
}

// WaitOperation answers at once: the operation has ended.
func (o *operations) WaitOperation(_ context.Context, r *longrunningpb.WaitOperationRequest) (*longrunningpb.Operation, error) {
	return o.find(r.GetName())
}

// CancelOperation changes nothing: the operation has ended.
func (o *operations) CancelOperation(_ context.Context, r *longrunningpb.CancelOperationRequest) (*emptypb.Empty, error) {
	_, err := o.find(r.GetName())
	return &emptypb.Empty{}, err
}

// DeleteOperation forgets an operation.
func (o *operations) DeleteOperation(_ context.Context, r *longrunningpb.DeleteOperationRequest) (*emptypb.Empty, error) {
	op, err := o.find(r.GetName())
	if err != nil {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.list = slices.DeleteFunc(o.list, func(x *longrunningpb.Operation) bool { return x == op })
	return &emptypb.Empty{}, nil
}

// operationList lists operations by name, which is by time.
var operationList = aip.List[*longrunningpb.Operation]{
	Fields: map[string]aip.Field[*longrunningpb.Operation]{
		"name": aip.Text((*longrunningpb.Operation).GetName),
		"done": aip.Bool((*longrunningpb.Operation).GetDone),
	},
	Last:    aip.Text((*longrunningpb.Operation).GetName),
	Default: 100, Most: 1000,
}

// ListOperations lists the operations of a location.
func (o *operations) ListOperations(_ context.Context, r *longrunningpb.ListOperationsRequest) (*longrunningpb.ListOperationsResponse, error) {
	if err := o.location(r.GetName()); err != nil {
		return nil, err
	}
	o.mu.Lock()
	all := slices.Clone(o.list)
	o.mu.Unlock()
	p, err := page(operationList, all, aip.Request{Filter: r.GetFilter(), Token: r.GetPageToken(), Size: int(r.GetPageSize())})
	return &longrunningpb.ListOperationsResponse{Operations: p.Items, NextPageToken: p.Next}, err
}

// locations is the Locations mixin: the engine is in one.
type locations struct {
	location.UnimplementedLocationsServer
	*api
}

// GetLocation shows the engine's location.
func (l *locations) GetLocation(_ context.Context, r *location.GetLocationRequest) (*location.Location, error) {
	if err := l.location(r.GetName()); err != nil {
		return nil, err
	}
	id := l.engine.options.Location
	return &location.Location{
		Name: l.locationName(), LocationId: id, DisplayName: id,
		Labels: map[string]string{"cloud.googleapis.com/region": id},
	}, nil
}

// ListLocations lists the engine's location.
func (l *locations) ListLocations(ctx context.Context, r *location.ListLocationsRequest) (*location.ListLocationsResponse, error) {
	only, err := l.GetLocation(ctx, &location.GetLocationRequest{Name: r.GetName() + "/locations/-"})
	if err != nil {
		return nil, err
	}
	return &location.ListLocationsResponse{Locations: []*location.Location{only}}, nil
}
