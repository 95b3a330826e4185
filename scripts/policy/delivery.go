package main

import (
	"fmt"
	"slices"
	"strings"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	"orderflow.dev/internal/archive"
	"orderflow.dev/internal/platform/event"
	"orderflow.dev/internal/unit"
)

// delivery is what is never lost, and what waits for whom.
var delivery = []rule{
	{
		name:  "a subscription never expires, and has a dead letter that is kept by one that never does; only what writes files needs none",
		kinds: []string{subscription},
		check: each([]string{subscription}, func(p *plan, _ tree, r *resource) string {
			if ttl, ok := r.at("expiration_policy.ttl").(string); !ok || ttl != "" {
				return "expires when nobody listens for a while"
			}
			if r.text("topic") == event.DeadLetterTopic || r.has("cloud_storage_config") {
				return "" // it is where they end, or tries for as long as Pub/Sub keeps messages
			}
			_, dead, _ := strings.Cut(r.text("dead_letter_policy.dead_letter_topic"), "/topics/")
			if dead == "" {
				return "has no dead letter"
			}
			for _, s := range p.all(subscription) {
				if s.text("topic") == dead {
					return ""
				}
			}
			return "has a dead letter topic to which nobody subscribes: what goes there is lost"
		}),
		breaks: []breakage{
			set("one expires", subscription, "expiration_policy.ttl", "86400s"),
			set("one has no dead letter", subscription, "dead_letter_policy", []any{}),
			{"nobody keeps the dead letters", func(p *plan) error {
				p.resources = slices.DeleteFunc(p.resources, func(r *resource) bool { return r.kind == subscription && r.text("topic") == event.DeadLetterTopic })
				return nil
			}},
		},
	},
	{
		name:  "each event is archived whole: its attributes too, whatever it says, in a bucket of the project",
		kinds: []string{topic},
		check: each([]string{topic}, func(p *plan, _ tree, r *resource) string {
			if r.text("name") == event.DeadLetterTopic {
				return "" // they are documents
			}
			for _, s := range p.all(subscription) {
				if s.text("topic") == r.text("name") && archives(p, s) {
					return ""
				}
			}
			return "has no subscription that archives it"
		}),
		breaks: []breakage{
			remove("one is not", subscription, func(r *resource) bool { return r.text("name") == "archive.OrderCreated" }),
			set("one loses its attributes", subscription, "cloud_storage_config.avro_config.write_metadata", false),
			{"one has a filter", func(p *plan) error {
				p.named(subscription, "archive.OrderCreated").set("filter", `attributes:"ce-resume"`)
				return nil
			}},
			set("one goes elsewhere", subscription, "cloud_storage_config.bucket", "another-projects"),
			set("one has names that a replay does not find", subscription, "cloud_storage_config.filename_prefix", "all/"),
		},
	},
	{
		name:  "who delivers waits at least as long as who is called may take",
		kinds: []string{subscription, job},
		check: func(p *plan, t tree) []string {
			return append(each([]string{subscription}, func(p *plan, _ tree, r *resource) string {
				if open := seconds(r.text("cloud_storage_config.max_duration")); r.number("ack_deadline_seconds") < open {
					return fmt.Sprintf("waits %g s for a file that is open for %g s", r.number("ack_deadline_seconds"), open)
				}
				return waits(p, r.text("push_config.push_endpoint"), r.number("ack_deadline_seconds"))
			})(p, t), each([]string{job}, func(p *plan, _ tree, r *resource) string {
				return waits(p, r.text("http_target.uri"), seconds(r.text("attempt_deadline")))
			})(p, t)...)
		},
		breaks: []breakage{
			{"a subscription is impatient", func(p *plan) error {
				for _, r := range p.all(subscription) {
					if r.has("push_config") {
						r.set("ack_deadline_seconds", 10.0)
					}
				}
				return nil
			}},
			{"an archive is impatient", func(p *plan) error {
				p.named(subscription, "archive.OrderCreated").set("ack_deadline_seconds", 60.0)
				return nil
			}},
			set("a job is impatient", job, "attempt_deadline", "20s"),
			{"functions take their time", func(p *plan) error {
				for _, r := range p.all(function) {
					r.set("service_config.timeout_seconds", 3600.0)
				}
				return nil
			}},
		},
	},
	{
		name:  "the gateway waits longer than its functions may take, and the saga longer than who it calls",
		kinds: []string{apiConfig, "google_workflows_workflow"},
		check: func(p *plan, t tree) []string {
			return append(each([]string{apiConfig}, gatewayWaits)(p, t), each([]string{"google_workflows_workflow"}, sagaWaits)(p, t)...)
		},
		breaks: []breakage{
			set("functions take longer than the gateway waits", function, "service_config.timeout_seconds", 600.0),
			set("a service takes longer than the saga waits", service, "template.timeout", "15s"),
		},
	},
	{
		name:  "a token that is minted for a unit has its root URL as audience",
		kinds: []string{subscription, job, apiConfig},
		check: func(p *plan, t tree) []string {
			return append(append(each([]string{subscription}, func(_ *plan, _ tree, r *resource) string {
				if !r.has("push_config") {
					return "" // people fetch it
				}
				return audience(r.text("push_config.push_endpoint"), r.text("push_config.oidc_token.audience"))
			})(p, t), each([]string{job}, func(_ *plan, _ tree, r *resource) string {
				return audience(r.text("http_target.uri"), r.text("http_target.oidc_token.audience"))
			})(p, t)...), each([]string{apiConfig}, gatewayAudiences)(p, t)...)
		},
		breaks: []breakage{
			set("a subscription's has a path", subscription, "push_config.oidc_token.audience", "https://import-chunk-123456789012.us-central1.run.app/x"),
			set("a job has none", job, "http_target.oidc_token", []any{}),
		},
	},
	{
		name:  "each event of the proto page has its topic, with a schema, and there is no other",
		kinds: []string{topic},
		check: func(p *plan, _ tree) (bad []string) {
			want := map[string]bool{event.DeadLetterTopic: true}
			messages := eventv1.File_orderflow_event_v1_events_proto.Messages()
			for i := range messages.Len() {
				if m := messages.Get(i); m.Fields().ByName("event_time") != nil && m.Fields().ByName("seq") != nil {
					want[string(m.FullName())] = true
				}
			}
			for _, r := range p.all(topic) {
				name := r.text("name")
				if !want[name] {
					bad = append(bad, r.address+" is of no event")
				}
				if name != event.DeadLetterTopic && (!r.has("schema_settings") || r.text("schema_settings.encoding") != "BINARY") {
					bad = append(bad, r.address+" takes anything: it has no schema")
				}
				delete(want, name)
			}
			for name := range want {
				bad = append(bad, name+" has no topic")
			}
			slices.Sort(bad)
			return bad
		},
		breaks: []breakage{
			remove("one is missing", topic, func(r *resource) bool { return strings.HasSuffix(r.text("name"), "OrderCreated") }),
			add("one is too many", topic, map[string]any{"name": "orderflow.event.v1.OrderLost"}),
			set("one takes anything", topic, "schema_settings", []any{}),
		},
	},
}

// archives says whether a subscription keeps all that its topic is given where a replay finds it.
func archives(p *plan, s *resource) bool {
	const config = "cloud_storage_config."
	return s.at(config+"avro_config.write_metadata") == true && s.text("filter") == "" &&
		s.text(config+"filename_prefix") == archive.Prefix(s.text("topic")) &&
		s.text(config+"bucket") == unit.BucketName(p.project, archive.Bucket) && p.named(bucket, s.text(config+"bucket")) != nil
}
