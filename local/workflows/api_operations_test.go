package workflows

import (
	"fmt"
	"testing"

	"cloud.google.com/go/longrunning/autogen/longrunningpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestTheOldestOperationsAreForgotten(t *testing.T) {
	t.Parallel()
	o := &operations{api: &api{engine: NewEngine(Options{})}}
	name := func(i int) string { return fmt.Sprintf("%s/operations/o%d", o.locationName(), i) }
	for i := range maxOperations + 1 {
		o.add(&longrunningpb.Operation{Name: name(i)})
	}
	if _, err := o.find(name(0)); status.Code(err) != codes.NotFound {
		t.Errorf("the oldest: %v", err)
	}
	for _, i := range []int{1, maxOperations} {
		if op, err := o.find(name(i)); err != nil || op.Name != name(i) {
			t.Errorf("operation %d: %v, %v", i, op, err)
		}
	}
}
