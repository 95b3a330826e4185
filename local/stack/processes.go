package stack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// startProcesses runs a service in n processes behind one address, as Cloud Run does with instances.
func (s *Stack) startProcesses(ctx, run context.Context, name string, n int) (string, error) {
	if s.options.Command == nil {
		return "", errors.New("Options.Inventories needs Options.Command")
	}
	var targets []*url.URL
	for range n {
		target, err := s.startProcess(ctx, run, name)
		if err != nil {
			return "", err
		}
		targets = append(targets, target)
	}
	return s.serve(run, 0, func(string) (http.Handler, error) { return balance(targets), nil })
}

func (s *Stack) startProcess(ctx, run context.Context, name string) (*url.URL, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	cmd := s.options.Command(name)
	cmd.Env = append(os.Environ(), cmd.Env...)
	cmd.Env = append(cmd.Env, "HOST=127.0.0.1", "PORT="+strconv.Itoa(port))
	cmd.Stderr = s.logFile
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	s.onStop(func() { cmd.Process.Kill() }) // in case it does not heed SIGTERM
	s.servers.Go(func() error {
		select {
		case err := <-ended:
			return fmt.Errorf("a process of service %s ended: %v", name, err)
		case <-run.Done():
			cmd.Process.Signal(syscall.SIGTERM)
			select {
			case <-ended:
			case <-time.After(12 * time.Second):
			}
			return nil
		}
	})
	target := &url.URL{Scheme: "http", Host: fmt.Sprintf("127.0.0.1:%d", port)}
	return target, reachable(ctx, target.String(), ended)
}

// balance gives each request to the next target, gRPC over h2c and JSON over HTTP/1.1.
func balance(targets []*url.URL) http.Handler {
	h2c := http.DefaultTransport.(*http.Transport).Clone()
	h2c.Protocols = &http.Protocols{}
	h2c.Protocols.SetUnencryptedHTTP2(true)
	h1 := http.DefaultTransport.(*http.Transport).Clone()
	h1.MaxIdleConnsPerHost = 100
	var next atomic.Uint64
	return &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(targets[next.Add(1)%uint64(len(targets))]) },
		Transport:     byContent{h2c, h1},
		FlushInterval: -1,
	}
}

type byContent struct{ grpc, json http.RoundTripper }

func (t byContent) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc") {
		return t.grpc.RoundTrip(r)
	}
	return t.json.RoundTrip(r)
}
