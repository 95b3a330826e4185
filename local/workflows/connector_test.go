package workflows_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orderflow.dev/local/workflows"
)

// calling is a workflow of one call; what is raised is its result, too.
func calling(name string, args string) string {
	return fmt.Sprintf(`
- a:
    try: {call: %s, args: %s, result: r}
    except: {as: e, steps: [{b: {return: {raised: "${e}"}}}]}
- c: {return: "${r}"}
`, name, args)
}

// raised gives the tags and the message of what a result says was raised.
func raised(t *testing.T, x workflows.Execution) (tags []any, message string, value map[string]any) {
	t.Helper()
	var out struct{ Raised map[string]any }
	if err := json.Unmarshal(x.Result, &out); err != nil || out.Raised == nil {
		t.Fatalf("outcome = %s, want an error (%v)", outcome(x), err)
	}
	tags, _ = out.Raised["tags"].([]any)
	message, _ = out.Raised["message"].(string)
	return tags, message, out.Raised
}

// jsonReply answers JSON.
func jsonReply(w http.ResponseWriter, code int, body string) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(code)
	_, _ = io.WriteString(w, body)
}

// everywhere sends the services of the tests to one server.
func everywhere(url string) map[string]string {
	out := map[string]string{}
	for _, s := range strings.Fields("pubsub firestore storage secretmanager cloudtasks run compute bigquery aiplatform workflowexecutions workflows translate") {
		out[s] = url
	}
	return out
}

func TestAConnectorSendsTheRequestOfItsMethod(t *testing.T) {
	t.Parallel()
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		text, _ := json.Marshal(fmt.Sprintf("%s %s %s %s", r.Method, r.RequestURI, strings.SplitN(r.Header.Get("Content-Type"), ";", 2)[0], body))
		jsonReply(w, 200, string(text))
	})
	skip := "connector_params: {skip_polling: true}"
	for name, tc := range map[string]struct{ connector, args, want string }{
		"a body": {"pubsub.v1.projects.topics.publish", `{topic: projects/p/topics/t, body: {messages: [{data: aGk=}]}}`,
			`POST /v1/projects/p/topics/t:publish application/json {"messages":[{"data":"aGk="}]}`},
		"no body":     {"pubsub.v1.projects.topics.delete", `{topic: projects/p/topics/t}`, `DELETE /v1/projects/p/topics/t  `},
		"a get":       {"firestore.v1.projects.databases.documents.get", `{name: projects/p/databases/(default)/documents/c/d}`, `GET /v1/projects/p/databases/(default)/documents/c/d  `},
		"a list":      {"firestore.v1.projects.databases.documents.get", `{name: a, mask.fieldPaths: [x, y]}`, `GET /v1/a?mask.fieldPaths=x&mask.fieldPaths=y  `},
		"query types": {"pubsub.v1.projects.topics.list", `{project: projects/p, pageSize: 5}`, `GET /v1/projects/p/topics?pageSize=5  `},
		"a name that needs encoding": {"pubsub.v1.projects.topics.get", `{topic: "projects/p/topics/a b?c#d"}`,
			`GET /v1/projects/p/topics/a%20b%3Fc%23d  `},
		"a name that is encoded": {"storage.v1.objects.get", `{bucket: b, object: a%2Fb.txt}`, `GET /storage/v1/b/b/o/a%2Fb.txt  `},
		"data of an object":      {"storage.v1.objects.get", `{bucket: b, object: o, alt: media}`, `GET /storage/v1/b/b/o/o?alt=media  `},
		"an upload": {"storage.v1.objects.insert", `{bucket: b, uploadType: media, name: o.txt, body: hello}`,
			`POST /upload/storage/v1/b/b/o?name=o.txt&uploadType=media text/plain hello`},
		"a bucket": {"storage.v1.buckets.insert", `{project: p, body: {name: b}}`, `POST /storage/v1/b?project=p application/json {"name":"b"}`},
		"a task": {"cloudtasks.v2.projects.locations.queues.tasks.create", `{parent: projects/p/locations/l/queues/q, body: {}}`,
			`POST /v2/projects/p/locations/l/queues/q/tasks application/json {}`},
		"a regional host": {"aiplatform.v1.projects.locations.endpoints.predict", `{endpoint: e, region: us-central1, body: {}}`, `POST /v1/e:predict application/json {}`},
		"a required query": {"compute.v1.instanceGroupManagers.resize", `{project: p, zone: z, instanceGroupManager: i, size: 3, ` + skip + `}`,
			`POST /compute/v1/projects/p/zones/z/instanceGroupManagers/i/resize?size=3  `},
		"an execution": {"workflowexecutions.v1.projects.locations.workflows.executions.create", `{parent: x, body: {}, ` + skip + `}`, `POST /v1/x/executions application/json {}`},
		"another host's path": {"translate.v2.translations.list", `{q: hi, target: de}`,
			`GET /language/translate/v2?q=hi&target=de  `},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := run(t, workflows.Options{Endpoints: everywhere(url)}, calling("googleapis."+tc.connector, tc.args), "")
			var got string
			if err := json.Unmarshal(x.Result, &got); err != nil {
				t.Fatalf("outcome %s: %v", outcome(x), err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}

// route answers each request by its URL, without a connection.
type route func(r *http.Request) (*http.Response, error)

func (f route) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestWithoutAnEndpointAConnectorAsksGoogle(t *testing.T) {
	t.Parallel()
	var seen atomic.Value
	o := workflows.Options{
		HTTP: &http.Client{Transport: route(func(r *http.Request) (*http.Response, error) {
			u := *r.URL
			u.Fragment = "" // which is not sent
			seen.Store(u.String() + " " + r.Header.Get("Authorization"))
			return &http.Response{StatusCode: 204, Body: http.NoBody, Header: http.Header{}, Request: r}, nil
		})},
		Token: func(_ context.Context, audience string) (string, error) { return "for " + audience, nil },
	}
	const cloud = " Bearer for https://www.googleapis.com/auth/cloud-platform"
	for _, tc := range []struct{ connector, args, want string }{
		{"secretmanager.v1.projects.secrets.get", `{name: projects/p/secrets/s}`, "https://secretmanager.googleapis.com/v1/projects/p/secrets/s" + cloud},
		{"translate.v3.projects.locations.list", `{name: projects/p}`, "https://translation.googleapis.com/v3/projects/p/locations" + cloud},
		{"run.v1.namespaces.jobs.get", `{name: namespaces/p/jobs/j, location: l}`, "https://l-run.googleapis.com/apis/run.googleapis.com/v1/namespaces/p/jobs/j" + cloud},
		{"secretmanager.v1.projects.secrets.get", `{name: s, connector_params: {scopes: [a, b]}}`, "https://secretmanager.googleapis.com/v1/s Bearer for a b"},
	} {
		if x := run(t, o, calling("googleapis."+tc.connector, tc.args), ""); outcome(x) != "null" {
			t.Errorf("%s = %s, want null for an empty response", tc.connector, outcome(x))
		}
		if diff := cmp.Diff(tc.want, seen.Load()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.connector, diff)
		}
	}
}

func TestTheEnvironmentNamesEmulators(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, r *http.Request) { jsonReply(w, 200, `"`+r.URL.Path+`"`) })
	for _, host := range []string{url, strings.TrimPrefix(url, "http://")} {
		t.Setenv("STORAGE_EMULATOR_HOST", host)
		x := run(t, workflows.Options{}, calling("googleapis.storage.v1.buckets.get", `{bucket: b}`), "")
		if want := `"/storage/v1/b/b"`; outcome(x) != want {
			t.Errorf("STORAGE_EMULATOR_HOST=%s: %s, want %s", host, outcome(x), want)
		}
	}
}

func TestAConnectorTriesAgainByTheRulesOfItsVerb(t *testing.T) {
	t.Parallel()
	const get, post = "googleapis.pubsub.v1.projects.topics.get", "googleapis.pubsub.v1.projects.topics.publish"
	for name, tc := range map[string]struct {
		connector string
		code      int
		failures  int32
		want      int32 // requests
		tag       string
	}{
		"502 of a get":         {get, 502, 2, 3, ""},
		"502 of a post":        {post, 502, 2, 1, "HttpError"},
		"503 of a post":        {post, 503, 2, 3, ""},
		"429 of a post":        {post, 429, 5, 6, ""},
		"no seventh attempt":   {get, 503, 6, 6, "HttpError"},
		"500 of a get":         {get, 500, 1, 1, "HttpError"},
		"404 of a get":         {get, 404, 1, 1, "HttpError"},
		"409 of a post":        {post, 409, 1, 1, "HttpError"},
		"504 of a get":         {get, 504, 1, 2, ""},
		"504 of a post":        {post, 504, 1, 1, "HttpError"},
		"a post that is fine":  {post, 503, 0, 1, ""},
		"five failures of get": {get, 429, 5, 6, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var n atomic.Int32
			url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				if n.Add(1) <= tc.failures {
					jsonReply(w, tc.code, `{"error": {"status": "X"}}`)
					return
				}
				jsonReply(w, 200, `"fine"`)
			})
			clock := newClock()
			x := run(t, workflows.Options{Endpoints: everywhere(url), Clock: clock}, calling(tc.connector, `{topic: t}`), "")
			if tc.tag == "" && outcome(x) != `"fine"` {
				t.Errorf("outcome = %s", outcome(x))
			}
			if tc.tag != "" {
				tags, _, value := raised(t, x)
				if diff := cmp.Diff([]any{tc.tag}, tags); diff != "" || value["code"] != float64(tc.code) {
					t.Errorf("tags %s, code %v", diff, value["code"])
				}
			}
			if n.Load() != tc.want {
				t.Errorf("%d requests, want %d", n.Load(), tc.want)
			}
			want := []time.Duration{time.Second, 1250 * time.Millisecond, 1562500 * time.Microsecond}
			if got := clock.slept(); int32(len(got)) != tc.want-1 || !slices.Equal(got[:min(3, len(got))], want[:min(3, len(got))]) {
				t.Errorf("delays %v, want %v and so on", got, want)
			}
		})
	}
}

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
		`{topic: 1.5}`:                    "",
		`{topic: [a]}`:                    "TypeError: argument topic of googleapis.pubsub.v1.projects.topics.get must be a string, got list",
		`{topic: ""}`:                     "ValueError: argument topic of googleapis.pubsub.v1.projects.topics.get must not be empty",
		`{topic: t, connector_params: 1}`: "TypeError: connector_params of googleapis.pubsub.v1.projects.topics.get must be a map, got integer",
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
		"- a: {call: googleapis.pubsub.v1.projects.topics.publish}\n":                                    `needs the argument "topic"`,
		"- a: {call: googleapis.compute.v1.instanceGroupManagers.resize, args: {project: p, zone: z}}\n": `needs the argument "size"`,
		"- a: {call: googleapis.run.v1.namespaces.jobs.run, args: {name: n}}\n":                          `needs the argument "location"`,
		"- a: {return: '${googleapis.pubsub.v1.projects.topics.get(\"t\")}'}\n":                          "cannot be called in an expression",
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
