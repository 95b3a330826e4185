package workflows

import (
	"bytes"
	"encoding/json"
	"net/http"

	"cloud.google.com/go/workflows/executions/apiv1/executionspb"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// answer writes what a method gives as JSON, indented as Google APIs do, and its
// error in their form.
func (a *api) answer(method func(r *http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		result, err := method(r)
		var body []byte
		if err == nil {
			body, err = a.toJSON(result, enumNumbers(r.URL.Query()))
		}
		answered := http.StatusOK
		if err != nil {
			answered, body = errorJSON(err)
		}
		var out bytes.Buffer
		_ = json.Indent(&out, body, "", "  ") // it is JSON
		out.WriteByte('\n')
		w.Header().Set("Content-Type", "application/json; charset=UTF-8")
		w.WriteHeader(answered)
		_, _ = w.Write(out.Bytes()) // the client may be gone
	}
}

// toJSON writes the answer of a method. Executions have fields in REST that their
// Go proto has not.
func (a *api) toJSON(result any, numbers bool) ([]byte, error) {
	o := protojson.MarshalOptions{UseEnumNumbers: numbers}
	switch m := result.(type) {
	case *executionspb.Execution:
		return a.executionJSON(o, m)
	case *executionspb.ListExecutionsResponse:
		out := struct {
			Executions    []json.RawMessage `json:"executions,omitempty"`
			NextPageToken string            `json:"nextPageToken,omitempty"`
		}{NextPageToken: m.NextPageToken}
		for _, x := range m.Executions {
			text, err := a.executionJSON(o, x)
			if err != nil {
				return nil, err
			}
			out.Executions = append(out.Executions, text)
		}
		return json.Marshal(out)
	case proto.Message:
		return o.Marshal(m)
	}
	return json.Marshal(result)
}

// executionJSON writes an execution with what REST alone has: when it was created
// and, unless the view is basic, how.
func (a *api) executionJSON(o protojson.MarshalOptions, x *executionspb.Execution) ([]byte, error) {
	text, err := o.Marshal(x)
	if err != nil {
		return nil, err
	}
	ex := a.engine.store.get(x.Name)
	if ex == nil {
		return text, nil
	}
	s := ex.snapshot()
	created, err := o.Marshal(timestamp(s.Created))
	if err != nil {
		return nil, err
	}
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, err
	}
	fields["createTime"] = created
	if len(x.Argument) > 0 { // the view is full
		s.addTo(fields)
	}
	return json.Marshal(fields)
}

// httpCodes maps status codes to HTTP, as google/rpc/code.proto does.
var httpCodes = map[codes.Code]int{
	codes.InvalidArgument:    http.StatusBadRequest,
	codes.FailedPrecondition: http.StatusBadRequest,
	codes.OutOfRange:         http.StatusBadRequest,
	codes.Unauthenticated:    http.StatusUnauthorized,
	codes.PermissionDenied:   http.StatusForbidden,
	codes.NotFound:           http.StatusNotFound,
	codes.AlreadyExists:      http.StatusConflict,
	codes.Aborted:            http.StatusConflict,
	codes.ResourceExhausted:  http.StatusTooManyRequests,
	codes.Canceled:           499,
	codes.Unimplemented:      http.StatusNotImplemented,
	codes.Unavailable:        http.StatusServiceUnavailable,
	codes.DeadlineExceeded:   http.StatusGatewayTimeout,
}

func errorJSON(err error) (int, []byte) {
	s := status.Convert(err)
	answered, ok := httpCodes[s.Code()]
	if !ok {
		answered = http.StatusInternalServerError
	}
	b, _ := json.Marshal(map[string]any{"error": map[string]any{
		"code": answered, "message": s.Message(), "status": code.Code(s.Code()).String(),
	}})
	return answered, b
}
