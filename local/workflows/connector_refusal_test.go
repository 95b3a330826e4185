package workflows_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orderflow.dev/local/workflows"
)

func TestARefusedConnectionIsTriedAgainAndThenRaised(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	for _, scheme := range []string{"http://", "grpc://"} {
		clock := newClock()
		o := workflows.Options{Endpoints: everywhere(scheme + address), Clock: clock}
		tags, _, _ := raised(t, run(t, o, calling("googleapis.pubsub.v1.projects.topics.publish", `{topic: projects/p/topics/t, body: {}}`), ""))
		if diff := cmp.Diff([]any{"ConnectionFailedError"}, tags); diff != "" || len(clock.slept()) != 5 {
			t.Errorf("%s: tags %s; %d delays, want 5", scheme, diff, len(clock.slept()))
		}
	}
}

func TestAConnectorThatTakesTooLongIsATimeout(t *testing.T) {
	t.Parallel()
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) { jsonReply(w, 503, `{}`) })
	clock := newClock()
	began := clock.Now()
	x := run(t, workflows.Options{Endpoints: everywhere(url), Clock: clock},
		calling("googleapis.pubsub.v1.projects.topics.get", `{topic: t, connector_params: {timeout: 3}}`), "")
	tags, _, _ := raised(t, x)
	if diff := cmp.Diff([]any{"TimeoutError"}, tags); diff != "" || clock.Now().Sub(began) != 3*time.Second {
		t.Errorf("tags %s after %s, want TimeoutError after 3s", diff, clock.Now().Sub(began))
	}
}

func TestWrongArgumentsOfAConnectorAreRaised(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		`{topic: 1.5}`:                                                               "",
		`{topic: [a]}`:                                                               "TypeError: argument topic of googleapis.pubsub.v1.projects.topics.get must be a string, got list",
		`{topic: ""}`:                                                                "ValueError: argument topic of googleapis.pubsub.v1.projects.topics.get must not be empty",
		`{topic: t, query: 1}`:                                                       "TypeError: argument query of googleapis.pubsub.v1.projects.topics.get must be a map, got integer",
		`{topic: t, connector_params: 1}`:                                            "TypeError: connector_params of googleapis.pubsub.v1.projects.topics.get must be a map, got integer",
		`{topic: t, connector_params: {timeout: 0}}`:                                 "ValueError: timeout of connector_params of googleapis.pubsub.v1.projects.topics.get must be above 0 and at most 1800 seconds, got 0",
		`{topic: t, connector_params: {timeout: 1801}}`:                              "ValueError: timeout of connector_params of googleapis.pubsub.v1.projects.topics.get must be above 0 and at most 1800 seconds, got 1801",
		`{topic: t, connector_params: {timeout: soon}}`:                              "TypeError: timeout of connector_params must be a number, got string",
		`{topic: t, connector_params: {skip_polling: 1}}`:                            "TypeError: skip_polling of connector_params must be a boolean, got integer",
		`{topic: t, connector_params: {timeuot: 1}}`:                                 `ValueError: connector_params has no "timeuot"; it has timeout, polling_policy, skip_polling and scopes`,
		`{topic: t, connector_params: {polling_policy: 1}}`:                          "TypeError: polling_policy of connector_params must be a map, got integer",
		`{topic: t, connector_params: {polling_policy: {delay: 1}}}`:                 `ValueError: polling_policy has no "delay"; it has initial_delay, multiplier and max_delay`,
		`{topic: t, connector_params: {polling_policy: {max_delay: 0}}}`:             "ValueError: max_delay of polling_policy must be above 0, got 0",
		`{topic: t, connector_params: {polling_policy: {multiplier: "1"}}}`:          "TypeError: multiplier of polling_policy must be a number, got string",
		`{topic: t, connector_params: {polling_policy: {max_delay: 5}, timeout: 9}}`: "",
	} {
		url := serve(t, func(w http.ResponseWriter, _ *http.Request) { jsonReply(w, 200, `"fine"`) })
		x := run(t, workflows.Options{Endpoints: everywhere(url)}, calling("googleapis.pubsub.v1.projects.topics.get", args), "")
		if want == "" {
			if outcome(x) != `"fine"` {
				t.Errorf("%s: %s", args, outcome(x))
			}
			continue
		}
		if _, message, _ := raised(t, x); message != want {
			t.Errorf("%s: %s\nwant %s", args, message, want)
		}
	}
}

func TestAnEndpointThatIsNoURLIsNamed(t *testing.T) {
	t.Parallel()
	o := workflows.Options{Endpoints: map[string]string{"pubsub": "localhost"}}
	_, message, _ := raised(t, run(t, o, calling("googleapis.pubsub.v1.projects.topics.get", `{topic: t}`), ""))
	if want := `ValueError: endpoint "localhost" of pubsub is no URL such as http://localhost:8080 or grpc://localhost:8085`; message != want {
		t.Errorf("got %s, want %s", message, want)
	}
}

func TestUnknownConnectorsAreRefusedWithAHint(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"googleapis.pubsub":                                         "(a connector is called googleapis.SERVICE.VERSION.RESOURCE.METHOD)",
		"googleapis.pubsub.v1":                                      "(a connector is called googleapis.SERVICE.VERSION.RESOURCE.METHOD)",
		"googleapis.pubsub.v7.projects.topics.publish":              "connectors of the local engine: aiplatform.v1, batch.v1,",
		"googleapis.storage.v1.objects.gett":                        "(did you mean googleapis.storage.v1.objects.get?)",
		"googleapis.firestore.v1.projects.databases.document.patch": "(did you mean googleapis.firestore.v1.projects.databases.documents.patch?)",
		"googleapis.sheets.v4.x":                                    "(call the method with http.request)",
	} {
		_, err := workflows.Compile("f.yaml", []byte("- a: {call: "+name+"}\n"))
		if err == nil || !strings.Contains(err.Error(), "f.yaml:1:13: "+name+" is not a connector") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
	for source, want := range map[string]string{
		"- a: {call: googleapis.pubsub.v1.projects.topics.publish}\n":                                       `needs the argument "topic"`,
		"- a: {call: googleapis.compute.v1.instanceGroupManagers.resize, args: {project: p, zone: z}}\n":    `needs the argument "size"`,
		"- a: {call: googleapis.aiplatform.v1.projects.locations.endpoints.predict, args: {endpoint: n}}\n": `needs the argument "region"`,
		"- a: {return: '${googleapis.pubsub.v1.projects.topics.get(\"t\")}'}\n":                             "cannot be called in an expression",
	} {
		if _, err := workflows.Compile("f.yaml", []byte(source)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", source, err, want)
		}
	}
}

func TestCancellingEndsAConnector(t *testing.T) {
	t.Parallel()
	entered := make(chan struct{})
	url := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		close(entered)
		<-r.Context().Done()
	})
	e := workflows.NewEngine(workflows.Options{Endpoints: everywhere(url)})
	e.Deploy("w", compile(t, calling("googleapis.pubsub.v1.projects.topics.get", `{topic: t}`)))
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		<-entered
		cancel(errors.New("enough"))
	}()
	if x, err := e.Run(ctx, "w", nil); err != nil || x.State != workflows.Cancelled {
		t.Errorf("got %s, %v", x.State, err)
	}
}
