package main

import (
	"fmt"
	"io/fs"

	"orderflow.dev/internal/unit"
)

// tree is the repository that the plan was made from.
type tree struct {
	root  fs.FS
	units []unit.Unit
}

// rule is one thing that holds of every plan. Beside it stands how it may be broken: each breakage must be complained of.
type rule struct {
	name   string
	kinds  []string // of resources that it is about; there must be some
	check  func(*plan, tree) []string
	breaks []breakage
}

func (r rule) about(p *plan) int { return len(p.all(r.kinds...)) }

type breakage struct {
	how   string
	apply func(*plan) error
}

// The kinds of resources that rules speak of.
const (
	function      = "google_cloudfunctions2_function"
	service       = "google_cloud_run_v2_service"
	subscription  = "google_pubsub_subscription"
	topic         = "google_pubsub_topic"
	job           = "google_cloud_scheduler_job"
	alert         = "google_monitoring_alert_policy"
	bucket        = "google_storage_bucket"
	projectMember = "google_project_iam_member"
	apiConfig     = "google_api_gateway_api_config"
)

var rules = append(append(append([]rule{}, access...), delivery...), operation...)

// each makes a rule's check of a check of one resource. A rule about nothing does not hold.
func each(kinds []string, check func(*plan, tree, *resource) string) func(*plan, tree) []string {
	return func(p *plan, t tree) (bad []string) {
		found := p.all(kinds...)
		if len(found) == 0 {
			return []string{fmt.Sprintf("the plan has no %v", kinds)}
		}
		for _, r := range found {
			if complaint := check(p, t, r); complaint != "" {
				bad = append(bad, r.address+" "+complaint)
			}
		}
		return bad
	}
}

// set breaks the first resource of a kind that has a value at a path.
func set(how, kind, path string, value any) breakage {
	return breakage{how, func(p *plan) error {
		for _, r := range p.all(kind) {
			if r.has(path) {
				r.set(path, value)
				return nil
			}
		}
		return fmt.Errorf("no %s has %s", kind, path)
	}}
}

// remove takes away the first resource of a kind that is wanted.
func remove(how, kind string, wanted func(*resource) bool) breakage {
	return breakage{how, func(p *plan) error {
		for i, r := range p.resources {
			if r.kind == kind && wanted(r) {
				p.resources = append(p.resources[:i], p.resources[i+1:]...)
				return nil
			}
		}
		return fmt.Errorf("there is no such %s", kind)
	}}
}

// add adds a resource.
func add(how, kind string, values map[string]any) breakage {
	return breakage{how, func(p *plan) error {
		p.resources = append(p.resources, &resource{kind + ".added", kind, values})
		return nil
	}}
}
