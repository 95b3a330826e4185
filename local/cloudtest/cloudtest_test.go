package cloudtest_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"cloud.google.com/go/pubsub/v2"
	"github.com/GoogleCloudPlatform/functions-framework-go/functions"
	"github.com/google/go-cmp/cmp"

	"orderflow.dev/local/cloud"
	"orderflow.dev/local/cloudtest"
	"orderflow.dev/local/workflows"
)

func init() {
	functions.HTTP("greet", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hello") })
}

func TestMain(m *testing.M) {
	cloudtest.Main(m, cloudtest.Issuer, cloudtest.Workflows(workflows.Options{}))
}

func TestFunctionIsServedByTheFramework(t *testing.T) {
	t.Parallel()
	a := cloudtest.Send(t, http.MethodGet, cloudtest.Function(t, "greet"), nil, "")
	if a.Status != http.StatusOK || a.Body != "hello" {
		t.Errorf("answer %d %q, want 200 hello", a.Status, a.Body)
	}
}

func TestTapSeesWhatIsPublishedAfterIt(t *testing.T) {
	t.Parallel()
	const topic = "orderflow.event.v1.OrderCreated"
	client, err := pubsub.NewClient(t.Context(), cloudtest.Project())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	publish := func(subject string, n int) (ids []string) {
		for range n {
			id, err := client.Publisher(topic).Publish(t.Context(), &pubsub.Message{Attributes: map[string]string{"ce-subject": subject}}).Get(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, id)
		}
		return ids
	}
	publish("a", 1) // before the tap
	tap := cloudtest.NewTap(t, topic)
	if got := tap.About("a"); len(got) != 0 {
		t.Errorf("the tap sees what was published before it: %v", got)
	}
	want := publish("a", 20)
	publish("b", 1)
	want = append(want, publish("a", 1)...)
	for range 2 { // looking changes nothing
		var got []string
		for _, m := range tap.About("a") {
			got = append(got, m.ID)
		}
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("messages about a (-want +got):\n%s", diff)
		}
	}
}

func TestOrdersAreAsTheirFunctionsWouldFindThem(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		id   string
		want []string
	}{
		"placed":     {cloudtest.Placed(t, "c").ID, []string{"OrderCreated"}},
		"confirmed":  {cloudtest.Confirmed(t, "c").ID, []string{"OrderCreated", "OrderConfirmed"}},
		"cancelling": {cloudtest.Cancelling(t, "c").ID, []string{"OrderCreated", "OrderCancellationStarted"}},
	} {
		if diff := cmp.Diff(c.want, cloudtest.Journal(t, "orders", c.id)); diff != "" {
			t.Errorf("%s: journal (-want +got):\n%s", name, diff)
		}
	}
}

// TestStoresThatCannotBeStartedFailByName runs this test binary where Google's emulators are asked for and are not there.
func TestStoresThatCannotBeStartedFailByName(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		env  []string
		want string
	}{
		"nothing installed": {[]string{"PATH=", "HOME=" + t.TempDir(), cloud.Variable + "=" + cloud.Google}, "not installed: java"},
		"no such kind":      {[]string{cloud.Variable + "=minikube"}, "choose embedded or google"},
		"half configured":   {[]string{"PUBSUB_EMULATOR_HOST=127.0.0.1:1"}, "both, or neither"},
	} {
		cmd := exec.Command(os.Args[0], "-test.run=^$")
		cmd.Env = c.env
		out, err := cmd.CombinedOutput()
		exit, ok := err.(*exec.ExitError)
		if !ok || exit.ExitCode() != 1 || !strings.Contains(string(out), c.want) {
			t.Errorf("%s: ended with %v and %q, want exit status 1 and %q", name, err, out, c.want)
		}
	}
}
