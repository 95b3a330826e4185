package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"regexp"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	"orderflow.dev/internal/platform/problem"
	"orderflow.dev/internal/unit"
)

// askTime bounds a request, most of whose time is a client's retries.
const askTime = 30 * time.Second

// askService wants SERVING of gRPC's health protocol. Its server exists only once the service that the bundle's main
// names was registered, configured and wired.
func askService(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	health, err := healthv1.NewHealthClient(conn).Check(ctx, &healthv1.HealthCheckRequest{})
	if err != nil {
		return fmt.Errorf("gRPC health: %w", err)
	}
	if health.GetStatus() != healthv1.HealthCheckResponse_SERVING {
		return fmt.Errorf("gRPC health: %s", health.GetStatus())
	}
	return nil
}

// askFunction sends a request that every function refuses, or fails at for want of a cloud, each kind in its own form:
// no token, no signature, no JSON, no event. It belongs to a trace, by which its line is found in the log.
func askFunction(ctx context.Context, u unit.Unit, address, trace string) error {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	method := http.MethodPost
	if r := u.Route(); r != nil {
		method = r.Method
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://"+address+"/", strings.NewReader("["))
	if err != nil {
		return err
	}
	parent := "00-" + trace + "-" + trace[:16] + "-01"
	for name, value := range map[string]string{"Content-Type": "application/json", "Traceparent": parent, "Ce-Traceparent": parent} {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return fmt.Errorf("ask it: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("read its answer: %w", err)
	}
	if err := answered(u, resp, body); err != nil {
		return fmt.Errorf("%s / was answered %s, %s, %q: %w", method, resp.Status, resp.Header.Get("Content-Type"), body, err)
	}
	return nil
}

// newTrace is the id of a trace (W3C Trace Context).
func newTrace() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	return hex.EncodeToString(id[:])
}

var codeName = regexp.MustCompile(`^[a-z_]+\n$`)

// answered says whether an answer is in the form of the function's kind.
func answered(u unit.Unit, resp *http.Response, body []byte) error {
	contentType, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	refused := resp.StatusCode >= 400 && resp.StatusCode < 500
	switch t := u.Trigger; {
	case u.Route() != nil:
		var p problem.Problem
		if err := json.Unmarshal(body, &p); err != nil || !refused || contentType != "application/problem+json" || p.Reason == "" || p.Status != resp.StatusCode {
			return errors.New("want a 4xx problem (RFC 9457) with a reason")
		}
	case t.Saga != "" || t.Schedule != "":
		if t.Schedule != "" && resp.StatusCode == http.StatusNoContent {
			return nil
		}
		var e struct {
			Code string `json:"code"`
		}
		if err := json.Unmarshal(body, &e); err != nil || resp.StatusCode < 400 || t.Saga != "" && !refused || contentType != "application/json" || e.Code == "" {
			return errors.New("want an error in Connect's form, a 4xx of the saga's steps")
		}
	default: // Pub/Sub and Eventarc read the status only
		if resp.StatusCode != http.StatusNoContent && (resp.StatusCode != http.StatusInternalServerError || !codeName.Match(body)) {
			return errors.New("want 204, or 500 with the name of a code")
		}
	}
	return nil
}

// logged finds the invocation's line in the log, which says that the function itself was reached: an answer alone might be
// the framework's, or another function's.
func logged(name, trace string, log []byte) error {
	for line := range bytes.Lines(log) {
		var l struct {
			Function string `json:"function"`
			Outcome  string `json:"outcome"`
			Error    string `json:"error"`
			Trace    string `json:"logging.googleapis.com/trace"`
		}
		if json.Unmarshal(line, &l) != nil || l.Function != name || l.Outcome == "" || !strings.HasSuffix(l.Trace, "/traces/"+trace) {
			continue
		}
		if strings.HasPrefix(l.Error, "panic") {
			return fmt.Errorf("the function panicked")
		}
		return nil
	}
	return fmt.Errorf("the function's log has no line of the request (trace %s)", trace)
}
