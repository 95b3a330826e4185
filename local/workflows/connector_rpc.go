package workflows

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"

	_ "cloud.google.com/go/firestore/apiv1/firestorepb" // its descriptors
	_ "cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"    // its descriptors
	rpccode "google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// rpcTransport sends REST requests of Google APIs as gRPC calls, by the HTTP rules (google.api.http) that the methods'
// descriptors carry: https://google.aip.dev/127. Connectors therefore speak REST only, and any service whose Go
// package is linked in can be one that speaks gRPC only.
type rpcTransport struct {
	conn  *grpc.ClientConn
	limit int // bytes of an answer
}

// RoundTrip makes the call that a request stands for. The error is one of the connection; what the service refuses is a
// response in the form of Google APIs.
func (t rpcTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	w := &answerRecorder{header: http.Header{"Content-Type": {"application/json; charset=UTF-8"}}, code: http.StatusOK}
	text, err := t.call(r)
	if err != nil {
		if broken := connectionError(r.Context(), err); broken != nil {
			return nil, broken
		}
		w.code, text = restError(err)
	}
	w.body.Write(text)
	return w.response(r), nil
}

// call finds the method, reads its request and writes its answer.
func (t rpcTransport) call(r *http.Request) ([]byte, error) {
	rule, values, ok := findRule(r.Method, r.URL.EscapedPath(), r.URL.Fragment)
	if !ok {
		return nil, status.Errorf(codes.Unimplemented, "no gRPC method is known for %s %s", r.Method, r.URL.Path)
	}
	body, err := readBody(r)
	if err != nil {
		return nil, err
	}
	in, err := rule.request(values, r.URL.Query(), body)
	if err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "request of %s: %v", rule.name, err)
	}
	// Tokens do not go over a connection without TLS; to be the owner is what the official clients ask of emulators.
	ctx := metadata.AppendToOutgoingContext(r.Context(), "authorization", "Bearer owner", "x-goog-request-params", values.Encode())
	if rule.method.IsStreamingServer() {
		return t.stream(ctx, rule, in)
	}
	out := rule.answer()
	if err := t.conn.Invoke(ctx, rule.name, in, out); err != nil {
		return nil, err
	}
	return protojson.Marshal(out)
}

func readBody(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	defer r.Body.Close()
	return io.ReadAll(r.Body)
}

// stream gives all answers as a JSON array, which is how REST shows a stream.
func (t rpcTransport) stream(ctx context.Context, rule *httpRule, in proto.Message) ([]byte, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := t.conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, rule.name)
	if err != nil {
		return nil, err
	}
	if err := stream.SendMsg(in); err != nil && !errors.Is(err, io.EOF) { // EOF: RecvMsg tells
		return nil, err
	}
	if err := stream.CloseSend(); err != nil {
		return nil, err
	}
	list, size := []json.RawMessage{}, 0
	for {
		out := rule.answer()
		switch err := stream.RecvMsg(out); {
		case errors.Is(err, io.EOF):
			return json.Marshal(list)
		case err != nil:
			return nil, err
		}
		text, err := protojson.Marshal(out)
		if err != nil {
			return nil, err
		}
		list = append(list, text)
		if size += len(text); size > t.limit {
			return json.Marshal(list) // long enough for the caller to refuse
		}
	}
}

// connectionError is the error of a call that got no answer from the service, as net/http would give it.
func connectionError(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case status.Code(err) == codes.Unavailable && strings.Contains(err.Error(), "while dialing"): // gRPC keeps no cause
		return &net.OpError{Op: "dial", Net: "tcp", Err: err}
	}
	return nil
}

// restCodes gives the HTTP code of a status, as google/rpc/code.proto lists them.
var restCodes = map[codes.Code]int{
	codes.Canceled: 499, codes.InvalidArgument: 400, codes.DeadlineExceeded: 504, codes.NotFound: 404, codes.AlreadyExists: 409,
	codes.PermissionDenied: 403, codes.Unauthenticated: 401, codes.ResourceExhausted: 429, codes.FailedPrecondition: 400,
	codes.Aborted: 409, codes.OutOfRange: 400, codes.Unimplemented: 501, codes.Unavailable: 503,
}

// restError writes a status as Google's REST APIs do.
func restError(err error) (int, []byte) {
	s := status.Convert(err)
	code, ok := restCodes[s.Code()]
	if !ok {
		code = http.StatusInternalServerError
	}
	text, _ := json.Marshal(map[string]any{"error": map[string]any{ // strings and numbers always encode
		"code": code, "message": s.Message(), "status": rpccode.Code_name[int32(s.Code())],
	}})
	return code, text
}
