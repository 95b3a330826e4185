package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

func (d *deploy) verify(ctx context.Context) error {
	if d.skipVerify {
		fmt.Fprintln(d.Out, "  left out (--skip-verify): nothing says that this tree works")
		return nil
	}
	return d.Run(ctx, ".ci/run")
}

func (d *deploy) bundle(ctx context.Context) error {
	return d.Run(ctx, "go", "run", "./scripts/bundle", "-check")
}

// plan makes the plan and the release's record, shows the plan, and keeps both where a later step, or a human, finds them.
func (d *deploy) plan(ctx context.Context) error {
	if err := d.mayPlan(); err != nil {
		return err
	}
	r, err := d.newRecord(ctx)
	if err != nil {
		return err
	}
	if err := d.terraformPlan(ctx); err != nil {
		return err
	}
	if err := d.save(r); err != nil {
		return err
	}
	return d.keep(ctx, r)
}

// mayPlan says what is missing before anybody has waited for anything.
func (d *deploy) mayPlan() error {
	if d.Dry {
		return nil
	}
	if d.tokenCommand == "" && os.Getenv("ORDERFLOW_TOKEN") == "" {
		return errors.New("the smoke test needs a customer's token: set ORDERFLOW_TOKEN, or give --token-command")
	}
	settings := d.root() + "/terraform.tfvars"
	if _, err := os.Stat(d.path(settings)); err != nil {
		return fmt.Errorf("%s has no settings yet: copy terraform.tfvars.example beside it and fill it in (%w)", d.root(), err)
	}
	return nil
}

// terraformPlan plans for the bundles in dist/, and refuses a plan that loses data.
func (d *deploy) terraformPlan(ctx context.Context) error {
	tf := d.terraform()
	// Another project may have been the last one here: -reconfigure forgets its backend instead of moving its state.
	err := d.Run(ctx, append(tf, "init", "-input=false", "-reconfigure",
		"-backend-config=bucket="+d.bucket(), "-backend-config=prefix=terraform/"+d.env)...)
	if err != nil {
		return err
	}
	err = d.Run(ctx, append(tf, "plan", "-input=false", "-lock-timeout=5m", "-out="+up+planFile, "-var-file="+up+bundlesFile,
		"-var=project_id="+d.project, "-var=region="+d.region, "-var=deployer="+d.deployer())...)
	if err != nil {
		return err
	}
	text, err := d.Output(ctx, append(tf, "show", "-no-color", up+planFile)...)
	if err != nil {
		return err
	}
	changes, err := d.Output(ctx, append(tf, "show", "-json", up+planFile)...)
	if err != nil || d.Dry {
		return err
	}
	if err := os.WriteFile(d.path(planText), text, 0o600); err != nil {
		return err
	}
	return refuseLoss(changes, d.allowDestroy)
}

// up leads from an environment's folder to the root of the repository: Terraform runs there.
const up = "../../../"

func (d *deploy) terraform() []string {
	args := []string{"terraform", "-chdir=" + d.root()}
	return args[:len(args):len(args)]
}

// apply takes the project for this release, writes down what serves now, and applies the plan.
func (d *deploy) apply(ctx context.Context) error {
	r, err := d.load()
	if err != nil {
		return noRollback{err}
	}
	if err := d.ask(ctx, fmt.Sprintf("Apply the plan above to %s?", d.project)); err != nil {
		return noRollback{err}
	}
	if r.Before, err = d.serving(ctx); err != nil {
		return noRollback{err}
	}
	good, err := d.lastGood(ctx)
	if err != nil {
		return noRollback{err}
	}
	r.First = good == nil
	if err := d.take(ctx, r); err != nil {
		return noRollback{err}
	}
	if err := d.terraformApply(ctx); err != nil {
		return err
	}
	if r.URL, err = d.gateway(ctx); err != nil {
		return err
	}
	return d.save(r)
}

func (d *deploy) terraformApply(ctx context.Context) error {
	return d.Run(ctx, append(d.terraform(), "apply", "-input=false", "-lock-timeout=5m", up+planFile)...)
}

// gateway is the root URL of the environment's API.
func (d *deploy) gateway(ctx context.Context) (string, error) {
	raw, err := d.Output(ctx, append(d.terraform(), "output", "-json", "gateway_url")...)
	if err != nil || d.Dry {
		return "", err
	}
	var url string
	if err := json.Unmarshal(raw, &url); err != nil {
		return "", fmt.Errorf("read the output gateway_url of %s: %w", d.root(), err)
	}
	return url, nil
}

// smoke tests before the services' new revisions get traffic: those by themselves, and everything else through the gateway.
func (d *deploy) smoke(ctx context.Context) error {
	r, err := d.load()
	if err != nil {
		return err
	}
	if err := d.tagCandidates(ctx); err != nil {
		return err
	}
	return d.scenarios(ctx, r)
}

// scenarios plays the end-to-end scenarios at the gateway.
func (d *deploy) scenarios(ctx context.Context, r *record) error {
	args := []string{"go", "run", "./scripts/smoke", "--url", r.URL}
	if d.tokenCommand != "" {
		args = append(args, "--token-command", d.tokenCommand)
	}
	if d.sku != "" {
		args = append(args, "--sku", d.sku)
	}
	switch {
	case len(d.endings) > 0:
		args = append(args, "--endings", strings.Join(d.endings, ","))
	case r.First:
		fmt.Fprintf(d.Out, "  there is no catalogue yet, so no order is placed; products come in by gcloud storage cp FILE.csv gs://%s-uploads/catalog/\n", d.project)
		args = append(args, "--endings", "none")
	}
	return d.Run(ctx, args...)
}

// watch looks for what only real traffic shows, and ends the release.
func (d *deploy) watch(ctx context.Context) error {
	r, err := d.load()
	if err != nil {
		return err
	}
	if err := d.scenarios(ctx, r); err != nil {
		return err
	}
	if err := d.watchAlerts(ctx, r); err != nil {
		return err
	}
	if err := d.finish(ctx, r); err != nil {
		return noRollback{fmt.Errorf("the release went well, but that could not be written down: %w\nthe next one waits for it: %s",
			err, d.again("watch"))}
	}
	return nil
}

// rollback moves traffic back to what served before the release, which takes seconds, and then applies the bundles of the
// last good release, so that what Terraform knows is what serves. Infrastructure stays as the release made it.
func (d *deploy) rollback(ctx context.Context) error {
	r, err := d.running(ctx)
	if err != nil {
		return err
	}
	if err := d.mayRollBack(ctx, r); err != nil {
		return err
	}
	if err := d.trafficBack(ctx, r); err != nil {
		return err
	}
	good, err := d.lastGood(ctx)
	if err != nil {
		return err
	}
	if good == nil {
		fmt.Fprintln(d.Out, "  there is no good release yet: what was made stays, and the next release goes on from it")
		return d.end(ctx, r, "failed")
	}
	began := time.Now()
	if err := d.fetchBundles(ctx, r, good); err != nil {
		return err
	}
	if err := d.terraformPlan(ctx); err != nil {
		return err
	}
	if err := d.terraformApply(ctx); err != nil {
		return err
	}
	if err := d.end(ctx, r, "rolled back to "+good.ID); err != nil {
		return err
	}
	if !d.Dry {
		fmt.Fprintf(d.Out, "  serving the bundles of %s again (%s)\n", good.ID, time.Since(began).Round(time.Second))
	}
	return nil
}

// mayRollBack lets a release roll back itself and no other, and a human anything, from the same tree: Terraform reads it.
func (d *deploy) mayRollBack(ctx context.Context, running *record) error {
	if d.Dry {
		return nil
	}
	if d.step != "rollback" { // a step has failed
		if r, err := d.load(); err != nil || r.ID != running.ID {
			return errors.Join(err, fmt.Errorf("release %s is at work, and not this one: it is left alone", running.ID))
		}
		return nil
	}
	commit, err := d.commit(ctx)
	if err != nil {
		return err
	}
	if commit != running.Commit {
		return fmt.Errorf("release %s is of commit %s, and this is %s: check that out first", running.ID, running.Commit, commit)
	}
	return d.ask(ctx, fmt.Sprintf("Roll back release %s of %s?", running.ID, d.project))
}
