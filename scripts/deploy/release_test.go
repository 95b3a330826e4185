package main

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
)

func TestAReleaseInOrder(t *testing.T) {
	w := newWorld(t)
	w.release("v1")
	w.serves("v1")
	if n := len(w.cloud.Called("--endings none")); n != 2 {
		t.Errorf("%d smoke tests of the first release placed no order, want both: nothing is on sale yet", n)
	}
	for _, name := range []string{"inventory", "payment"} {
		if s := w.cloud.Service(name); s.Traffic != name+"-00001=100" {
			t.Errorf("%s serves %s; want its revision by name, or the next one gets traffic too soon", name, s.Traffic)
		}
	}
	w.cloud.Forget()
	w.bundle("v2")
	if _, err := w.deploy("--yes"); err != nil {
		t.Fatal(err)
	}
	w.order("go vet", "go run ./scripts/bundle -check", "terraform -chdir=terraform/environments/dev init", " plan ", " show -no-color ", " show -json ",
		"storage cp 'dist/*.zip' gs://my-project-dev-terraform-state/bundles/", "run services list", "--if-generation-match=0", " apply ",
		"update-traffic inventory --region=us-central1 --update-tags=candidate=inventory-00002", "print-identity-token --audiences=https://inventory.run.app",
		"go run ./scripts/smoke --url https://gateway.example", "update-traffic inventory --region=us-central1 --to-revisions=inventory-00002=100",
		"go run ./scripts/smoke", "good.json", "storage rm gs://my-project-dev-terraform-state/releases/dev/running.json")
	w.serves("v2")
	if called := w.cloud.Called("--endings"); len(called) > 0 {
		t.Errorf("the second release must place orders: %v", called)
	}
	good, err := parse([]byte(w.object("good.json")))
	if err != nil || good.Status != "good" || good.Bundles["place-order"] != "place-order-v2.zip" || good.Before["place-order"] != "place-order-00001=100" || good.Before["payment"] != "payment-00001=100" {
		t.Errorf("the record is %+v (%v)", good, err)
	}
	for _, kept := range []string{"release.tfplan", "release.tfplan.txt", "bundles.tfvars.json", "release.json"} {
		if w.object(good.ID+"/"+kept) == "" {
			t.Errorf("%s of the release was not kept", kept)
		}
	}
	if s := w.cloud.Service("payment"); s.Tagged != "" {
		t.Errorf("%s is still tagged, and so kept warm", s.Tagged)
	}
}

// TestAFailureFromApplyOnIsRolledBack breaks each step that changes the project, after a good release.
func TestAFailureFromApplyOnIsRolledBack(t *testing.T) {
	for _, tt := range []struct {
		name   string
		broken func(*world)
		want   string
	}{
		{"apply", func(w *world) { w.cloud.Once("apply -input=false") }, "apply: terraform"},
		{"candidate", func(w *world) { w.candidates(healthv1.HealthCheckResponse_NOT_SERVING) }, "smoke: the new revision of inventory: http"},
		{"smoke", func(w *world) { w.cloud.Once("scripts/smoke") }, "smoke: go run ./scripts/smoke"},
		{"promote", func(w *world) { w.cloud.Once("--to-revisions=payment-00002") }, "promote: gcloud run services update-traffic payment"},
		{"alert", func(w *world) { w.alert = firingAlert }, "watch: since the release began these alerts fire: Intake is failing: availability, fast"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.release("v1")
			w.cloud.Forget()
			w.bundle("v2")
			tt.broken(w)
			_, err := w.deploy("--yes", "--skip-verify")
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "the release was rolled back") {
				t.Errorf("got %v, want %q, and that it was rolled back", err, tt.want)
			}
			w.serves("v1")
			for _, name := range []string{"inventory", "payment"} {
				if s := w.cloud.Service(name); s.Traffic != name+"-00001=100" || s.Tagged != "" {
					t.Errorf("%s serves %s (tagged: %q), want what it did before", name, s.Traffic, s.Tagged)
				}
			}
			if w.object("running.json") != "" {
				t.Error("nobody can release any more")
			}
			if good, err := parse([]byte(w.object("good.json"))); err != nil || good.Bundles["payment"] != "payment-v1.zip" {
				t.Errorf("the last good release is %+v (%v), want the first", good, err)
			}
			if tt.name == "smoke" { // traffic goes back before anything is built
				w.order(" apply ", "scripts/smoke", "update-traffic place-order --region=us-central1 --to-revisions=place-order-00001=100", " init ", " apply ")
			}
		})
	}
}

func TestTheFirstReleaseHasNothingToGoBackTo(t *testing.T) {
	w := newWorld(t)
	w.bundle("v1")
	w.cloud.Once("scripts/smoke")
	if out, err := w.deploy("--yes", "--skip-verify"); err == nil || !strings.Contains(out, "there is no good release yet") {
		t.Fatalf("got %v", err)
	}
	w.release("v1") // goes on from what is there
	w.serves("v1")
}

// TestAUnitThatIsNewKeepsItsBundle: the last good release has none of it, and the tree that Terraform reads has the unit.
func TestAUnitThatIsNewKeepsItsBundle(t *testing.T) {
	w := newWorld(t)
	w.release("v1")
	good := w.object("good.json")
	w.cloud.Write("objects/"+project+"-terraform-state/releases/dev/good.json", strings.Replace(good, `"close-order": "close-order-v1.zip",`, "", 1))
	w.bundle("v2")
	w.cloud.Once("scripts/smoke")
	if _, err := w.deploy("--yes", "--skip-verify"); err == nil || !strings.Contains(err.Error(), "was rolled back") {
		t.Fatal(err)
	}
	if s := w.cloud.Service("close-order"); s.Bundle != "close-order-v2.zip" {
		t.Errorf("close-order has %s, want the only one there is", s.Bundle)
	}
	if s := w.cloud.Service("place-order"); s.Bundle != "place-order-v1.zip" {
		t.Errorf("place-order has %s", s.Bundle)
	}
}

func TestARollBackThatFailsSaysHowToGoOn(t *testing.T) {
	w := newWorld(t)
	w.release("v1")
	w.bundle("v2")
	w.cloud.Fail("scripts/smoke")
	w.cloud.Fail("--to-revisions=place-order")
	_, err := w.deploy("--yes", "--skip-verify")
	if err == nil || !strings.Contains(err.Error(), "go run ./scripts/deploy my-project-dev --env dev --region us-central1 --step rollback") {
		t.Fatalf("got %v", err)
	}
	w.bundle("v3")
	if _, err := w.deploy("--yes", "--skip-verify"); err == nil || !strings.Contains(err.Error(), "has not ended yet") || strings.Contains(err.Error(), "rolled back") {
		t.Errorf("another release meanwhile: %v, want that it waits, and touches nothing", err)
	}
	w.cloud.Heal()
	if _, err := w.deploy("--step", "rollback", "--yes"); err != nil {
		t.Fatal(err)
	}
	w.serves("v1")
	if s := w.cloud.Service("place-order"); s.Number != 3 {
		t.Errorf("place-order is at revision %d: want it deployed once by each release and once to go back", s.Number)
	}
	if w.object("running.json") != "" {
		t.Error("nobody can release any more")
	}
}

// TestCtrlCWhileTerraformApplies is a process of its own in a group of its own, as a shell starts one, and a Ctrl-C for the
// whole group.
func TestCtrlCWhileTerraformApplies(t *testing.T) {
	w := newWorld(t)
	w.release("v1")
	w.cloud.Forget()
	w.bundle("v2")
	w.cloud.Hang("apply -input=false")
	cmd := exec.Command(os.Args[0], project, "--yes", "--skip-verify", "--watch", "1ms")
	cmd.Env = append(os.Environ(), "BE_DEPLOY=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out := &safe{}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for began := time.Now(); len(w.cloud.Called("hangs")) == 0; time.Sleep(10 * time.Millisecond) {
		if time.Since(began) > time.Minute {
			_ = cmd.Process.Kill() // it may be gone
			t.Fatalf("terraform did not begin to apply\n%s", out)
		}
	}
	w.cloud.Heal()
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // its status is looked at below
	t.Log(out)
	if code := cmd.ProcessState.ExitCode(); code != 130 {
		t.Errorf("exit status %d, want 130", code)
	}
	if len(w.cloud.Called("stopped by 1 signals")) != 1 {
		t.Errorf("terraform must hear of Ctrl-C once: %v", w.cloud.Called("stopped"))
	}
	if !strings.Contains(out.String(), "the release was rolled back") || w.object("running.json") != "" {
		t.Error("it was not rolled back")
	}
	w.serves("v1")
}

// TestStepByStep is how Cloud Build does it: each step a process of its own, with what the one before left in dist/.
func TestStepByStep(t *testing.T) {
	w := newWorld(t)
	w.release("v1")
	w.bundle("v2")
	steps := []string{"verify", "bundle", "plan", "apply"}
	for _, s := range append(steps, "smoke", "promote", "watch") {
		if _, err := w.deploy("--step", s, "--yes"); err != nil {
			t.Fatal(err)
		}
	}
	w.serves("v2")
	w.bundle("v3")
	for _, s := range steps {
		if _, err := w.deploy("--step", s, "--yes"); err != nil {
			t.Fatal(err)
		}
	}
	s := w.cloud.Service("payment")
	s.Unready = true
	w.cloud.Keep(s)
	if _, err := w.deploy("--step", "smoke"); err == nil || !strings.Contains(err.Error(), "payment-00003 has not become ready") || !strings.Contains(err.Error(), "was rolled back") {
		t.Errorf("a revision that does not start: %v", err)
	}
	w.serves("v2")
}

// TestAGoodReleaseStays: that its end cannot be written down is no reason to go back.
func TestAGoodReleaseStays(t *testing.T) {
	w := newWorld(t)
	w.bundle("v1")
	w.cloud.Once("cp dist/release.json gs://my-project-dev-terraform-state/releases/dev/good.json")
	_, err := w.deploy("--yes")
	if err == nil || !strings.Contains(err.Error(), "could not be written down") || !strings.Contains(err.Error(), "--step watch") {
		t.Fatal(err)
	}
	if _, err := w.deploy("--step", "watch"); err != nil {
		t.Fatal(err)
	}
	w.serves("v1")
	if w.object("good.json") == "" || w.object("running.json") != "" {
		t.Error("the release has not ended")
	}
}
