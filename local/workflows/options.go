package workflows

import (
	"context"
	"net/http"
	"time"

	"orderflow.dev/local/wal"
)

// Options configure an engine. The zero value is usable.
type Options struct {
	// Project and Location name the resources, as in
	// projects/P/locations/L/workflows/W; default "local-project" and
	// "us-central1".
	Project, Location string
	// ProjectNumber and ServiceAccount, of workflows that have none of their own,
	// are seen by sys.get_env; the number may also stand for the project in names.
	ProjectNumber, ServiceAccount string
	// Env holds user-defined variables for sys.get_env. The built-in
	// GOOGLE_CLOUD_* variables win over it.
	Env map[string]string
	// HTTP sends the calls of http.*. It must have no timeout of its own; calls
	// bring theirs.
	HTTP *http.Client
	// Token gives the bearer token for auth: the audience of OIDC, the scopes of
	// OAuth2. Nil sends no Authorization header.
	Token func(ctx context.Context, audience string) (string, error)
	// Endpoints says where connectors find a service, by its name in theirs: "pubsub" in googleapis.pubsub.v1.
	// It is a base URL, or grpc://host:port for a service that speaks gRPC only (pubsub, firestore). Without it
	// PUBSUB_EMULATOR_HOST, FIRESTORE_EMULATOR_HOST and STORAGE_EMULATOR_HOST are honoured, workflowexecutions is
	// the engine itself, and others are at https://SERVICE.googleapis.com.
	Endpoints map[string]string
	// BaseURL is where people reach the engine, for the URLs of callbacks; by default the address Serve listens on.
	BaseURL string
	// Clock is the real one by default.
	Clock Clock
	// Log receives sys.log and the start and end of executions. It is called
	// concurrently.
	Log func(Entry)
	// OnEnd is called once at the end of each execution, concurrently.
	OnEnd func(Execution)
	// Trace keeps the steps of each execution in Execution.Trace.
	Trace bool
	// KeepFinished is the number of finished executions kept, newest first out
	// last; default 10,000.
	KeepFinished int
	// MaxConcurrent is the number of executions that run at a time; further ones
	// are queued. 0 means no limit (the service: 10,000).
	MaxConcurrent int
	// Journal keeps workflows and executions across restarts; memory only if nil. What had ended
	// is there after the journal's Recover, what had not runs again after Resume.
	Journal *wal.Log
	// StartsPerSecond refuses further starts with RESOURCE_EXHAUSTED; 0 means no
	// limit.
	StartsPerSecond int
	// Limits bound executions; zero fields mean the limits of the service.
	Limits Limits
}

func (o Options) withDefaults() Options {
	def := func(s *string, v string) {
		if *s == "" {
			*s = v
		}
	}
	def(&o.Project, "local-project")
	def(&o.Location, "us-central1")
	def(&o.ProjectNumber, "1")
	def(&o.ServiceAccount, "workflows@"+o.Project+".iam.gserviceaccount.com")
	if o.HTTP == nil {
		o.HTTP = &http.Client{Transport: Transport()}
	}
	if o.Clock == nil {
		o.Clock = realClock{}
	}
	o.Limits = o.Limits.withDefaults()
	if o.KeepFinished <= 0 {
		o.KeepFinished = 10_000
	}
	return o
}

// Transport keeps many idle connections per host: thousands of executions
// call a handful of local services.
func Transport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConns = 0
	t.MaxIdleConnsPerHost = 1024
	t.IdleConnTimeout = 90 * time.Second
	return t
}
