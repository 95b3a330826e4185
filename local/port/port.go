// Package port gives ports of this machine to servers that choose none themselves: other programs, and the functions
// framework.
package port

import (
	"fmt"
	"net"
	"strconv"
)

// Reserved is a TCP port of 127.0.0.1 for one server. On Linux nobody who asks for any free port, to listen or to connect,
// is given it before Release: not while the server starts, nor between the death of one process and its successor. Elsewhere
// it was free when it was chosen.
type Reserved struct {
	Number  int
	release func()
}

// Reserve chooses a free port.
func Reserve() (Reserved, error) {
	number, release, err := reserve()
	if err != nil {
		return Reserved{}, fmt.Errorf("reserve a port: %w", err)
	}
	return Reserved{Number: number, release: release}, nil
}

// Address is the port's, HOST:PORT.
func (r Reserved) Address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(r.Number)) }

// Release gives the port back. A server that listens on it goes on.
func (r Reserved) Release() { r.release() }
