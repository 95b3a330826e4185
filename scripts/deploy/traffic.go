package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
)

// service is a Cloud Run service, as gcloud shows it. A function is one too, and its traffic can be moved the same way
// (https://cloud.google.com/functions/docs/configuring/traffic-splitting).
type service struct {
	Metadata struct{ Name string }
	Status   struct {
		URL                       string
		LatestCreatedRevisionName string
		LatestReadyRevisionName   string // which is the one created, once that has started
		Traffic                   []target
	}
}

type target struct {
	RevisionName, Tag, URL string
	Percent                int
	LatestRevision         bool // by whatever name
}

// traffic is which revisions serve, as gcloud's --to-revisions takes it.
func (s service) traffic() string {
	var parts []string
	for _, t := range s.Status.Traffic {
		if t.Percent > 0 {
			parts = append(parts, fmt.Sprintf("%s=%d", t.RevisionName, t.Percent))
		}
	}
	slices.Sort(parts)
	return strings.Join(parts, ",")
}

// tagged is where the revision that has no traffic yet is reached; empty if there is none.
func (s service) tagged() string {
	for _, t := range s.Status.Traffic {
		if t.Tag == candidate {
			return t.URL
		}
	}
	return ""
}

// pinned says that one revision serves by its name. A service that serves its latest revision, whichever that is, would
// serve the next one as soon as it is deployed.
func (s service) pinned(revision string) bool {
	return s.traffic() == revision+"=100" &&
		!slices.ContainsFunc(s.Status.Traffic, func(t target) bool { return t.LatestRevision && t.Percent > 0 })
}

// deployed are the units that are there, by name.
func (d *deploy) deployed(ctx context.Context) (map[string]service, error) {
	raw, err := d.Output(ctx, d.gcloud("run", "services", "list", "--region="+d.region, "--format=json")...)
	if err != nil {
		return nil, err
	}
	var list []service
	if d.Dry {
		list = d.imagined()
	} else if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("read the list of services: %w", err)
	}
	there := map[string]service{}
	for _, s := range list {
		for _, u := range d.units {
			if u.Name == s.Metadata.Name {
				there[u.Name] = s
			}
		}
	}
	return there, nil
}

// serving is the traffic of every unit that is deployed.
func (d *deploy) serving(ctx context.Context) (map[string]string, error) {
	there, err := d.deployed(ctx)
	serving := map[string]string{}
	for name, s := range there {
		serving[name] = s.traffic()
	}
	return serving, err
}

const candidate = "candidate" // the tag of a revision that has no traffic yet

// tagCandidates gives services' new revisions an address and asks each whether it serves.
func (d *deploy) tagCandidates(ctx context.Context) error {
	there, err := d.deployed(ctx)
	if err != nil {
		return err
	}
	var tagged []string
	for _, u := range d.units {
		s, ok := there[u.Name]
		if created := s.Status.LatestCreatedRevisionName; created != s.Status.LatestReadyRevisionName {
			return fmt.Errorf("the revision %s has not become ready: its log says why", created)
		}
		if latest := s.Status.LatestReadyRevisionName; u.Service && ok && s.traffic() != latest+"=100" {
			if err := d.updateTraffic(ctx, u.Name, "--update-tags="+candidate+"="+latest); err != nil {
				return err
			}
			tagged = append(tagged, u.Name)
		}
	}
	if len(tagged) == 0 {
		fmt.Fprintln(d.Out, "  no service has a new revision")
		return nil
	}
	if there, err = d.deployed(ctx); err != nil {
		return err
	}
	for _, name := range tagged {
		s := there[name]
		if err := d.healthy(ctx, s.tagged(), s.Status.URL); err != nil {
			return fmt.Errorf("the new revision of %s: %w", name, err)
		}
	}
	return nil
}

// promote gives services' new revisions all traffic, by name, so that the next release's get none before their turn.
func (d *deploy) promote(ctx context.Context) error {
	there, err := d.deployed(ctx)
	if err != nil {
		return err
	}
	for _, u := range d.units {
		s, ok := there[u.Name]
		if latest := s.Status.LatestReadyRevisionName; u.Service && ok && !s.pinned(latest) {
			if err := d.updateTraffic(ctx, u.Name, "--to-revisions="+latest+"=100", "--remove-tags="+candidate); err != nil {
				return err
			}
		}
	}
	return nil
}

// trafficBack gives every unit the traffic it had before the release, and takes the tag away: what is tagged is kept warm.
func (d *deploy) trafficBack(ctx context.Context, r *record) error {
	there, err := d.deployed(ctx)
	if err != nil {
		return err
	}
	var g errgroup.Group // whatever becomes of the others
	g.SetLimit(8)
	if d.Dry {
		g.SetLimit(1)
	}
	for _, u := range d.units {
		s, ok := there[u.Name]
		before := r.Before[u.Name]
		if !ok || before == "" || s.traffic() == before && s.tagged() == "" && !d.Dry {
			continue
		}
		g.Go(func() error {
			return d.updateTraffic(ctx, u.Name, "--to-revisions="+before, "--remove-tags="+candidate)
		})
	}
	return g.Wait()
}

func (d *deploy) updateTraffic(ctx context.Context, name string, flags ...string) error {
	return d.Run(ctx, d.gcloud(append([]string{"run", "services", "update-traffic", name, "--region=" + d.region}, flags...)...)...)
}

// imagined are the services of a dry run: each has a new revision.
func (d *deploy) imagined() []service {
	list := make([]service, len(d.units))
	for i, u := range d.units {
		s := &list[i]
		s.Metadata.Name, s.Status.URL = u.Name, "https://"+u.Name
		s.Status.LatestCreatedRevisionName, s.Status.LatestReadyRevisionName = u.Name+"-NEW", u.Name+"-NEW"
		s.Status.Traffic = []target{
			{RevisionName: u.Name + "-OLD", Percent: 100},
			{RevisionName: u.Name + "-NEW", Tag: candidate, URL: "https://candidate---" + u.Name},
		}
	}
	return list
}
