package cloudtest

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/GoogleCloudPlatform/functions-framework-go/funcframework"

	"orderflow.dev/local/port"
)

// Function is the URL of a function of this program, served by the functions framework. The framework is started once a
// process and knows the functions that are registered by then.
func Function(t testing.TB, name string) string {
	t.Helper()
	base, err := framework()
	if err != nil {
		t.Fatalf("serve function %s: %v", name, err)
	}
	return base + "/" + name
}

// framework serves every registered function. The framework takes a port but chooses none, so a port that somebody else
// takes in between is replaced.
var framework = sync.OnceValues(func() (string, error) {
	err := errors.New("no free port could be kept")
	for range 5 {
		var reserved port.Reserved
		if reserved, err = port.Reserve(); err != nil {
			return "", err
		}
		ended := make(chan error, 1)
		go func() { ended <- funcframework.StartHostPort("127.0.0.1", strconv.Itoa(reserved.Number)) }()
		url := "http://" + reserved.Address()
		if err = answering(url, ended); err == nil {
			return url, nil
		}
	}
	return "", err
})

func answering(url string, ended <-chan error) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			return resp.Body.Close()
		}
		select {
		case err := <-ended:
			return err
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
}
