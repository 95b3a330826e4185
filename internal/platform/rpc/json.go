package rpc

import (
	"io"
	"mime"
	"net/http"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/platform/problem"
	"orderflow.dev/internal/platform/telemetry"
)

// door is a service's one port: gRPC by content type, JSON otherwise.
type door struct {
	name      string
	grpc      *grpc.Server
	json      *http.ServeMux
	intercept grpc.UnaryServerInterceptor
}

// RegisterService puts an implementation behind both.
func (d *door) RegisterService(desc *grpc.ServiceDesc, impl any) {
	d.grpc.RegisterService(desc, impl)
	for _, m := range desc.Methods {
		path := "/" + desc.ServiceName + "/" + m.MethodName
		d.json.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
			d.serveJSON(w, r, impl, path, m)
		})
	}
}

func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor == 2 && strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc") {
		d.grpc.ServeHTTP(w, r)
		return
	}
	d.json.ServeHTTP(w, r)
}

// serveJSON is one unary call in the Connect protocol (https://connectrpc.com/docs/protocol#unary-request).
func (d *door) serveJSON(w http.ResponseWriter, r *http.Request, impl any, path string, m grpc.MethodDesc) {
	ctx := metadata.NewIncomingContext(r.Context(), metadata.Pairs(
		"traceparent", r.Header.Get("traceparent"), "x-request-id", r.Header.Get("X-Request-Id")))
	decode := jsonDecoder(w, r)
	var undecoded error
	resp, err := m.Handler(impl, ctx, func(req any) error {
		undecoded = decode(req)
		return undecoded
	}, d.intercept)
	if undecoded != nil { // the interceptors, which log, have not run
		_, inv := telemetry.Start(ctx, d.name, telemetry.Continue(r.Header.Get("traceparent"), r.Header.Get("X-Request-Id")))
		inv.End(problem.Level(fromStatus(err)), fault.Reason(fromStatus(err)), err)
	}
	if err != nil {
		problem.WriteRPC(w, fromStatus(err))
		return
	}
	body, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(resp.(proto.Message))
	if err != nil {
		problem.WriteRPC(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body) // the caller is gone if this fails; the work is done
}

func jsonDecoder(w http.ResponseWriter, r *http.Request) func(any) error {
	return func(req any) error {
		if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" {
			return toStatus(fault.New(codes.InvalidArgument, "unsupported_media_type", "send the request as application/json"))
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxMessage))
		if err != nil {
			return toStatus(fault.Wrap(err, codes.InvalidArgument, "body_unreadable", "the request could not be read"))
		}
		if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(body, req.(proto.Message)); err != nil {
			return toStatus(fault.New(codes.InvalidArgument, "invalid_json", "the request is not what is expected: %v", err))
		}
		return nil
	}
}
