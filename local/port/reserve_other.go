//go:build !linux

package port

import "net"

// reserve holds nothing: elsewhere two sockets share an address only if the server says so, which ours do not.
func reserve() (number int, release func(), err error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, nil, err
	}
	return l.Addr().(*net.TCPAddr).Port, func() {}, l.Close()
}
