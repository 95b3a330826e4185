package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"orderflow.dev/scripts/internal/command"
	"orderflow.dev/scripts/internal/fakecloud"
)

var update = flag.Bool("update", false, "write the expected output anew")

func TestMain(m *testing.M) {
	if os.Getenv("BE_DEPLOY") != "" { // a process of its own, to be interrupted
		command.Main("deploy", func(ctx context.Context) error {
			d := &deploy{in: os.Stdin}
			d.Dir, d.Out = ".", os.Stdout
			return d.command().ExecuteContext(ctx)
		})
		return
	}
	os.Exit(fakecloud.Run(m))
}

const project = "my-project-dev"

func TestADryRunPrintsEveryCommandAndRunsNone(t *testing.T) {
	w := newWorld(t)
	t.Setenv("PATH", "/nowhere")
	t.Setenv("CLOUDSDK_API_ENDPOINT_OVERRIDES_MONITORING", "")
	out, err := w.deploy("--dry-run", "--watch", "10m")
	if err != nil {
		t.Fatal(err)
	}
	if calls := w.cloud.Read("calls"); calls != "" {
		t.Errorf("it ran\n%s", calls)
	}
	golden(t, "dry-run.txt", out)
}

func TestBeforeApplyNothingIsTouched(t *testing.T) {
	for _, tt := range []struct {
		name   string
		args   []string
		broken func(*world)
		want   string
	}{
		{"gate", nil, func(w *world) { w.cloud.Fail("go vet") }, "verify: .ci/run"},
		{"bundles", nil, func(w *world) { w.cloud.Fail("scripts/bundle") }, "bundle: go run ./scripts/bundle -check"},
		{"plan", nil, func(w *world) { w.cloud.Fail(" plan ") }, "plan: terraform"},
		{"loss", nil, func(w *world) { w.cloud.Write("plan.json", read(t, "plan-loss.json")) }, "--allow-destroy 'google_firestore_database.orders'"},
		{"no answer", []string{"--skip-verify"}, func(*world) {}, "there is no terminal to ask on"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.bundle("v1")
			tt.broken(w)
			args := tt.args
			if tt.name != "no answer" {
				args = append(args, "--yes")
			}
			_, err := w.deploy(args...)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "rolled back") {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if called := append(w.cloud.Called(" apply "), w.cloud.Called("update-traffic")...); len(called) > 0 {
				t.Errorf("it ran %v", called)
			}
		})
	}
}

func TestWhatItCannotDoIsSaidAtOnce(t *testing.T) {
	w := newWorld(t)
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"--env", "moon"}, "there is no environment moon"},
		{[]string{"--region", "everywhere"}, "is no region"},
		{[]string{"--step", "hope"}, `there is no step "hope"`},
		{[]string{"--step", "apply"}, "run the step plan first"},
		{[]string{"--step", "plan"}, "run the step bundle first"},
		{[]string{"--step", "rollback", "--yes"}, "no release of my-project-dev is at work"},
		{[]string{"another"}, "accepts 1 arg(s)"},
	} {
		if _, err := w.deploy(tt.args...); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v: got %v, want %q", tt.args, err, tt.want)
		}
	}
	w.bundle("v1")
	if _, err := w.deploy("--step", "plan"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.deploy("--step", "apply", "--env", "prod"); err == nil || !strings.Contains(err.Error(), "is a release to my-project-dev (dev") {
		t.Errorf("the plan of another environment: %v", err)
	}
	if _, err := w.deploy("--step", "plan", "--env", "prod"); err == nil || !strings.Contains(err.Error(), "copy terraform.tfvars.example") {
		t.Errorf("an environment without settings: %v", err)
	}
	w.cloud.Write("objects/"+project+"-terraform-state/releases/dev/running.json", `{"id": "theirs", "commit": "another"}`)
	if _, err := w.deploy("--step", "rollback", "--yes"); err == nil || !strings.Contains(err.Error(), "release theirs is of commit another") {
		t.Errorf("rolling back from another tree: %v", err)
	}
	d := &deploy{project: "My Project"}
	if err := d.check(); err == nil || !strings.Contains(err.Error(), "is no project id") {
		t.Errorf("got %v", err)
	}
	t.Setenv("ORDERFLOW_TOKEN", "")
	if out, err := w.deploy("--yes"); err == nil || !strings.Contains(err.Error(), "needs a customer's token") || strings.Contains(out, "=== verify") {
		t.Errorf("without a token: %v", err)
	}
	if _, err := w.deploy("--step", "plan", "--token-command", "x"); err != nil {
		t.Error(err)
	}
	t.Setenv("ORDERFLOW_TOKEN", "t")
	t.Setenv("PATH", "/nowhere")
	if _, err := w.deploy("--step", "plan"); err == nil || !strings.Contains(err.Error(), "git is not installed") {
		t.Errorf("without programs: %v", err)
	}
}

// TestATokenIsNeverPrinted: what gcloud prints of tokens stays between the two.
func TestATokenIsNeverPrinted(t *testing.T) {
	w := newWorld(t)
	w.release("v1")
	w.bundle("v2")
	out, err := w.deploy("--yes", "--skip-verify")
	if err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{"the-print-identity-token", "the-print-access-token", "the-customer-token"} {
		if strings.Contains(out, token) || strings.Contains(fmt.Sprint(w.cloud.Calls()), token) {
			t.Errorf("%s is in the output or in an argument", token)
		}
	}
}

// TestAnothersReleaseIsLeftAlone: a step of a release that has ended is run again while another is at work, and fails.
func TestAnothersReleaseIsLeftAlone(t *testing.T) {
	w := newWorld(t)
	w.release("v1")
	w.cloud.Write("objects/"+project+"-terraform-state/releases/dev/running.json", `{"id": "theirs", "before": {"payment": "payment-00007=100"}}`)
	w.cloud.Forget()
	w.cloud.Fail("scripts/smoke")
	if _, err := w.deploy("--step", "smoke"); err == nil || !strings.Contains(err.Error(), "release theirs is at work, and not this one") {
		t.Errorf("got %v", err)
	}
	if called := w.cloud.Called("to-revisions"); len(called) > 0 || w.object("running.json") == "" {
		t.Errorf("it touched the other's: %v", called)
	}
}
