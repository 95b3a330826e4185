package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"orderflow.dev/internal/platform/event"
	"orderflow.dev/internal/unit"
)

// access is who may do what.
var access = []rule{
	{
		name:  "nothing is open to everybody: not even what the gateway serves, which IAM admits the gateway's account to",
		kinds: memberKinds,
		check: each(memberKinds, func(_ *plan, _ tree, r *resource) string {
			for _, m := range append(texts(r.at("members")), r.text("member")) {
				if m == "allUsers" || m == "allAuthenticatedUsers" {
					return "is granted to " + m
				}
			}
			return ""
		}),
		breaks: []breakage{
			set("allUsers may call a function", "google_cloud_run_v2_service_iam_member", "member", "allUsers"),
			add("a bucket's binding has everybody", "google_storage_bucket_iam_binding", map[string]any{"members": []any{"allAuthenticatedUsers"}}),
		},
	},
	{
		name:  "a role in the whole project is one of a few, and in a database of exactly one",
		kinds: []string{projectMember},
		check: func(p *plan, t tree) []string {
			bad := each([]string{projectMember}, projectRole)(p, t)
			for _, r := range p.all("google_project_iam_binding", "google_project_iam_policy", "google_organization_iam_member", "google_folder_iam_member") {
				bad = append(bad, r.address+" grants more than one member one role")
			}
			return bad
		},
		breaks: []breakage{
			set("a unit is an editor", projectMember, "role", "roles/editor"),
			set("a role of databases has no condition", projectMember, "condition", []any{}),
			set("a condition names all databases", projectMember, "condition.expression", `resource.name.startsWith("projects/p/databases/")`),
			add("the project's policy is set", "google_project_iam_policy", map[string]any{}),
		},
	},
	{
		name:  "each unit has an account of its own",
		kinds: []string{function, service},
		check: func(p *plan, _ tree) (bad []string) {
			of := map[string]string{}
			for _, r := range p.all(function, service) {
				a := account(r)
				if a == "" {
					bad = append(bad, r.address+" runs as the project's default account")
				} else if other, taken := of[a]; taken {
					bad = append(bad, fmt.Sprintf("%s runs as %s, as %s does", r.address, a, other))
				}
				of[a] = r.address
			}
			return bad
		},
		breaks: []breakage{
			{"two have one", func(p *plan) error {
				all := p.all(function)
				all[0].set("service_config.service_account_email", account(all[1]))
				return nil
			}},
			set("one has none", service, "template.service_account", ""),
		},
	},
	{
		name:  "a unit's roles are what its file says that it does, and its file says them all",
		kinds: []string{function, service},
		check: rolesAsDeclared,
		breaks: []breakage{
			remove("a topic's grant is missing", "google_pubsub_topic_iam_member", func(r *resource) bool { return strings.HasPrefix(r.text("member"), "serviceAccount:place-order@") }),
			remove("a database's grant is missing", projectMember, func(r *resource) bool { return oneDatabase.MatchString(r.text("condition.expression")) }),
			remove("a bucket's grant is missing", "google_storage_bucket_iam_member", func(r *resource) bool { return strings.Contains(r.text("member"), "import") }),
			add("a unit may publish what it does not say", "google_pubsub_topic_iam_member", map[string]any{
				"role": "roles/pubsub.publisher", "topic": "orderflow.event.v1.OrderCreated", "member": "serviceAccount:get-order@p.iam.gserviceaccount.com"}),
			remove("a service's caller is not admitted", "google_cloud_run_v2_service_iam_member", func(r *resource) bool { return strings.HasPrefix(r.text("member"), "serviceAccount:place-order@") }),
			remove("a secret's reader is missing", "google_secret_manager_secret_iam_member", func(*resource) bool { return true }),
		},
	},
	{
		name:  "buckets are private, and by IAM alone",
		kinds: []string{bucket},
		check: each([]string{bucket}, func(_ *plan, _ tree, r *resource) string {
			if r.at("uniform_bucket_level_access") != true || r.text("public_access_prevention") != "enforced" {
				return "may be made public, or has ACLs"
			}
			return ""
		}),
		breaks: []breakage{
			set("one may be public", bucket, "public_access_prevention", "inherited"),
			set("one has ACLs", bucket, "uniform_bucket_level_access", false),
		},
	},
	{
		name:  "no secret's value is in the state",
		kinds: []string{"google_secret_manager_secret_iam_member"},
		check: func(p *plan, _ tree) (bad []string) {
			for _, r := range p.all("google_secret_manager_secret_version", "google_service_account_key") {
				bad = append(bad, r.address+" keeps a secret in the state")
			}
			return bad
		},
		breaks: []breakage{
			add("a version", "google_secret_manager_secret_version", map[string]any{}),
			add("a key", "google_service_account_key", map[string]any{}),
		},
	},
}

// memberKinds are the grants there are.
var memberKinds = []string{
	projectMember, "google_cloud_run_v2_service_iam_member", "google_cloud_run_service_iam_member", "google_cloudfunctions2_function_iam_member",
	"google_pubsub_topic_iam_member", "google_pubsub_subscription_iam_member", "google_storage_bucket_iam_member", "google_storage_bucket_iam_binding",
	"google_secret_manager_secret_iam_member", "google_service_account_iam_member", "google_artifact_registry_repository_iam_member",
	"google_cloud_run_v2_service_iam_binding", "google_pubsub_topic_iam_binding", "google_secret_manager_secret_iam_binding",
}

// Roles that are granted in the whole project, since there is nothing smaller to grant them on. Those of Google's own
// agents are for these alone.
var (
	projectRoles = []string{"roles/logging.logWriter", "roles/eventarc.eventReceiver", "roles/workflows.invoker"}
	agentRoles   = []string{"roles/eventarc.serviceAgent", "roles/workflows.serviceAgent", "roles/cloudscheduler.serviceAgent", "roles/pubsub.publisher"}
	oneDatabase  = regexp.MustCompile(`^resource\.name == "projects/[^/"]+/databases/([a-z]+)"$`)
	oneBucket    = regexp.MustCompile(`^resource\.name\.startsWith\("projects/_/buckets/[^/"]+"\)$`)
	agent        = regexp.MustCompile(`@(gcp-sa-[a-z-]+|gs-project-accounts)\.iam\.gserviceaccount\.com$`)
)

func projectRole(_ *plan, _ tree, r *resource) string {
	role, condition := r.text("role"), r.text("condition.expression")
	switch {
	case strings.HasPrefix(role, "roles/datastore."):
		if role != "roles/datastore.user" && role != "roles/datastore.viewer" || !oneDatabase.MatchString(condition) {
			return fmt.Sprintf("grants %s where %q, which is not one database", role, condition)
		}
	case strings.HasPrefix(role, "roles/storage."):
		if role != "roles/storage.objectViewer" || !oneBucket.MatchString(condition) {
			return fmt.Sprintf("grants %s where %q, which is not one bucket", role, condition)
		}
	case slices.Contains(projectRoles, role):
	case slices.Contains(agentRoles, role) && agent.MatchString(r.text("member")):
	default:
		return "grants " + role + " in the whole project"
	}
	return ""
}

// account is the email of whom a unit runs as.
func account(r *resource) string {
	if r.kind == function {
		return r.text("service_config.service_account_email")
	}
	return r.text("template.service_account")
}

// rolesAsDeclared compares each unit's grants with its file, both ways.
func rolesAsDeclared(p *plan, t tree) (bad []string) {
	granted := map[string]map[string]bool{}
	for _, r := range p.all(memberKinds...) {
		who, _, _ := strings.Cut(strings.TrimPrefix(r.text("member"), "serviceAccount:"), "@")
		if granted[who] == nil {
			granted[who] = map[string]bool{}
		}
		granted[who][right(r)] = true
	}
	for _, u := range t.units {
		want := declared(u, p.project)
		for right := range want {
			if !granted[u.Name][right] {
				bad = append(bad, fmt.Sprintf("%s may not %s, which its file says", u.Name, right))
			}
		}
		for right := range granted[u.Name] {
			if !want[right] {
				bad = append(bad, fmt.Sprintf("%s may %s, which its file does not say", u.Name, right))
			}
		}
	}
	slices.Sort(bad)
	return bad
}

// right is what a grant allows, in few words.
func right(r *resource) string {
	role := strings.TrimPrefix(r.text("role"), "roles/")
	switch {
	case oneDatabase.MatchString(r.text("condition.expression")):
		return role + " in database " + oneDatabase.FindStringSubmatch(r.text("condition.expression"))[1]
	case r.kind == projectMember:
		return role
	}
	return role + " on " + r.text("topic") + r.text("bucket") + r.text("name") + r.text("secret_id")
}

// declared is what a unit's file says that it does.
func declared(u unit.Unit, project string) map[string]bool {
	may := map[string]bool{"logging.logWriter": true}
	for db, a := range u.Databases {
		may[map[unit.Access]string{"read": "datastore.viewer", "write": "datastore.user"}[a]+" in database "+db] = true
	}
	for b, a := range u.Buckets {
		may[map[unit.Access]string{"read": "storage.objectViewer", "write": "storage.objectUser"}[a]+" on "+unit.BucketName(project, b)] = true
	}
	for _, e := range u.Publishes {
		may["pubsub.publisher on "+unit.Event{Type: e}.Topic()] = true
	}
	if len(u.Trigger.Events) > 0 { // it parks what can never be handled
		may["pubsub.publisher on "+event.DeadLetterTopic] = true
	}
	for _, s := range u.Calls {
		may["run.invoker on "+s] = true
	}
	for _, s := range u.Secrets {
		may["secretmanager.secretAccessor on "+s] = true
	}
	if len(u.Starts) > 0 {
		may["workflows.invoker"] = true
	}
	return may
}
