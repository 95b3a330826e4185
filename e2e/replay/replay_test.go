package replay

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"orderflow.dev/e2e"
	"orderflow.dev/internal/promise"
	"orderflow.dev/local/stack"
	"orderflow.dev/local/workflows"
)

// TestReplay has an order come to each of its endings, publishes everything that happened twice more, which must change
// nothing, and then loses all notifications, which must come back.
func TestReplay(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	everyEnding(ctx, t)
	settled(ctx, t)
	events, err := archived(ctx)
	if err != nil {
		t.Fatal(err)
	}
	before, err := everything(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		out := command(ctx, t, "replay", "--from", "1h", "--reason", "a test", "--rate", "1000")
		delivered(ctx, t, out, len(events), deliveries(t, events))
		settled(ctx, t)
		after, err := everything(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, after); diff != "" {
			t.Fatalf("a replay of everything changed (-before +after):\n%s", diff)
		}
		promises(ctx, t)
	}
	notificationsComeBack(ctx, t, before)
	t.Run("a replay is remembered", func(t *testing.T) {
		out := command(ctx, t, "replay", "list")
		if n := strings.Count(out, "a test"); n != 2 || !strings.Contains(out, "for notify-customer") {
			t.Errorf("the list says\n%s", out)
		}
	})
}

func everyEnding(ctx context.Context, t *testing.T) {
	t.Helper()
	token, err := stack.Token(ctx, local.Endpoints, "everybody")
	if err != nil {
		t.Fatal(err)
	}
	w := e2e.World{Customer: e2e.Customer{Gateway: local.Gateway, Token: token}, AtProvider: look.AtProvider}
	var g errgroup.Group
	for _, s := range e2e.Scenarios {
		g.Go(func() error {
			_, err := s.Run(ctx, w)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
}

// settled waits until nothing is on its way: no order, no event, no saga, no notification.
func settled(ctx context.Context, t *testing.T) {
	t.Helper()
	eventually(ctx, t, "everything to come to rest", func() bool {
		w, err := look.World(ctx)
		if err != nil {
			t.Fatal(err)
		}
		orders, journals := w.OnItsWay()
		running := slices.ContainsFunc(local.Engine.Executions("fulfil-order"), func(e workflows.Execution) bool { return e.End.IsZero() })
		all, err := everything(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return orders+journals == 0 && !running && sent(all) == len(w.Orders)
	})
}

// sent are how many customers were told of an ending.
func sent(all map[string]string) (n int) {
	for name, fields := range all {
		if strings.HasPrefix(name, "notifications/") && strings.Contains(fields, "sent:true") {
			n++
		}
	}
	return n
}

var summary = regexp.MustCompile(`replay (\S+): (\d+) of (\d+) events published again`)

// delivered waits for the deliveries that a replay of so many events causes.
func delivered(ctx context.Context, t *testing.T, out string, events, deliveries int) {
	t.Helper()
	said := summary.FindStringSubmatch(out)
	if said == nil {
		t.Fatalf("the replay says\n%s", out)
	}
	if said[2] != said[3] || said[2] != strconv.Itoa(events) {
		t.Fatalf("%s of %s events were published again, want %d:\n%s", said[2], said[3], events, out)
	}
	eventually(ctx, t, "the deliveries of replay "+said[1], func() bool { return len(handled(t, said[1])) == deliveries })
}

// line is what a function logs of a delivery.
type line struct {
	Replay, Function, Outcome, LeftTo string
}

// handled are the deliveries of a replay that functions logged and acknowledged.
func handled(t *testing.T, replay string) (lines []line) {
	t.Helper()
	log, err := os.ReadFile(local.LogFile)
	if err != nil {
		t.Fatal(err)
	}
	for text := range strings.Lines(string(log)) {
		var l struct {
			Replay, Function, Outcome string
			LeftTo                    string `json:"left_to"`
		}
		if json.Unmarshal([]byte(text), &l) == nil && l.Replay == replay && l.Outcome == "ok" {
			lines = append(lines, line(l))
		}
	}
	return lines
}

// notificationsComeBack loses every record of a notification and what was sent, and replays the endings.
func notificationsComeBack(ctx context.Context, t *testing.T, before map[string]string) {
	t.Helper()
	n, err := forget(ctx)
	if err != nil || n == 0 {
		t.Fatalf("%d notifications were lost, error %v", n, err)
	}
	out := command(ctx, t, "replay", "--from", "1h", "--function", "notify-customer", "--reason", "mail is back")
	settled(ctx, t)
	after, err := everything(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if got := sent(after); got != n {
		t.Errorf("%d customers were told again, want %d\n%s", got, n, out)
	}
	for name, was := range before {
		if path.Dir(name) != "notifications/notifications" && after[name] != was {
			t.Errorf("a replay for notify-customer changed %s\nfrom %s\nto %s", name, was, after[name])
		}
	}
	promises(ctx, t)
}

func promises(ctx context.Context, t *testing.T) {
	t.Helper()
	w, err := look.World(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range promise.Check(w, time.Now(), true) {
		for _, b := range v.Violations {
			t.Errorf("%s: order %s: %s", v.Promise, b.OrderID, b.Why)
		}
	}
}

func command(ctx context.Context, t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("orderflow %s: %v\n%s", args, err, out)
	}
	return string(out)
}

func eventually(ctx context.Context, t *testing.T, what string, holds func() bool) {
	t.Helper()
	for !holds() {
		select {
		case <-ctx.Done():
			t.Fatalf("waited for %s: %v", what, ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}
