package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"
)

// record is what a release knows of itself. It lies in dist/ between steps, and in the state bucket:
//
//	bundles/<unit>-<hash>.zip              every bundle that was ever planned
//	releases/<env>/<id>/                   each release: record, plan, bundles.tfvars.json
//	releases/<env>/running.json            the record of the release at work: one at a time
//	releases/<env>/good.json               the record of the last one that went well
type record struct {
	ID      string            `json:"id"` // when it was planned, and its commit
	Project string            `json:"project"`
	Env     string            `json:"env"`
	Region  string            `json:"region"`
	Commit  string            `json:"commit"`
	Status  string            `json:"status"` // planned, applying, good, failed, rolled back to …
	Bundles map[string]string `json:"bundles"`

	// From apply on.
	Began  time.Time         `json:"began,omitzero"`
	First  bool              `json:"first,omitempty"`  // no release went well before
	Before map[string]string `json:"before,omitempty"` // traffic of each unit, as gcloud's --to-revisions takes it
	URL    string            `json:"url,omitempty"`    // of the gateway
}

func (d *deploy) bucket() string { return d.project + "-terraform-state" }

func (d *deploy) object(name string) string {
	return "gs://" + d.bucket() + "/releases/" + d.env + "/" + name
}

func (d *deploy) newRecord(ctx context.Context) (*record, error) {
	commit, err := d.commit(ctx)
	if err != nil {
		return nil, err
	}
	r := &record{Project: d.project, Env: d.env, Region: d.region, Commit: commit, Status: "planned"}
	if d.Dry {
		r.ID = "TIME-COMMIT"
		return r, nil
	}
	r.ID = time.Now().UTC().Format("20060102T150405Z-") + commit
	raw, err := os.ReadFile(d.path(bundlesFile))
	if err != nil {
		return nil, fmt.Errorf("the bundles are missing: run the step bundle first (%w)", err)
	}
	var list struct{ Bundles map[string]string }
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("read %s: %w", bundlesFile, err)
	}
	r.Bundles = list.Bundles
	return r, nil
}

// commit is what is being released, in git's words; uncommitted work is said.
func (d *deploy) commit(ctx context.Context) (string, error) {
	out, err := d.Output(ctx, "git", "describe", "--always", "--dirty", "--abbrev=12")
	if err != nil {
		return "", errors.Join(err, errors.New("a release is named by its commit: run this in a clone"))
	}
	return strings.TrimSpace(string(out)), nil
}

// save writes the record for the next step.
func (d *deploy) save(r *record) error {
	if d.Dry {
		return nil
	}
	raw, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(d.path(recordFile), append(raw, '\n'), 0o600)
}

// load reads the record that an earlier step left. That it cannot is no reason to roll back.
func (d *deploy) load() (*record, error) {
	if d.Dry {
		return &record{ID: "TIME-COMMIT", URL: "https://GATEWAY"}, nil
	}
	raw, err := os.ReadFile(d.path(recordFile))
	if err != nil {
		return nil, noRollback{fmt.Errorf("no release is planned here: run the step plan first (%w)", err)}
	}
	r, err := parse(raw)
	if err != nil {
		return nil, noRollback{err}
	}
	if r.Project != d.project || r.Env != d.env || r.Region != d.region {
		return nil, noRollback{fmt.Errorf("%s is a release to %s (%s, %s): run the step plan for %s",
			recordFile, r.Project, r.Env, r.Region, d.project)}
	}
	return r, nil
}

func parse(raw []byte) (*record, error) {
	r := &record{}
	if err := json.Unmarshal(raw, r); err != nil {
		return nil, fmt.Errorf("read a release's record: %w", err)
	}
	return r, nil
}

// keep stores the plan and what it deploys. Cloud Build's own artifacts are kept of builds that succeed only.
func (d *deploy) keep(ctx context.Context, r *record) error {
	// Bundles are named by their content: what is there is the same.
	if err := d.Run(ctx, d.gcloud("storage", "cp", dist+"/*.zip", "gs://"+d.bucket()+"/bundles/", "--no-clobber")...); err != nil {
		return err
	}
	return d.Run(ctx, d.gcloud("storage", "cp", recordFile, bundlesFile, planFile, planText, d.object(r.ID+"/"))...)
}

// take makes this the release at work, which it cannot be while another is.
func (d *deploy) take(ctx context.Context, r *record) error {
	r.Status, r.Began = "applying", time.Now().UTC()
	if err := d.save(r); err != nil {
		return err
	}
	err := d.Run(ctx, d.gcloud("storage", "cp", recordFile, d.object("running.json"), "--if-generation-match=0")...)
	if err == nil || ctx.Err() != nil {
		return err
	}
	if other, cannot := d.running(ctx); cannot == nil {
		return fmt.Errorf("release %s has not ended yet: wait for it, or, if nothing works on it any more, roll it back: %s",
			other.ID, d.again("rollback"))
	}
	return err
}

// running is the release at work.
func (d *deploy) running(ctx context.Context) (*record, error) {
	raw, err := d.Output(ctx, d.gcloud("storage", "cat", d.object("running.json"))...)
	if err != nil {
		return nil, fmt.Errorf("no release of %s is at work: %w", d.project, err)
	}
	if !d.Dry {
		return parse(raw)
	}
	r := &record{ID: "ID"}
	r.Before, err = d.serving(ctx)
	return r, err
}

// lastGood is the last release that went well; nil if none has yet.
func (d *deploy) lastGood(ctx context.Context) (*record, error) {
	found, err := d.Output(ctx, d.gcloud("storage", "objects", "list", d.object("good.json"), "--format=value(name)")...)
	if err != nil || !d.Dry && len(found) == 0 {
		return nil, err
	}
	raw, err := d.Output(ctx, d.gcloud("storage", "cat", d.object("good.json"))...)
	if err != nil {
		return nil, err
	}
	if d.Dry {
		return &record{ID: "LAST_GOOD", Bundles: map[string]string{"": "BUNDLES_OF_LAST_GOOD"}}, nil
	}
	return parse(raw)
}

// finish says that the release is good.
func (d *deploy) finish(ctx context.Context, r *record) error {
	r.Status = "good"
	if err := d.save(r); err != nil {
		return err
	}
	if err := d.Run(ctx, d.gcloud("storage", "cp", recordFile, d.object("good.json"))...); err != nil {
		return err
	}
	return d.end(ctx, r, r.Status)
}

// end writes what became of the release, and makes room for the next one.
func (d *deploy) end(ctx context.Context, r *record, status string) error {
	r.Status = status
	if err := d.save(r); err != nil {
		return err
	}
	if err := d.Run(ctx, d.gcloud("storage", "cp", recordFile, d.object(r.ID+"/release.json"))...); err != nil {
		return err
	}
	return d.Run(ctx, d.gcloud("storage", "rm", d.object("running.json"))...)
}

// fetchBundles puts the last good release's bundles into dist/, and those of the failed one for units that were not there
// then: the tree that Terraform reads has them.
func (d *deploy) fetchBundles(ctx context.Context, failed, good *record) error {
	bundles := map[string]string{}
	for _, u := range d.units {
		if zip := good.Bundles[u.Name]; zip != "" {
			bundles[u.Name] = zip
		} else if zip := failed.Bundles[u.Name]; zip != "" {
			bundles[u.Name] = zip
		} else if !d.Dry {
			return errors.New("neither release has a bundle of " + u.Name + ": check out the commit that is being rolled back")
		}
	}
	if d.Dry {
		bundles = good.Bundles
	}
	var zips []string
	for _, zip := range slices.Sorted(maps.Values(bundles)) {
		zips = append(zips, "gs://"+d.bucket()+"/bundles/"+zip)
	}
	if err := d.Run(ctx, d.gcloud(append(append([]string{"storage", "cp"}, zips...), dist+"/")...)...); err != nil || d.Dry {
		return err
	}
	raw, err := json.MarshalIndent(map[string]any{"bundles": bundles}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(d.path(bundlesFile), append(raw, '\n'), 0o644)
}
