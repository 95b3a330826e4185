package workflows

import (
	"path"
	"strconv"
	"time"

	"cloud.google.com/go/workflows/apiv1/workflowspb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"orderflow.dev/local/workflows/aip"
)

// page gives a page of a list. The error is a gRPC status.
func page[T any](l aip.List[T], items []T, r aip.Request) (aip.Page[T], error) {
	p, err := l.Page(items, r)
	if err != nil {
		return p, status.Error(codes.InvalidArgument, err.Error())
	}
	return p, nil
}

// listed is an execution with its place in the order of creation.
type listed struct {
	Execution
	sequence int64
}

// executionFields are what the reference of ListExecutions names for filters;
// orders know neither stepName nor label.
var executionFields = func() map[string]aip.Field[listed] {
	labels := aip.Map(func(x listed) map[string]string { return x.Labels })
	return map[string]aip.Field[listed]{
		"executionid": aip.Text(func(x listed) string { return executionID(x.Name) }),
		"state": aip.Enum(func(x listed) string { return string(x.State) },
			string(Active), string(Succeeded), string(Failed), string(Cancelled), "UNAVAILABLE", string(Queued)),
		"createtime":         aip.Time(func(x listed) time.Time { return x.Created }),
		"starttime":          aip.Time(func(x listed) time.Time { return x.Start }),
		"endtime":            aip.Time(func(x listed) time.Time { return x.End }),
		"duration":           aip.Duration(func(x listed) (time.Duration, bool) { return duration(x.Execution) }),
		"workflowrevisionid": aip.Text(func(x listed) string { return x.Revision }),
		"stepname":           aip.Text(func(x listed) string { return x.Step }).FilterOnly(),
		"label":              labels,
		"labels":             labels,
		"disableconcurrencyquotaoverflowbuffering": aip.Bool(func(x listed) bool { return x.DisableConcurrencyQuotaOverflowBuffering }),
	}
}()

// executionList returns the list of executions for a largest page size.
func executionList(most int) aip.List[listed] {
	return aip.List[listed]{
		Fields: executionFields,
		Last:   aip.Int(func(x listed) int64 { return x.sequence }), Newest: true,
		Default: defaultPage, Most: most,
	}
}

type workflowResource = *workflowspb.Workflow

// workflowList lists workflows by name; the order is not specified in the
// service. Neither is what filters and orders may name: here it is all but maps
// of secrets and the source.
var workflowList = aip.List[workflowResource]{
	Fields: map[string]aip.Field[workflowResource]{
		"name":               aip.Text(workflowResource.GetName),
		"workflowid":         aip.Text(func(w workflowResource) string { return path.Base(w.GetName()) }),
		"description":        aip.Text(workflowResource.GetDescription),
		"state":              aip.Enum(func(w workflowResource) string { return w.GetState().String() }, "ACTIVE", "UNAVAILABLE"),
		"revisionid":         aip.Text(workflowResource.GetRevisionId),
		"serviceaccount":     aip.Text(workflowResource.GetServiceAccount),
		"createtime":         aip.Time(func(w workflowResource) time.Time { return w.GetCreateTime().AsTime() }),
		"updatetime":         aip.Time(func(w workflowResource) time.Time { return w.GetUpdateTime().AsTime() }),
		"revisioncreatetime": aip.Time(func(w workflowResource) time.Time { return w.GetRevisionCreateTime().AsTime() }),
		"labels":             aip.Map(workflowResource.GetLabels),
	},
	Last:    aip.Text(workflowResource.GetName),
	Default: 500, Most: 1000,
}

// revisionList lists the revisions of a workflow, newest first.
var revisionList = aip.List[workflowResource]{
	Last: aip.Int(func(w workflowResource) int64 {
		n, _ := strconv.ParseInt(w.GetRevisionId()[:6], 10, 64)
		return n
	}),
	Newest:  true,
	Default: 20, Most: 100,
}
