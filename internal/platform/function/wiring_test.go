package function_test

import (
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"orderflow.dev/local/cloudtest"
)

func TestUnconfiguredFunctionIsNotReady(t *testing.T) {
	t.Parallel()
	a := cloudtest.Send(t, http.MethodPost, cloudtest.Function(t, "test-configured"), nil, "")
	if a.Status != 503 || strings.Contains(a.Body, "TEST_ONE") {
		t.Errorf("answer %d %q, want 503 without internals", a.Status, a.Body)
	}
}

const wantFunctionTarget = "TEST_FUNCTION_TARGET"

// TestFunctionTarget starts this test binary as the platform starts a function: what is wrong with its configuration
// ends it before it listens.
func TestFunctionTarget(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		env  []string
		code int
		want []string
	}{
		"badly configured":         {[]string{"FUNCTION_TARGET=test-configured"}, 1, []string{"cannot start test-configured", "TEST_ONE"}},
		"half configured":          {[]string{"FUNCTION_TARGET=test-configured", "TEST_ONE=1"}, 1, []string{"TEST_TWO"}},
		"well configured":          {[]string{"FUNCTION_TARGET=test-configured", "TEST_ONE=1", "TEST_TWO=2"}, 0, nil},
		"another function's place": {[]string{"FUNCTION_TARGET=test-call"}, 0, nil},
	} {
		cmd := exec.Command(os.Args[0], "-test.run=^$")
		cmd.Env = append(c.env, wantFunctionTarget+"=1")
		out, err := cmd.CombinedOutput()
		if code := cmd.ProcessState.ExitCode(); code != c.code {
			t.Errorf("%s: exit code %d (%v), want %d: %s", name, code, err, c.code, out)
		}
		for _, want := range c.want {
			if !strings.Contains(string(out), want) {
				t.Errorf("%s: %q is not in %s", name, want, out)
			}
		}
	}
}
