package workflows

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"

	"cloud.google.com/go/workflows/executions/apiv1/executionspb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// maxRequestBytes bounds a REST request: an escaped argument and its envelope.
const maxRequestBytes = 256 << 10

// notInProto lists fields the service accepts in an Execution that its Go proto
// does not have; none changes what a local execution does.
var notInProto = []string{"disableConcurrencyQuotaOverflowBuffering", "executionHistoryLevel"}

const collection = "/v1/projects/{project}/locations/{location}/workflows/{workflow}/executions"

// routes serves the REST form of the API.
func (a *api) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+collection, a.answer(a.restCreate))
	mux.HandleFunc("GET "+collection, a.answer(a.restList))
	mux.HandleFunc("GET "+collection+"/{execution}", a.answer(a.restGet))
	mux.HandleFunc("POST "+collection+"/{execution}", a.answer(a.restVerb))
	a.callbackRoutes(mux)
	mux.HandleFunc("/", a.answer(func(r *http.Request) (proto.Message, error) {
		return nil, status.Errorf(codes.Unimplemented, "%s %s is not supported by the local engine", r.Method, r.URL.Path)
	}))
	return mux
}

func parent(r *http.Request) string {
	return "projects/" + r.PathValue("project") + "/locations/" + r.PathValue("location") + "/workflows/" + r.PathValue("workflow")
}

func (a *api) restCreate(r *http.Request) (proto.Message, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequestBytes+1))
	if err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "request body: %v", err)
	}
	if len(body) > maxRequestBytes {
		return nil, status.Errorf(codes.InvalidArgument, "request exceeds %d bytes", maxRequestBytes)
	}
	ex, err := readExecution(body)
	if err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "request body: %v", err)
	}
	return a.CreateExecution(r.Context(), &executionspb.CreateExecutionRequest{Parent: parent(r), Execution: ex})
}

func readExecution(body []byte) (*executionspb.Execution, error) {
	ex := &executionspb.Execution{}
	if len(body) == 0 {
		return ex, nil
	}
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(body, &fields); err != nil {
		return nil, err
	}
	for _, name := range notInProto {
		delete(fields, name)
	}
	body, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	return ex, protojson.Unmarshal(body, ex)
}

func (a *api) restGet(r *http.Request) (proto.Message, error) {
	view, err := viewOf(r)
	if err != nil {
		return nil, err
	}
	return a.GetExecution(r.Context(), &executionspb.GetExecutionRequest{Name: parent(r) + "/executions/" + r.PathValue("execution"), View: view})
}

func (a *api) restVerb(r *http.Request) (proto.Message, error) {
	id, verb, _ := strings.Cut(r.PathValue("execution"), ":")
	if verb != "cancel" {
		return nil, status.Errorf(codes.Unimplemented, "method %q of an execution is not supported by the local engine, only cancel", verb)
	}
	return a.CancelExecution(r.Context(), &executionspb.CancelExecutionRequest{Name: parent(r) + "/executions/" + id})
}

func (a *api) restList(r *http.Request) (proto.Message, error) {
	view, err := viewOf(r)
	if err != nil {
		return nil, err
	}
	q := r.URL.Query()
	size := 0
	if s := q.Get("pageSize"); s != "" {
		if size, err = strconv.Atoi(s); err != nil {
			return nil, status.Errorf(codes.InvalidArgument, "pageSize %q is not a number", s)
		}
	}
	return a.ListExecutions(r.Context(), &executionspb.ListExecutionsRequest{
		Parent: parent(r), PageSize: int32(min(size, maxPageBasic)), PageToken: q.Get("pageToken"), View: view, Filter: q.Get("filter"), OrderBy: q.Get("orderBy"),
	})
}

func viewOf(r *http.Request) (executionspb.ExecutionView, error) {
	s := r.URL.Query().Get("view")
	v, ok := executionspb.ExecutionView_value[s]
	if s != "" && !ok {
		return 0, status.Errorf(codes.InvalidArgument, "view %q is neither BASIC nor FULL", s)
	}
	return executionspb.ExecutionView(v), nil
}
