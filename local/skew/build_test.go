package skew

import (
	"strings"
	"testing"
	"time"
)

func TestClocksThatAreGivenAwayAreReplaced(t *testing.T) {
	t.Parallel()
	got, err := rewrite("f.go", []byte(`package f

import "time"

var began = time.Now()

func wire() any { return []func() time.Time{time.Now, other.Now} }

func wait() { later(time.Now, time.Now()) }
`))
	if err != nil {
		t.Fatal(err)
	}
	want := `package f; import "orderflow.dev/local/skew"

import "time"

var began = time.Now()

func wire() any { return []func() time.Time{skew.Now, other.Now} }

func wait() { later(skew.Now, time.Now()) }

var _ time.Time
`
	if string(got) != want {
		t.Errorf("rewritten:\n%s\nwant:\n%s", got, want)
	}
}

func TestWhatGivesNoClockStaysAsItIs(t *testing.T) {
	t.Parallel()
	if got, err := rewrite("f.go", []byte("package f\n\nimport \"time\"\n\nvar began = time.Now()\n")); got != nil || err != nil {
		t.Errorf("rewritten to %q, %v", got, err)
	}
	if _, err := rewrite("f.go", []byte("package")); err == nil || !strings.Contains(err.Error(), "f.go") {
		t.Errorf("what is no Go: %v, want an error that names the file", err)
	}
}

func TestNowIsOffByWhatTheProcessWasTold(t *testing.T) {
	if wrong != 0 {
		t.Errorf("a process that was told nothing is off by %s", wrong)
	}
	wrong = -3 * time.Hour
	t.Cleanup(func() { wrong = 0 })
	if off := time.Until(Now()).Round(time.Minute); off != wrong {
		t.Errorf("Now is off by %s, want %s", off, wrong)
	}
}
