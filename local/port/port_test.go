package port_test

import (
	"net"
	"testing"

	"orderflow.dev/local/port"
)

// TestServersUseTheirPortOneAfterTheOther has one server after another listen on a reserved port, with a connection of the
// last one still open, as after a process was killed.
func TestServersUseTheirPortOneAfterTheOther(t *testing.T) {
	t.Parallel()
	p, err := port.Reserve()
	if err != nil {
		t.Fatal(err)
	}
	defer p.Release()
	for range 3 {
		l, err := net.Listen("tcp", p.Address())
		if err != nil {
			t.Fatal(err)
		}
		c, err := net.Dial("tcp", p.Address())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
