package google

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

const (
	portTries    = 5
	startTimeout = time.Minute
	pollInterval = 20 * time.Millisecond
	// unsaidReady is how long an emulator may answer without having logged that
	// it serves, should another version word it differently.
	unsaidReady = 3 * time.Second
)

// errPortTaken means that somebody took the port between its choice and its use.
var errPortTaken = errors.New("port taken by another process")

// startOne starts an emulator on a free port and waits until it serves.
func startOne(ctx context.Context, e emulator, java, dir string) (*process, error) {
	var err error
	for range portTries {
		var p *process
		if p, err = tryStart(ctx, e, java, dir); err == nil {
			return p, nil
		}
		if !errors.Is(err, errPortTaken) {
			break
		}
	}
	return nil, fmt.Errorf("start %s: %w", e.name, err)
}

func tryStart(ctx context.Context, e emulator, java, dir string) (*process, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	p, err := launch(e, java, dir, port)
	if err != nil {
		return nil, err
	}
	if err := p.awaitReady(ctx); err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("choose a port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// awaitReady waits until this process, and not another one that took its port,
// serves.
func (p *process) awaitReady(ctx context.Context) error {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	var answering time.Time
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("not ready: %w; the end of %s:\n%s", context.Cause(ctx), p.log, tail(p.log))
		case <-p.exited:
			if p.lostPort() {
				return errPortTaken
			}
			return p.death()
		case <-tick.C:
		}
		switch {
		case p.lostPort():
			return errPortTaken
		case !answersOk(ctx, p.host):
			continue
		case answering.IsZero():
			answering = time.Now()
		}
		if p.logged(p.emulator.readyLine) || time.Since(answering) > unsaidReady {
			p.served = true
			return nil
		}
	}
}

// lostPort asks the log, because the Pub/Sub emulator lives on when it cannot
// bind, and "Ok" may be the answer of whoever has the port.
func (p *process) lostPort() bool { return p.logged("BindException") }

func (p *process) logged(text string) bool {
	data, err := os.ReadFile(p.log)
	return err == nil && strings.Contains(string(data), text)
}

var probe = &http.Client{
	Timeout:   5 * time.Second,
	Transport: &http.Transport{DisableKeepAlives: true}, // and no proxy from the environment
}

func answersOk(ctx context.Context, host string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+host+"/", nil)
	if err != nil {
		return false
	}
	resp, err := probe.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64))
	return err == nil && strings.TrimSpace(string(body)) == "Ok"
}
