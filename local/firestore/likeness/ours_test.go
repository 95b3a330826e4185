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
	c.compareAll(t, *ops, shrinkTime)
	t.Logf("\n%s", c.tally)
	for _, d := range differences {
		if c.tally.explained[d.emulator] == 0 {
			t.Logf("not seen in this run: %s", d.emulator)
		}
	}
	for _, d := range c.tally.others {
		t.Errorf("answered differently: %s", d)
	}
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
