package psp_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"orderflow.dev/local/child"
	"orderflow.dev/local/psp"
	"orderflow.dev/local/wal"
)

// durable is a ledger in a folder, recovered, and what ends it.
func durable(t testing.TB, dir string) (*psp.Ledger, func()) {
	t.Helper()
	log, err := wal.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	l := psp.NewLedger(psp.LedgerOptions{Now: func() time.Time { return epoch }, Log: log})
	if err := log.Recover(); err != nil {
		t.Fatal(err)
	}
	return l, func() {
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestARestartChangesNothing compares a ledger that is started again before every step with one that never is.
func TestARestartChangesNothing(t *testing.T) {
	t.Parallel()
	methods := []string{
		psp.MethodApprove, psp.MethodDecline, psp.MethodPending, psp.MethodPendingDecline,
		psp.MethodNever, psp.MethodTimeoutCharged, psp.MethodTimeoutNotCharged, psp.MethodFlaky,
	}
	rapid.Check(t, func(rt *rapid.T) {
		dir, plain := t.TempDir(), newLedger()
		for range rapid.IntRange(1, 20).Draw(rt, "steps") {
			key := fmt.Sprint("k", rapid.IntRange(1, 3).Draw(rt, "key"))
			r := request(key, rapid.SampledFrom(methods).Draw(rt, "method"))
			op := rapid.IntRange(0, 3).Draw(rt, "op")
			kept, end := durable(t, dir)
			got, want := outcome(kept, op, r), outcome(plain, op, r)
			end()
			if diff := cmp.Diff(want, got); diff != "" {
				rt.Fatalf("operation %d on %+v (-never restarted +restarted):\n%s", op, r, diff)
			}
		}
	})
}

// outcome is all that can be seen of a ledger after an operation.
func outcome(l *psp.Ledger, op int, r psp.ChargeRequest) string {
	var event psp.Event
	var err error
	if op == 3 {
		event, _ = l.Settle(r.IdempotencyKey)
	} else {
		err = act(l, op, r)
	}
	c, unknown := l.Get(r.IdempotencyKey)
	text, _ := json.MarshalIndent([]any{event, fmt.Sprint(err), c, fmt.Sprint(unknown), l.Movements(), l.Summary()}, "", " ")
	return string(text)
}

func TestAfterARestartChargesSettleAndEventsAreSent(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l, end := durable(t, dir)
	first := psp.NewServer(psp.Options{Ledger: l, WebhookDelay: time.Hour})
	mustCharge(t, l, request("pending", psp.MethodPending))
	mustCharge(t, l, request("never", psp.MethodNever))
	mustCharge(t, l, request("owed", psp.MethodPendingDecline))
	if _, ok := l.Settle("owed"); !ok {
		t.Fatal("nothing to tell")
	}
	first.Close()
	end()

	url, got := receiver(t, 0)
	l, end = durable(t, dir)
	second := psp.NewServer(psp.Options{Ledger: l, WebhookURL: url, WebhookSecret: secret, WebhookDelay: time.Millisecond})
	second.Resume()
	told := map[string]string{}
	for range 2 {
		var e psp.Event
		if err := json.Unmarshal((<-got).body, &e); err != nil {
			t.Fatal(err)
		}
		told[e.IdempotencyKey] = e.Type
	}
	if diff := cmp.Diff(map[string]string{"pending": psp.EventApproved, "owed": psp.EventDeclined}, told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	second.Close()
	end()

	// What is told while a server closes is told again by the next one, but not for ever.
	for patience := 10 * time.Millisecond; ; patience *= 2 {
		l, end = durable(t, dir)
		next := psp.NewServer(psp.Options{Ledger: l, WebhookURL: url, WebhookDelay: time.Millisecond})
		next.Resume()
		time.Sleep(patience)
		next.Close()
		end()
		if len(got) == 0 {
			return
		}
		if again := <-got; patience > 2*time.Second {
			t.Fatalf("told again and again: %s", again.body)
		}
		for len(got) > 0 {
			<-got
		}
	}
}

func TestALedgerThatCannotKeepAnswersNothing(t *testing.T) {
	t.Parallel()
	l, end := durable(t, t.TempDir())
	mustCharge(t, l, request("pending", psp.MethodPending))
	end()
	c, err := l.Charge(request("k", psp.MethodApprove))
	if !strings.HasPrefix(fmt.Sprint(err), psp.ErrNoAnswer.Error()) || c.Status != "" {
		t.Errorf("Charge = %+v, %v; want no answer", c, err)
	}
	if _, ok := l.Settle("pending"); ok {
		t.Error("an event that is not kept was told")
	}
}

// childDir, in the environment, makes this program a provider that is to be killed.
const childDir = "PSP_TEST_CHILD_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := chargeUntilKilled(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// chargeUntilKilled says every answer as a line: the operation, the key, and the refunded amount.
func chargeUntilKilled(dir string) error {
	log, err := wal.Open(dir)
	if err != nil {
		return err
	}
	l := psp.NewLedger(psp.LedgerOptions{Log: log})
	if err := log.Recover(); err != nil {
		return err
	}
	begin := len(l.Movements())
	var callers sync.WaitGroup
	for caller := range 8 {
		callers.Go(func() {
			for n := 0; ; n++ {
				key := fmt.Sprintf("%d-%d-%d", begin, caller, n)
				c, err := l.Charge(request(key, psp.MethodApprove))
				fmt.Println("charge", c.IdempotencyKey, c.Refunded, err)
				if n%2 == 0 {
					c, err = l.Refund(key, 1250)
					fmt.Println("refund", c.IdempotencyKey, c.Refunded, err)
				}
			}
		})
	}
	return <-log.Failed()
}

func TestKillNineLosesNoMoney(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var answers []string
	for round := range 4 {
		answers = append(answers, killed(t, dir, 100+200*round)...)
		l, end := durable(t, dir)
		for _, a := range answers {
			var op, key string
			var refunded int64
			if _, err := fmt.Sscanf(a, "%s %s %d <nil>", &op, &key, &refunded); err != nil {
				t.Fatalf("%q: %v", a, err)
			}
			c, err := l.Get(key)
			if err != nil || c.Status != psp.Approved || c.Refunded < refunded {
				t.Errorf("%s was answered, but now: %+v, %v", a, c, err)
			}
		}
		for i, m := range l.Movements() {
			if m.Seq != i+1 {
				t.Fatalf("movement %d has seq %d", i, m.Seq)
			}
		}
		if s := l.Summary(); s.DoubleCharges != 0 || s.Net < 0 {
			t.Errorf("summary %+v", s)
		}
		end()
	}
}

// killed runs a provider until it has said so much, kills it, and answers all it said.
func killed(t *testing.T, dir string, enough int) (said []string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd.Stdout = w
	ended, err := child.Start(cmd)
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if said = append(said, lines.Text()); len(said) == enough {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	<-ended
	if len(said) < enough {
		t.Fatalf("the provider ended after %d answers", len(said))
	}
	return said
}
