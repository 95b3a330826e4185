package function

import (
	"context"
	"io"
	"net/http"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/platform/problem"
)

// Call makes a function that the saga calls: POST, proto JSON in and out, Connect's errors. Who may call it is the
// platform's to say (IAM), so it checks no token.
func Call[C any, Req, Resp proto.Message](name string, wire func(context.Context, C) (func(context.Context, Req) (Resp, error), error)) {
	register(name, func(ctx context.Context, cfg C) (http.Handler, error) {
		handle, err := wire(ctx, cfg)
		return ServeCall(name, handle), err
	})
}

// ServeCall serves a function that the saga calls.
func ServeCall[Req, Resp proto.Message](name string, handle func(context.Context, Req) (Resp, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		receive(w, r, MaxBody)
		err := run(name, r, traceOf(r), func(ctx context.Context) error {
			req, err := decode[Req](w, r)
			if err != nil {
				return err
			}
			resp, err := handle(ctx, req)
			if err != nil {
				return err
			}
			return write(w, &Reply{Body: resp})
		})
		if err != nil {
			problem.WriteRPC(w, err)
		}
	})
}

func decode[Req proto.Message](w http.ResponseWriter, r *http.Request) (Req, error) {
	var typed Req
	req := typed.ProtoReflect().Type().New().Interface().(Req)
	if err := only(http.MethodPost, w, r); err != nil {
		return req, err
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return req, err
	}
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(body, req); err != nil {
		return req, fault.Wrap(err, codes.InvalidArgument, "invalid_json", "the body is not what is expected: %s", jsonError(err))
	}
	return req, nil
}

// maxJSONError is how much of protojson's error is passed on: it repeats what it does not understand, however long that is.
const maxJSONError = 200

// jsonError is protojson's error without its prefix and deliberately unstable white space.
func jsonError(err error) string {
	text := strings.TrimPrefix(strings.ReplaceAll(err.Error(), "\u00a0", " "), "proto: ")
	if at, ok := strings.CutPrefix(text, "("); ok {
		text = strings.Replace(at, ")", "", 1) // (line 1:2): …
	}
	if len(text) > maxJSONError {
		text = strings.ToValidUTF8(text[:maxJSONError], "") + "…"
	}
	return text
}

// Summary is what a scheduled run did, for its log line and its answer.
type Summary map[string]int

// Schedule makes a function that Cloud Scheduler calls.
func Schedule[C any](name string, wire func(context.Context, C) (func(context.Context) (Summary, error), error)) {
	register(name, func(ctx context.Context, cfg C) (http.Handler, error) {
		do, err := wire(ctx, cfg)
		return ServeSchedule(name, do), err
	})
}

// ServeSchedule serves a function that Cloud Scheduler calls.
func ServeSchedule(name string, do func(context.Context) (Summary, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := run(name, r, traceOf(r), func(ctx context.Context) error {
			s, err := do(ctx)
			annotate(ctx, s)
			return err
		})
		if err != nil {
			problem.WriteRPC(w, err)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
}

// WebhookHandler takes a delivery of another system: it reads and verifies the raw request itself.
type WebhookHandler func(context.Context, *http.Request) error

// Webhook makes a public function that another system posts to. It answers 204, or why not.
func Webhook[C any](name string, maxBody int64, wire func(context.Context, C) (WebhookHandler, error)) {
	register(name, func(ctx context.Context, cfg C) (http.Handler, error) {
		handle, err := wire(ctx, cfg)
		return ServeWebhook(name, maxBody, handle), err
	})
}

// ServeWebhook serves a public function that another system posts to, up to maxBody bytes.
func ServeWebhook(name string, maxBody int64, handle WebhookHandler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t := traceOf(r)
		w.Header().Set("X-Request-Id", t.RequestID)
		receive(w, r, maxBody)
		err := run(name, r, t, func(ctx context.Context) error {
			if err := only(http.MethodPost, w, r); err != nil {
				return err
			}
			return handle(ctx, r)
		})
		if err != nil {
			problem.Write(w, t.RequestID, err)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
}
