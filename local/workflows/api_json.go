package workflows

import (
	"encoding/json"
	"net/http"

	"cloud.google.com/go/workflows/executions/apiv1/executionspb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// answer writes what a method gives as JSON, its error in the form of Google
// APIs.
func (a *api) answer(method func(r *http.Request) (proto.Message, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		code := http.StatusOK
		m, err := method(r)
		var body []byte
		if err == nil {
			body, err = a.toJSON(m)
		}
		if err != nil {
			code, body = errorJSON(err)
		}
		w.Header().Set("Content-Type", "application/json; charset=UTF-8")
		w.WriteHeader(code)
		_, _ = w.Write(body) // the client may be gone
	}
}

// toJSON writes the answer of a method.
func (a *api) toJSON(m proto.Message) ([]byte, error) {
	list, ok := m.(*executionspb.ListExecutionsResponse)
	if !ok {
		return a.executionJSON(m.(*executionspb.Execution))
	}
	out := struct {
		Executions    []json.RawMessage `json:"executions,omitempty"`
		NextPageToken string            `json:"nextPageToken,omitempty"`
	}{NextPageToken: list.NextPageToken}
	for _, x := range list.Executions {
		b, err := a.executionJSON(x)
		if err != nil {
			return nil, err
		}
		out.Executions = append(out.Executions, b)
	}
	return json.Marshal(out)
}

// executionJSON writes an execution and adds createTime, which REST has and the
// Go proto has not.
func (a *api) executionJSON(x *executionspb.Execution) ([]byte, error) {
	b, err := protojson.Marshal(x)
	if err != nil {
		return nil, err
	}
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(b, &fields); err != nil {
		return nil, err
	}
	if ex := a.engine.store.get(x.Name); ex != nil {
		if fields["createTime"], err = protojson.Marshal(timestamppb.New(ex.snapshot().Created)); err != nil {
			return nil, err
		}
	}
	return json.Marshal(fields)
}

// httpCodes maps the status codes in use to HTTP.
var httpCodes = map[codes.Code]int{
	codes.InvalidArgument:    http.StatusBadRequest,
	codes.FailedPrecondition: http.StatusBadRequest,
	codes.NotFound:           http.StatusNotFound,
	codes.ResourceExhausted:  http.StatusTooManyRequests,
	codes.Unimplemented:      http.StatusNotImplemented,
	codes.Unavailable:        http.StatusServiceUnavailable,
}

// statusNames spells those codes as Google APIs do.
var statusNames = map[codes.Code]string{
	codes.InvalidArgument:    "INVALID_ARGUMENT",
	codes.FailedPrecondition: "FAILED_PRECONDITION",
	codes.NotFound:           "NOT_FOUND",
	codes.ResourceExhausted:  "RESOURCE_EXHAUSTED",
	codes.Unimplemented:      "UNIMPLEMENTED",
	codes.Unavailable:        "UNAVAILABLE",
}

func errorJSON(err error) (int, []byte) {
	s := status.Convert(err)
	code, name := http.StatusInternalServerError, "INTERNAL"
	if c, ok := httpCodes[s.Code()]; ok {
		code, name = c, statusNames[s.Code()]
	}
	b, _ := json.Marshal(map[string]any{"error": map[string]any{
		"code": code, "message": s.Message(), "status": name,
	}})
	return code, b
}
