package workflows

import (
	"encoding/json"
	"net/http"
	"strings"

	"cloud.google.com/go/workflows/executions/apiv1/executionspb"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
)

// maxRequestBytes bounds a REST request: an escaped argument or source and its
// envelope.
const maxRequestBytes = 1 << 20

const collection = "/v1/projects/{project}/locations/{location}/workflows/{workflow}/executions"

// operationPaths and locationPaths are the paths of the mixins in the Workflows
// API. Waiting and cancelling are for gRPC alone there.
var (
	operationPaths = map[string]*annotations.HttpRule{
		"GetOperation":    {Pattern: &annotations.HttpRule_Get{Get: "/v1/{name=projects/*/locations/*/operations/*}"}},
		"ListOperations":  {Pattern: &annotations.HttpRule_Get{Get: "/v1/{name=projects/*/locations/*}/operations"}},
		"DeleteOperation": {Pattern: &annotations.HttpRule_Delete{Delete: "/v1/{name=projects/*/locations/*/operations/*}"}},
		"CancelOperation": {},
		"WaitOperation":   {},
	}
	locationPaths = map[string]*annotations.HttpRule{
		"GetLocation":   {Pattern: &annotations.HttpRule_Get{Get: "/v1/{name=projects/*/locations/*}"}},
		"ListLocations": {Pattern: &annotations.HttpRule_Get{Get: "/v1/{name=projects/*}/locations"}},
	}
)

// routes serves the REST form of the APIs: what the descriptors of the Go protos
// say, and what only REST has.
func (a *api) routes(t *transcoder) http.Handler {
	verbs := map[string]func(*http.Request) (any, error){
		"GET exportData":              a.exportData,
		"POST deleteExecutionHistory": a.deleteHistory,
		"POST triggerPubsubExecution": a.triggerPubsub,
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+collection, a.answer(a.restCreate))
	mux.HandleFunc("GET "+collection+"/{execution}/stepEntries", a.answer(a.listSteps))
	mux.HandleFunc("GET "+collection+"/{execution}/stepEntries/{entry}", a.answer(a.getStep))
	a.callbackRoutes(mux)
	mux.HandleFunc("/", a.answer(func(r *http.Request) (any, error) {
		if verb := verbs[r.Method+" "+r.URL.Path[strings.LastIndexByte(r.URL.Path, ':')+1:]]; verb != nil {
			return verb(r)
		}
		return t.serve(r)
	}))
	return mux
}

func parent(r *http.Request) string {
	return "projects/" + r.PathValue("project") + "/locations/" + r.PathValue("location") +
		"/workflows/" + r.PathValue("workflow")
}

// target is the resource name in the path of a custom verb, /v1/NAME:verb.
func target(r *http.Request) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v1/"), ":")
	return name
}

func (a *api) restCreate(r *http.Request) (any, error) {
	body, err := readAll(r)
	if err != nil {
		return nil, err
	}
	x, settings, err := readExecution(body)
	if err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "request body: %v", err)
	}
	return a.create(r.Context(), parent(r), x, settings)
}

// readExecution reads an execution with the fields that its Go proto has not.
func readExecution(body []byte) (*executionspb.Execution, Settings, error) {
	x, s := &executionspb.Execution{}, Settings{}
	if len(body) == 0 {
		return x, s, nil
	}
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(body, &fields); err != nil {
		return nil, s, err
	}
	if err := s.takeFrom(fields); err != nil {
		return nil, s, err
	}
	body, err := json.Marshal(fields)
	if err != nil {
		return nil, s, err
	}
	return x, s, protojson.Unmarshal(body, x)
}
