package stack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/GoogleCloudPlatform/functions-framework-go/funcframework"
	"golang.org/x/sync/errgroup"

	"orderflow.dev/internal/platform/rpc"
	"orderflow.dev/internal/unit"
	"orderflow.dev/local/port"
)

func duration(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

// startServices serves every gRPC service on a port of its own.
func (s *Stack) startServices(ctx, run context.Context) error {
	if s.options.Isolate || s.options.Inventories > 0 {
		if err := s.openGuards(func(u unit.Unit) bool { return u.Service }); err != nil {
			return err
		}
	}
	for _, u := range s.units {
		if !u.Service {
			continue
		}
		var (
			url string
			err error
		)
		switch {
		case u.Name == "inventory" && s.options.Inventories > 0:
			url, err = s.startProcesses(ctx, run, u.Name, s.options.Inventories)
		case s.options.Isolate:
			url, err = s.startProcess(ctx, run, u.Name, u.Name)
		default:
			url, err = s.startService(run, u.Name)
		}
		if err != nil {
			return err
		}
		os.Setenv(u.EnvName(), url)
		s.urls[u.Name] = url
		switch u.Name {
		case "inventory":
			s.Inventory = url
		case "payment":
			s.Payment = url
		}
	}
	return nil
}

func (s *Stack) startService(run context.Context, name string) (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	s.servers.Go(func() error { return rpc.Serve(run, name, l) })
	return "http://" + l.Addr().String(), nil
}

func (s *Stack) startFunctions(ctx, run context.Context) error {
	os.Unsetenv("FUNCTION_TARGET")
	if err := s.listenWorkflows(); err != nil { // the functions that start executions are told where
		return err
	}
	if !s.options.Isolate {
		name, value, _ := strings.Cut(share(hostedShare), "=")
		os.Setenv(name, value)
		return s.hostFunctions(ctx, run)
	}
	if err := s.openGuards(func(u unit.Unit) bool { return !u.Service }); err != nil {
		return err
	}
	var g errgroup.Group
	urls := make([]string, len(s.units))
	for i, u := range s.units {
		if !u.Service {
			g.Go(func() (err error) {
				urls[i], err = s.startProcess(ctx, run, u.Name, u.Name, "FUNCTION_TARGET="+u.Name, share(u.CustomerShare()))
				return err
			})
		}
	}
	err := g.Wait()
	for i, u := range s.units {
		if !u.Service {
			s.urls[u.Name] = urls[i]
		}
	}
	return err
}

// hostedShare is how many requests of one customer a process takes that stands for all instances of all functions.
const hostedShare = 256

func share(requests int) string { return fmt.Sprintf("CUSTOMER_CONCURRENCY=%d", requests) }

// hostFunctions serves every function in this process by the functions framework, each at its name. The framework chooses
// no port and never stops, so a port that somebody else took is replaced, and the process's end is its end.
func (s *Stack) hostFunctions(ctx, run context.Context) error {
	for range 5 {
		reserved, err := port.Reserve()
		if err != nil {
			return err
		}
		url := "http://" + reserved.Address()
		ended := make(chan error, 1)
		restore := silence() // the framework prints a list of its functions on standard output, which is for people
		go func() { ended <- funcframework.StartHostPort("127.0.0.1", strconv.Itoa(reserved.Number)) }()
		err = reachable(ctx, url, ended)
		restore()
		reserved.Release() // the framework listens
		if err == nil {
			for _, u := range s.units {
				if !u.Service {
					s.urls[u.Name] = url + "/" + u.Name
				}
			}
			s.servers.Go(func() error {
				select {
				case err := <-ended:
					return fmt.Errorf("the functions framework ended: %w", err)
				case <-run.Done():
					return nil
				}
			})
			return nil
		}
		if ctx.Err() != nil {
			return err
		}
	}
	return errors.New("no free port could be kept")
}

func silence() (restore func()) {
	stdout := os.Stdout
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return func() {}
	}
	os.Stdout = null
	return func() {
		os.Stdout = stdout
		null.Close()
	}
}

// reachable waits until url answers anything.
func reachable(ctx context.Context, url string, ended <-chan error) error {
	client := &http.Client{Timeout: time.Second}
	for {
		resp, err := client.Get(url)
		if err == nil {
			return resp.Body.Close()
		}
		select {
		case err := <-ended:
			return err
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// UnitURL is where a function or service is reached directly, as the platform reaches it.
func (s *Stack) UnitURL(name string) string { return s.urls[name] }
