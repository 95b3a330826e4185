package rpc_test

import (
	"net"
	"net/http"
	"strings"
	"testing"

	"orderflow.dev/internal/platform/rpc"
	"orderflow.dev/local/cloudtest"
)

// TestShutdownLetsCallsInFlightFinish stops the service while a call of each kind waits in it.
func TestShutdownLetsCallsInFlightFinish(t *testing.T) {
	t.Parallel()
	s := newPayments()
	url, stop := serve(t, s)
	client := dial(t, url)
	byGRPC, byJSON := make(chan error, 1), make(chan cloudtest.Answer, 1)
	go func() {
		_, err := get(t.Context(), client, "waits")
		byGRPC <- err
	}()
	go func() {
		byJSON <- cloudtest.Send(t, http.MethodPost, url+method, cloudtest.Header{"Content-Type": "application/json"}, `{"order_id":"waits"}`)
	}()
	<-s.entered
	<-s.entered
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	for { // until it takes no more connections
		conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			break
		}
		conn.Close()
	}
	close(s.released)
	if err := <-byGRPC; err != nil {
		t.Errorf("the gRPC call in flight: %v", err)
	}
	if a := <-byJSON; a.Status != http.StatusOK {
		t.Errorf("the JSON call in flight: %d %s", a.Status, a.Body)
	}
	if err := <-stopped; err != nil {
		t.Errorf("Serve: %v", err)
	}
}

func TestServeSaysWhatItCannotServe(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"nobody": `no service is called "nobody"`, "test-configured": "TEST_NOWHERE_SET"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if err := rpc.Serve(t.Context(), name, l); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %s", name, err, want)
		}
		l.Close()
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if err := <-start(t.Context(), newPayments(), l); err == nil {
		t.Error("a listener that is closed is served")
	}
}
