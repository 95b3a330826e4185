package likeness

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"orderflow.dev/local/google"
)

var (
	ops     = flag.Int("ops", 4000, "about how many operations are compared; -rapid.seed repeats a run")
	all     = flag.Bool("all", false, "go on after a difference that is not explained, and list them all, as they are: not shrunk")
	emulate = flag.String("google", "", "`host:port` of a Firestore emulator of Google's, or \"required\": fail if it is not installed")
)

// startTimeout bounds the start of the emulator on a busy machine.
const startTimeout = 2 * time.Minute

// shrinkTime is for what a human is to read.
const shrinkTime = 30 * time.Second

// googleHost is where Google's emulator serves, if missing is nil.
var (
	googleHost string
	missing    *google.Missing
)

func TestMain(m *testing.M) {
	flag.Parse()
	code, err := runTests(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "likeness:", err)
		code = 1
	}
	os.Exit(code)
}

func runTests(m *testing.M) (int, error) {
	if *emulate != "" && *emulate != "required" {
		googleHost = *emulate
		return m.Run(), nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	emulators, err := google.Start(ctx, google.Options{})
	if errors.As(err, &missing) && *emulate == "" {
		fmt.Fprintf(os.Stderr, "likeness: NOTHING IS COMPARED WITH GOOGLE'S EMULATOR: %v\n", err)
		return m.Run(), nil
	}
	if err != nil {
		return 0, err
	}
	defer emulators.Stop()
	googleHost = emulators.FirestoreHost
	return m.Run(), nil
}

// needGoogle skips a test where the emulator is not installed.
func needGoogle(t *testing.T) {
	t.Helper()
	if missing != nil {
		t.Skipf("NOT COMPARED: %v", missing)
	}
}

func set(t testing.TB, name string, value any) {
	t.Helper()
	if err := flag.Set(name, fmt.Sprint(value)); err != nil {
		t.Fatal(err)
	}
}

func TestGooglesEmulatorIsLikeItself(t *testing.T) {
	needGoogle(t)
	c := &comparison{google: dial(t, "one", googleHost), ours: dial(t, "other", googleHost), tally: newTally()}
	c.compareAll(t, *ops/10, shrinkTime)
	t.Logf("\n%s", c.tally)
	for _, d := range c.tally.others {
		t.Errorf("answered differently: %s", d)
	}
}
