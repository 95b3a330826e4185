// Package unit reads what functions and services say of themselves in function.yaml and service.yaml: the one
// description that Terraform, the bundler, the local stack and the gateway share.
package unit

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"sort"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Unit is one deployed function or service.
type Unit struct {
	Name    string `yaml:"-"` // its folder's: also its function, Cloud Run service, service account and dashboard row
	Dir     string `yaml:"-"` // from the root of the repository: functions/orders/place-order
	Service bool   `yaml:"-"` // a gRPC service; otherwise a function

	Summary   string            `yaml:"summary"`
	Trigger   Trigger           `yaml:"trigger"`   // of a function
	Callers   []string          `yaml:"callers"`   // of a service: functions and workflows that call it
	Databases map[string]Access `yaml:"databases"` // by context
	Buckets   map[string]Access `yaml:"buckets"`   // uploads, reports
	Publishes []string          `yaml:"publishes"` // event types, without their package; also what earlier writers may have left
	Calls     []string          `yaml:"calls"`     // services
	Starts    []string          `yaml:"starts"`    // workflows
	Secrets   []string          `yaml:"secrets"`   // environment variables that come from Secret Manager

	CPU          float64  `yaml:"cpu"`
	Memory       string   `yaml:"memory"`
	Timeout      Duration `yaml:"timeout"`
	Concurrency  int      `yaml:"concurrency"`
	MinInstances int      `yaml:"min_instances"`
	MaxInstances int      `yaml:"max_instances"`
}

// Access is what a unit may do to a database or a bucket: read or write.
type Access string

func (a Access) known() bool { return a == "read" || a == "write" }

// Buckets are the buckets of a project: each is called the project, a hyphen, and its name here.
var Buckets = []string{"uploads", "reports"}

// BucketName is a bucket's name in a project: orderflow-prod-uploads.
func BucketName(project, bucket string) string { return project + "-" + bucket }

// BucketEnvName is the environment variable that holds a bucket's name: UPLOADS_BUCKET.
func BucketEnvName(bucket string) string { return strings.ToUpper(bucket) + "_BUCKET" }

// Trigger is what calls a function: exactly one of these.
type Trigger struct {
	HTTP        *Route  `yaml:"http"`         // a customer, through the gateway
	Webhook     *Route  `yaml:"webhook"`      // another system, through the gateway; always POST
	Saga        string  `yaml:"saga"`         // a workflow
	Events      []Event `yaml:"events"`       // Pub/Sub
	Schedule    string  `yaml:"schedule"`     // Cloud Scheduler, a cron line in UTC
	DeadLetters bool    `yaml:"dead_letters"` // Pub/Sub's dead-letter topic
	Uploads     bool    `yaml:"uploads"`      // an object finalized in the bucket of uploads, by Eventarc
}

// Route is a path of the public API.
type Route struct {
	Method string `yaml:"method"`
	Path   string `yaml:"path"` // with {parameters}, which the function finds in its query
}

// Event is a subscription to a type of event.
type Event struct {
	Type   string `yaml:"type"`   // without its package: OrderCreated
	Filter string `yaml:"filter"` // Pub/Sub's filter language
}

// Topic is the event type's topic, which has its full name.
func (e Event) Topic() string { return "orderflow.event.v1." + e.Type }

// Duration is a time.Duration written 10s.
type Duration time.Duration

// UnmarshalYAML reads 10s.
func (d *Duration) UnmarshalYAML(n *yaml.Node) error {
	v, err := time.ParseDuration(n.Value)
	*d = Duration(v)
	return err
}

// Load reads every unit of a tree, by name. The error names every file that is wrong, and why.
func Load(tree fs.FS) ([]Unit, error) {
	var (
		units []Unit
		bad   []error
	)
	for _, pattern := range []string{"functions/*/*/function.yaml", "services/*/service.yaml"} {
		files, err := fs.Glob(tree, pattern)
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			u, err := read(tree, file)
			if err != nil {
				bad = append(bad, fmt.Errorf("%s: %w", file, err))
			}
			units = append(units, u)
		}
	}
	sort.Slice(units, func(i, j int) bool { return units[i].Name < units[j].Name })
	for i := 1; i < len(units); i++ {
		if units[i].Name == units[i-1].Name {
			bad = append(bad, fmt.Errorf("%s and %s have one name", units[i-1].Dir, units[i].Dir))
		}
	}
	return units, errors.Join(bad...)
}

func read(tree fs.FS, file string) (Unit, error) {
	u := Unit{Dir: path.Dir(file), Name: path.Base(path.Dir(file)), Service: path.Base(file) == "service.yaml"}
	f, err := tree.Open(file)
	if err != nil {
		return u, err
	}
	defer f.Close()
	d := yaml.NewDecoder(f)
	d.KnownFields(true)
	if err := d.Decode(&u); err != nil {
		return u, err
	}
	return u, u.check()
}

func (u *Unit) check() error {
	var bad []error
	complain := func(format string, args ...any) { bad = append(bad, fmt.Errorf(format, args...)) }
	if u.Summary == "" {
		complain("summary is missing")
	}
	if n := u.Trigger.count(); !u.Service && n != 1 {
		complain("a function has exactly one trigger, this one has %d", n)
	}
	for db, a := range u.Databases {
		if !a.known() {
			complain("databases.%s is %q: it may be read or write", db, a)
		}
	}
	for b, a := range u.Buckets {
		if !slices.Contains(Buckets, b) {
			complain("buckets.%s is no bucket: there are %s", b, strings.Join(Buckets, ", "))
		}
		if !a.known() {
			complain("buckets.%s is %q: it may be read or write", b, a)
		}
	}
	if u.Timeout <= 0 || u.Concurrency < 1 || u.MaxInstances < 1 || u.Memory == "" || u.CPU <= 0 {
		complain("timeout, concurrency, max_instances, memory and cpu must be set: nothing here is unlimited")
	}
	if u.Concurrency > 1 && u.CPU < 1 {
		complain("concurrency over 1 needs at least 1 cpu (a Cloud Run limit)")
	}
	if r := u.Route(); r != nil && !strings.HasPrefix(r.Path, "/v1/") {
		complain("the route %q must begin with /v1/", r.Path)
	}
	if r := u.Trigger.HTTP; r != nil && r.Method == "" {
		complain("the route %q has no method", r.Path)
	}
	if u.Service && u.Trigger.count() > 0 {
		complain("a service has callers, no trigger")
	}
	for _, e := range u.Trigger.Events {
		if e.Type == "" {
			complain("an event of the trigger has no type")
		}
	}
	return errors.Join(bad...)
}

func (t Trigger) count() int {
	n := 0
	for _, set := range []bool{t.HTTP != nil, t.Webhook != nil, t.Saga != "", len(t.Events) > 0, t.Schedule != "", t.DeadLetters, t.Uploads} {
		if set {
			n++
		}
	}
	return n
}

// Route is the unit's route in the public API; nil if it has none.
func (u *Unit) Route() *Route {
	if u.Trigger.Webhook != nil {
		return &Route{Method: "POST", Path: u.Trigger.Webhook.Path}
	}
	return u.Trigger.HTTP
}

// CustomerShare is how many requests one customer may have under way on an instance of the unit: a quarter of what it takes
// at a time. Terraform says the same.
func (u *Unit) CustomerShare() int { return max(1, u.Concurrency/4) }

// EnvName is the environment variable that holds the unit's URL: CONFIRM_ORDER_URL.
func (u *Unit) EnvName() string {
	return strings.ToUpper(strings.ReplaceAll(u.Name, "-", "_")) + "_URL"
}
