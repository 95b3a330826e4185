package likeness

import (
	"context"
	"net"
	"testing"

	"orderflow.dev/local/firestore"
)

func TestOursIsLikeGooglesEmulator(t *testing.T) {
	needGoogle(t)
	c := &comparison{
		google: dial(t, "google", googleHost), ours: dial(t, "ours", serveOurs(t)), explained: differences, tally: newTally(),
	}
	c.compareAll(t, *ops)
	t.Logf("\n%s0 unexplained", c.tally)
}

// serveOurs serves ours for the time of a test.
func serveOurs(t testing.TB) (host string) {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- firestore.New(firestore.Options{}).Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return l.Addr().String()
}
