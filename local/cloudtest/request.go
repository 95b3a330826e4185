package cloudtest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"orderflow.dev/internal/platform/event"
)

// Answer is what a door answered.
type Answer struct {
	Status int
	Header http.Header
	Body   string
}

// Header is the headers of a request.
type Header map[string]string

// Bearer is the headers of a person's JSON request, with a token that has scopes.
func Bearer(t testing.TB, person string, scopes ...string) Header {
	t.Helper()
	return Header{"Authorization": "Bearer " + Token(t, person, scopes...), "Content-Type": "application/json"}
}

// Send sends a request and reads the whole answer.
func Send(t testing.TB, method, url string, header Header, body string) Answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: read the answer: %v", method, url, err)
	}
	return Answer{Status: resp.StatusCode, Header: resp.Header, Body: string(raw)}
}

// Call posts a message as the saga does, in proto JSON.
func Call(t testing.TB, url string, m proto.Message) Answer {
	t.Helper()
	body, err := protojson.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return Send(t, http.MethodPost, url, Header{"Content-Type": "application/json"}, string(body))
}

// Read reads a proto JSON answer into m.
func (a Answer) Read(t testing.TB, m proto.Message) {
	t.Helper()
	if err := protojson.Unmarshal([]byte(a.Body), m); err != nil {
		t.Fatalf("answer %d %s: %v", a.Status, a.Body, err)
	}
}

// Deliver posts an event as a Pub/Sub push subscription does that unwraps its messages and writes their metadata.
func Deliver(t testing.TB, url string, e event.Event) Answer {
	t.Helper()
	data, err := proto.Marshal(e.Data)
	if err != nil {
		t.Fatal(err)
	}
	return Push(t, url, "message-of-"+e.ID, e.Attributes(), data)
}

// Push posts a Pub/Sub message, whatever it is.
func Push(t testing.TB, url, messageID string, attributes map[string]string, data []byte) Answer {
	t.Helper()
	header := Header{"X-Goog-Pubsub-Message-Id": messageID, "X-Goog-Pubsub-Subscription-Name": "projects/p/subscriptions/s"}
	for k, v := range attributes {
		header[k] = v
	}
	return Send(t, http.MethodPost, url, header, string(data))
}

// Reason is the reason of an error answer, a customer's or the saga's; empty if it gives none.
func Reason(t testing.TB, a Answer) string {
	t.Helper()
	var body struct {
		Reason string `json:"reason"`
	}
	if err := json.Unmarshal([]byte(a.Body), &body); err != nil {
		t.Fatalf("answer %d %q is not JSON: %v", a.Status, a.Body, err)
	}
	return body.Reason
}
