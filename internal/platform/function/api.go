package function

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/platform/auth"
	"orderflow.dev/internal/platform/problem"
	"orderflow.dev/internal/platform/telemetry"
)

// MaxBody is the largest body a customer may send, in bytes.
const MaxBody = 256 << 10

// Request is a customer's request.
type Request struct {
	*http.Request
	CustomerID string
	Subject    string // of the caller's token: who acts, where that is kept
}

// PathParam is a parameter of the route. API Gateway (path translation CONSTANT_ADDRESS) appends it to the query, so it
// is the last of its name: those before it are the caller's.
func (r *Request) PathParam(name string) string {
	values := r.URL.Query()[name]
	if len(values) == 0 {
		return ""
	}
	return values[len(values)-1]
}

// PageSize is the query's page_size; 0 if it has none. Error: INVALID_ARGUMENT, of what is no number from 1 on. Which is too
// large, the domain knows.
func (r *Request) PageSize() (int, error) {
	size := r.URL.Query().Get("page_size")
	if size == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(size)
	if err != nil || n < 1 {
		return 0, fault.Invalid([]fault.Field{{Name: "page_size", Message: "must be a number from 1 to 100"}})
	}
	return n, nil
}

// Reply is the answer to a customer.
type Reply struct {
	Status int // 200 if zero
	Header map[string]string
	Body   proto.Message
}

// APIHandler is a use case behind the public API.
type APIHandler func(context.Context, *Request) (*Reply, error)

type apiConfig[C any] struct {
	Auth     auth.Config
	Share    int `env:"CUSTOMER_CONCURRENCY, default=20"` // requests that one customer may have under way on an instance
	Function C
}

// API makes a function of the public API: one method, a customer's token, JSON in and out, RFC 9457 problems. Of scopes,
// the token must have every one: without any, it is for every customer.
func API[C any](name, method string, wire func(context.Context, C) (APIHandler, error), scopes ...string) {
	register(name, func(ctx context.Context, cfg apiConfig[C]) (http.Handler, error) {
		if cfg.Share < 1 {
			return nil, fmt.Errorf("CUSTOMER_CONCURRENCY is %d: it must be at least 1", cfg.Share)
		}
		handle, err := wire(ctx, cfg.Function)
		verifier := auth.NewVerifier(cfg.Auth)
		caller := func(ctx context.Context, r *http.Request) (auth.Caller, error) {
			return verifier.Customer(ctx, r, scopes...)
		}
		return ServeAPI(name, method, caller, fair(cfg.Share, handle)), err
	})
}

// ServeAPI serves a function of the public API. caller says who asks, or why nobody may.
func ServeAPI(name, method string, caller func(context.Context, *http.Request) (auth.Caller, error), handle APIHandler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t := traceOf(r)
		w.Header().Set("X-Request-Id", t.RequestID)
		receive(w, r, MaxBody)
		err := run(name, r, t, func(ctx context.Context) error {
			if err := only(method, w, r); err != nil {
				return err
			}
			reply, err := answer(ctx, caller, handle, r)
			if err != nil {
				return err
			}
			return write(w, reply)
		})
		if err != nil {
			problem.Write(w, t.RequestID, err)
		}
	})
}

// only refuses other methods than one, and says which it is (RFC 9110, section 15.5.6).
func only(method string, w http.ResponseWriter, r *http.Request) error {
	if r.Method == method {
		return nil
	}
	w.Header().Set("Allow", method)
	return fault.New(codes.InvalidArgument, "method_not_allowed", "use %s here, not %s", method, r.Method)
}

func answer(ctx context.Context, caller func(context.Context, *http.Request) (auth.Caller, error), handle APIHandler, r *http.Request) (*Reply, error) {
	who, err := caller(ctx, r)
	if err != nil {
		return nil, err
	}
	telemetry.Annotate(ctx, "customer_id", who.CustomerID)
	return handle(ctx, &Request{Request: r, CustomerID: who.CustomerID, Subject: who.Subject})
}

// Decode reads the JSON body into m. Unknown fields, a wrong content type, and a body that is packed, over MaxBody or too
// slow are refused.
func (r *Request) Decode(m proto.Message) error {
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" {
		return fault.New(codes.InvalidArgument, "unsupported_media_type", "send the body as Content-Type: application/json")
	}
	if packed := r.Header.Get("Content-Encoding"); packed != "" && packed != "identity" {
		return fault.New(codes.InvalidArgument, "unsupported_media_type", "send the body as it is, without Content-Encoding")
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	if err := protojson.Unmarshal(body, m); err != nil {
		return fault.Wrap(err, codes.InvalidArgument, "invalid_json", "the body is not what is expected: %s", jsonError(err))
	}
	return nil
}

func write(w http.ResponseWriter, r *Reply) error {
	body, err := marshal(r.Body)
	if err != nil {
		return err
	}
	for k, v := range r.Header {
		w.Header().Set(k, v)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if r.Status != 0 {
		w.WriteHeader(r.Status)
	}
	_, _ = w.Write(body) // the caller is gone if this fails; the work is done
	return nil
}

// marshal is protojson with the proto's own field names, without its deliberately unstable white space: a repeated
// answer must be the same to the byte.
func marshal(m proto.Message) ([]byte, error) {
	raw, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(m)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		return nil, err
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}
