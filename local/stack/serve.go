package stack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// serve runs a handler on a free loopback port, or on port, and answers its URL.
func (s *Stack) serve(run context.Context, port int, handler func(url string) (http.Handler, error)) (string, error) {
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return "", err
	}
	url := "http://" + l.Addr().String()
	h, err := handler(url)
	if err != nil {
		l.Close()
		return "", err
	}
	srv := Server(h)
	s.servers.Go(func() error { return ignoreClosed(srv.Serve(l)) })
	s.servers.Go(func() error {
		<-run.Done()
		drain, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		if srv.Shutdown(drain) != nil {
			srv.Close() // somebody holds on: a provider that never answers, a customer that never reads
		}
		return nil
	})
	return url, nil
}

// Server is a server of a handler as each door of a stack is one: HTTP/1 and HTTP/2 in the clear, with bounds for those who do
// not speak, speak slowly, or say too much before they come to the point.
func Server(h http.Handler) *http.Server {
	protocols := &http.Protocols{}
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Server{Handler: h, Protocols: protocols, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10}
}

func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
