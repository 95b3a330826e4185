package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// apis are what Terraform and a build need before they can enable the rest.
var apis = []string{
	"cloudbuild.googleapis.com", "cloudresourcemanager.googleapis.com", "iam.googleapis.com", "iamcredentials.googleapis.com",
	"logging.googleapis.com", "secretmanager.googleapis.com", "serviceusage.googleapis.com", "storage.googleapis.com",
}

// role is one that the build identity has in the project.
type role struct {
	Role string
	Why  string
}

// grantable are the roles that the build identity may give and take on the project, which are those that Terraform does: no
// other, or it could make itself anything (https://cloud.google.com/iam/docs/setting-limits-on-granting-roles). A condition
// takes 10 of them, and they must be in one: the provider sets several in one request.
var grantable = []string{
	"roles/cloudscheduler.serviceAgent", "roles/datastore.user", "roles/datastore.viewer", "roles/eventarc.eventReceiver",
	"roles/eventarc.serviceAgent", "roles/logging.logWriter", "roles/pubsub.publisher", "roles/storage.objectViewer",
	"roles/workflows.invoker", "roles/workflows.serviceAgent",
}

const rolesFile = "terraform/modules/delivery/deployer.yaml"

func (b *bootstrap) readRoles() ([]role, error) {
	raw, err := os.ReadFile(filepath.Join(b.Dir, rolesFile))
	if err != nil {
		return nil, err
	}
	var roles []role
	d := yaml.NewDecoder(bytes.NewReader(raw))
	d.KnownFields(true)
	if err := d.Decode(&roles); err != nil {
		return nil, fmt.Errorf("%s: %w", rolesFile, err)
	}
	for _, r := range roles {
		if !strings.HasPrefix(r.Role, "roles/") || r.Why == "" {
			return nil, fmt.Errorf("%s: %q needs to be a role and to say why", rolesFile, r.Role)
		}
		if r.Role == "roles/owner" || r.Role == "roles/editor" {
			return nil, fmt.Errorf("%s: %s is everything: name what is needed", rolesFile, r.Role)
		}
	}
	return append(roles, role{Role: "roles/logging.logWriter", Why: "a build's own log"}), nil
}

// condition is what a role is limited by; empty if by nothing.
func (r role) condition() string {
	if r.Role != "roles/resourcemanager.projectIamAdmin" {
		return ""
	}
	return "api.getAttribute('iam.googleapis.com/modifiedGrantsByRole', []).hasOnly(['" + strings.Join(grantable, "', '") + "'])"
}

func (b *bootstrap) deployer() string { return "deployer@" + b.project + ".iam.gserviceaccount.com" }
func (b *bootstrap) bucket() string   { return b.project + "-terraform-state" }

func (b *bootstrap) gcloud(args ...string) []string {
	return append(append([]string{"gcloud"}, args...), "--project="+b.project, "--quiet")
}

// things are all that must be there, in the order in which they need each other.
func (b *bootstrap) things() []thing {
	member := "serviceAccount:" + b.deployer()
	things := []thing{
		{"APIs", "what Terraform and a build need before they can enable the rest", b.apisThere, [][]string{
			b.gcloud(append([]string{"services", "enable"}, apis...)...),
		}, ""},
		{"bucket " + b.bucket(), "Terraform's state and every release's bundles: versioned, and never public", b.bucketThere, [][]string{
			b.gcloud("storage", "buckets", "create", "gs://"+b.bucket(), "--location="+b.region,
				"--uniform-bucket-level-access", "--public-access-prevention"),
			b.gcloud("storage", "buckets", "update", "gs://"+b.bucket(), "--versioning"),
		}, ""},
		{"account deployer", "who builds and deploys", b.accountThere, [][]string{
			b.gcloud("iam", "service-accounts", "create", "deployer", "--display-name=Builds and deploys"),
		}, ""},
	}
	for _, r := range b.roles {
		condition := "--condition=None"
		if c := r.condition(); c != "" {
			condition = "--condition=^#^title=what-terraform-grants#expression=" + c // gcloud topic escaping
		}
		make := []string{"gcloud", "projects", "add-iam-policy-binding", b.project, "--member=" + member, "--role=" + r.Role, condition,
			"--format=none", "--quiet"}
		things = append(things, thing{"deployer: " + r.Role, r.Why, b.roleThere(member, r), [][]string{make}, ""})
	}
	for _, who := range append([]string{member}, b.operators...) {
		why := "its own ID tokens, which Cloud Build does not give it otherwise: new revisions are asked before they get traffic"
		if who != member {
			why = "the same from a laptop"
		}
		make := b.gcloud("iam", "service-accounts", "add-iam-policy-binding", b.deployer(), "--member="+who, "--role="+tokens, "--format=none")
		things = append(things, thing{"tokens of deployer: " + who, why, b.tokensThere(who), [][]string{make}, ""})
	}
	for _, s := range b.secrets() {
		things = append(things,
			thing{"secret " + s.name, "read by " + strings.Join(s.readers, ", "), b.secretThere(s.name), [][]string{
				b.gcloud("secrets", "create", s.name, "--replication-policy=automatic"),
			}, ""},
			thing{"value of " + s.name, "units that read it are not deployed without", b.valueThere(s.name), [][]string{
				b.gcloud("secrets", "versions", "add", s.name, "--data-file=-"),
			}, s.name})
	}
	if b.repository != "" {
		things = append(things, b.trigger())
	}
	return things
}

func (b *bootstrap) trigger() thing {
	name := "orderflow-" + b.env
	values := append([]string{"_ENV=" + b.env, "_REGION=" + b.region}, b.substitutions...)
	make := b.gcloud("builds", "triggers", "create", "github", "--name="+name, "--region="+b.region, "--repository="+b.repository,
		"--branch-pattern=^"+regexp.QuoteMeta(b.branch)+"$", "--build-config=cloudbuild.yaml",
		"--service-account=projects/"+b.project+"/serviceAccounts/"+b.deployer(), "--substitutions=^#^"+strings.Join(values, "#")) // gcloud topic escaping
	if b.approval {
		make = append(make, "--require-approval")
	}
	return thing{"trigger " + name, "releases what reaches " + b.branch, func(ctx context.Context) (bool, error) {
		out, err := b.Output(ctx, b.gcloud("builds", "triggers", "list", "--region="+b.region, "--filter=name="+name, "--format=value(name)")...)
		return len(out) > 0, err
	}, [][]string{make}, ""}
}

type secret struct {
	name    string
	readers []string
}

// secrets are those that units name.
func (b *bootstrap) secrets() (all []secret) {
	for _, u := range b.units {
		for _, name := range u.Secrets {
			i := slices.IndexFunc(all, func(s secret) bool { return s.name == name })
			if i < 0 {
				i = len(all)
				all = append(all, secret{name: name})
			}
			all[i].readers = append(all[i].readers, u.Name)
		}
	}
	return all
}
