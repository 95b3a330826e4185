package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"orderflow.dev/scripts/internal/fakecloud"
)

var update = flag.Bool("update", false, "write the expected output anew")

func TestMain(m *testing.M) { os.Exit(fakecloud.Run(m)) }

const project = "my-project-dev"

var everything = []string{"--operator", "user:me@example.com", "--approval",
	"--repository", "projects/my-project-dev/locations/us-central1/connections/github/repositories/orderflow",
	"--substitution", "_TOKEN_COMMAND=issuer print --for smoke"}

// run prepares the project.
func run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	out := &bytes.Buffer{}
	b := &bootstrap{in: os.Stdin}
	b.Dir, b.Out, b.Err = "../..", out, out
	c := b.command()
	c.SetArgs(append([]string{project}, args...))
	err := c.ExecuteContext(t.Context())
	t.Logf("bootstrap %v\n%s\nerror: %v", args, out, err)
	return out.String(), err
}

func TestADryRunPrintsEveryCommandAndRunsNone(t *testing.T) {
	cloud := fakecloud.New(t)
	t.Setenv("PATH", "/nowhere")
	out, err := run(t, append(everything, "--dry-run")...)
	if err != nil || cloud.Read("calls") != "" {
		t.Fatalf("%v; it ran %s", err, cloud.Read("calls"))
	}
	if *update {
		if err := os.WriteFile("testdata/dry-run.txt", []byte(out), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/dry-run.txt")
	if err != nil {
		t.Fatal(err)
	}
	if out != string(want) {
		t.Error("what it prints is not testdata/dry-run.txt; if that is meant: go test ./scripts/bootstrap -update")
	}
}

func TestWhatIsThereStaysAsItIs(t *testing.T) {
	cloud := fakecloud.New(t)
	t.Setenv("PAYMENT_PROVIDER_KEY", "the key")
	t.Setenv("PAYMENT_WEBHOOK_SECRETS", "one,two\n")
	if _, err := run(t, append(everything, "--yes")...); err != nil {
		t.Fatal(err)
	}
	first := changes(cloud)
	for _, want := range []string{"services enable", "buckets create", "buckets update", "service-accounts create deployer", "--role=roles/run.admin",
		"secrets create PAYMENT_PROVIDER_KEY", "versions add PAYMENT_PROVIDER_KEY", "triggers create github"} {
		if !slices.ContainsFunc(first, func(l string) bool { return strings.Contains(l, want) }) {
			t.Errorf("it did not run %s", want)
		}
	}
	if !strings.Contains(cloud.Read("bucket"), `"versioning_enabled": true`) {
		t.Error("Terraform's state has no versions")
	}
	cloud.Forget()
	out, err := run(t, append(everything, "--yes")...)
	if err != nil || strings.Contains(out, "  again in") {
		t.Fatal(err)
	}
	if again := changes(cloud); len(again) > 0 {
		t.Errorf("the second time it ran\n%s", strings.Join(again, "\n"))
	}
}

// changes are the calls that change the project.
func changes(c *fakecloud.Cloud) []string {
	return slices.DeleteFunc(c.Calls(), func(l string) bool {
		return l == "" || strings.Contains(l, " list ") || strings.Contains(l, "get-iam-policy")
	})
}

func TestSecretsGoThroughStandardInputOnly(t *testing.T) {
	cloud := fakecloud.New(t)
	t.Setenv("PAYMENT_PROVIDER_KEY", "s3cret-key")
	t.Setenv("PAYMENT_WEBHOOK_SECRETS", "s3cret-webhook")
	out, err := run(t, "--yes")
	if err != nil {
		t.Fatal(err)
	}
	if got := cloud.Read("secrets/PAYMENT_PROVIDER_KEY"); got != "s3cret-key\n" {
		t.Errorf("the secret is %q", got)
	}
	if strings.Contains(out, "s3cret") || strings.Contains(strings.Join(cloud.Calls(), "\n"), "s3cret") {
		t.Error("a secret is in the output or in an argument")
	}
	if _, err := run(t, "--yes", "--new-secret", "PAYMENT_PROVIDER_KEY"); err != nil {
		t.Fatal(err)
	}
	if got := cloud.Read("secrets/PAYMENT_PROVIDER_KEY"); got != "s3cret-key\ns3cret-key\n" {
		t.Errorf("the secret's versions are %q, want another one", got)
	}
	if got := cloud.Read("secrets/PAYMENT_WEBHOOK_SECRETS"); got != "s3cret-webhook\n" {
		t.Errorf("the other secret's versions are %q", got)
	}
}

func TestASecretIsTypedByAHuman(t *testing.T) {
	cloud := fakecloud.New(t)
	cloud.Write("secrets/X", "")
	var asked []string
	b := &bootstrap{ask: func(_ context.Context, prompt string) ([]byte, error) {
		asked = append(asked, prompt)
		return []byte("typed\n"), nil
	}}
	b.project, b.Out = project, &bytes.Buffer{}
	th := thing{"value of X", "", b.valueThere("X"), [][]string{b.gcloud("secrets", "versions", "add", "X", "--data-file=-")}, "X"}
	if err := b.one(t.Context(), th); err != nil {
		t.Fatal(err)
	}
	if len(asked) != 1 || !strings.Contains(asked[0], "not shown") || cloud.Read("secrets/X") != "typed\n" {
		t.Errorf("asked %q, stored %q", asked, cloud.Read("secrets/X"))
	}
}

func TestASecretWithoutAValueIsLeftToTheReader(t *testing.T) {
	cloud := fakecloud.New(t)
	t.Setenv("PAYMENT_PROVIDER_KEY", "")
	t.Setenv("PAYMENT_WEBHOOK_SECRETS", "x")
	_, err := run(t, "--yes")
	if err == nil || !strings.Contains(err.Error(), "PAYMENT_PROVIDER_KEY has no value") {
		t.Errorf("got %v", err)
	}
	if cloud.Read("secrets/PAYMENT_WEBHOOK_SECRETS") == "" {
		t.Error("what comes after it was not made")
	}
}

func TestWhatIsTooNewIsTriedAgain(t *testing.T) {
	cloud := fakecloud.New(t)
	t.Setenv("PAYMENT_PROVIDER_KEY", "k")
	t.Setenv("PAYMENT_WEBHOOK_SECRETS", "x")
	cloud.Once("--role=roles/run.admin")
	cloud.Once("versions add PAYMENT_PROVIDER_KEY")
	if out, err := run(t, "--yes"); err != nil || strings.Count(out, "again in") != 2 {
		t.Errorf("got %v", err)
	}
	if got := cloud.Read("secrets/PAYMENT_PROVIDER_KEY"); got != "k\n" {
		t.Errorf("the secret is %q: a second attempt must get it too", got)
	}
	cloud.Fail("triggers create")
	_, err := run(t, append(everything, "--yes")...)
	if err == nil || !strings.Contains(err.Error(), "trigger orderflow-dev: gcloud builds triggers create") || !strings.Contains(err.Error(), "run this again") {
		t.Errorf("got %v", err)
	}
}

func TestCtrlCEndsIt(t *testing.T) {
	fakecloud.New(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(fmt.Errorf("interrupted"))
	b := &bootstrap{}
	b.Out = &bytes.Buffer{}
	if err := b.patiently(ctx, nil, []string{"gcloud", "services", "enable", "x"}); err == nil || !strings.Contains(err.Error(), "interrupted") {
		t.Errorf("got %v", err)
	}
}

func TestWhatItCannotDoIsSaidAtOnce(t *testing.T) {
	cloud := fakecloud.New(t)
	cloud.Write("bucket", `{"uniform_bucket_level_access": true, "public_access_prevention": "inherited", "versioning_enabled": true}`)
	for _, tt := range []struct {
		args []string
		want string
	}{
		{nil, "there is no terminal to ask on"},
		{[]string{"--yes"}, "is there but not safe for state"},
		{[]string{"--yes", "--repository", "github.com/me/orderflow"}, "is no connected repository"},
		{[]string{"--yes", "--repository", everything[4]}, "--substitution _TOKEN_COMMAND="},
		{[]string{"--yes", "--new-secret", "NOBODYS"}, "no unit reads a secret NOBODYS"},
	} {
		if _, err := run(t, tt.args...); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v: got %v, want %q", tt.args, err, tt.want)
		}
	}
	b := &bootstrap{project: "123"}
	if err := b.run(t.Context()); err == nil || !strings.Contains(err.Error(), "is no project id") {
		t.Errorf("got %v", err)
	}
}
