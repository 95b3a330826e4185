package workflows_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orderflow.dev/local/workflows"
)

// callable is a served engine whose workflow "w" says the URL of its callback by a log entry.
type callable struct {
	t    *testing.T
	http http.Client
	e    *workflows.Engine
	urls chan string
	base string
}

func newCallable(t *testing.T, o workflows.Options, source string) *callable {
	t.Helper()
	c := &callable{t: t, urls: make(chan string, 100)}
	c.http.Transport = &http.Transport{}
	o.Project, o.Location = "p", "l"
	o.Log = func(e workflows.Entry) {
		if strings.HasPrefix(e.Text, "http") || strings.HasPrefix(e.Text, "/") {
			c.urls <- e.Text
		}
	}
	c.e = workflows.NewEngine(o)
	c.e.Deploy("w", compile(t, source))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- c.e.Serve(ctx, l) }()
	t.Cleanup(func() {
		c.http.CloseIdleConnections() // the server would wait for those that were never used
		cancel()
		<-served
	})
	c.base = "http://" + l.Addr().String()
	for !c.serves() {
		runtime.Gosched()
	}
	return c
}

func (c *callable) serves() bool {
	code, _ := c.send("GET", c.base, "", "")
	return code != 0
}

// run executes the workflow and gives a channel with its end.
func (c *callable) run() <-chan workflows.Execution {
	end := make(chan workflows.Execution, 1)
	go func() {
		x, err := c.e.Run(c.t.Context(), "w", nil)
		if err != nil {
			c.t.Error(err)
		}
		end <- x
	}()
	return end
}

func (c *callable) send(method, url, contentType, body string) (int, string) {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		c.t.Error(err)
		return 0, ""
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	r.Header.Add("x-key", "a")
	r.Header.Add("x-key", "b")
	resp, err := c.http.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text)
}

// list asks for the callbacks of the execution that a callback is of, below their names.
func (c *callable) list(callback, query string) (out struct {
	Callbacks []struct {
		Name, Method, Waiters string
		AvailablePayloads     []string
	}
	NextPageToken string
}) {
	c.t.Helper()
	code, text := c.send("GET", callback[:strings.LastIndexByte(callback, '/')]+query, "", "")
	if err := json.Unmarshal([]byte(text), &out); err != nil || code != 200 {
		c.t.Errorf("list: %d %s", code, text)
	}
	return out
}

// awaiting creates a callback, says its URL and waits for it.
func awaiting(create, await string) string {
	return `
- create: {call: events.create_callback_endpoint, args: {` + create + `}, result: callback}
- say: {call: sys.log, args: {text: "${callback.url}"}}
- await:
    try: {call: events.await_callback, args: {callback: "${callback}"` + await + `}, result: got}
    except: {as: e, steps: [{give: {return: {raised: "${e}"}}}]}
- done: {return: "${got}"}
`
}

func TestACallbackGivesTheRequest(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		method, query, contentType, sent string
		body                             any
		queried                          map[string]any
	}{
		"json":           {"POST", "?a=1&b=x%20y&a=2", "application/json", `{"n":[1,null]}`, map[string]any{"n": []any{1.0, nil}}, map[string]any{"a": "1,2", "b": "x y"}},
		"text":           {"PUT", "", "text/plain", "hi", "hi", map[string]any{}},
		"malformed json": {"PATCH", "", "application/json", "{", "{", map[string]any{}},
		"get":            {"GET", "?approved=true", "", "", nil, map[string]any{"approved": "true"}},
		"delete":         {"DELETE", "", "", "", nil, map[string]any{}},
		"head":           {"HEAD", "", "", "", nil, map[string]any{}},
		"options":        {"OPTIONS", "", "", "", nil, map[string]any{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCallable(t, workflows.Options{}, awaiting("http_callback_method: "+tc.method, ""))
			end := c.run()
			link := <-c.urls
			if want := c.base + "/v1/projects/p/locations/l/workflows/w/executions/"; !strings.HasPrefix(link, want) || !strings.Contains(link, "/callbacks/") {
				t.Errorf("url = %s, want %s…/callbacks/…", link, want)
			}
			if code, text := c.send(tc.method, link+tc.query, tc.contentType, tc.sent); code != 200 || text != "" {
				t.Errorf("answer = %d %q, want an empty 200", code, text)
			}
			var got struct {
				Type         string
				ReceivedTime string `json:"received_time"`
				Request      struct {
					Body        any
					Headers     map[string]string
					Method, URL string
					Query       map[string]any
				} `json:"http_request"`
			}
			if err := json.Unmarshal((<-end).Result, &got); err != nil {
				t.Fatal(err)
			}
			r := got.Request
			if got.Type != "HTTP" || len(got.ReceivedTime) < 20 || r.Method != tc.method || c.base+r.URL != link+tc.query || r.Headers["X-Key"] != "a,b" {
				t.Errorf("got %+v", got)
			}
			if diff := cmp.Diff([]any{tc.body, tc.queried}, []any{r.Body, r.Query}); diff != "" {
				t.Errorf("body and query (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRequestsThatComeBeforeTheWaitAreTakenInOrder(t *testing.T) {
	t.Parallel()
	entered, release := make(chan struct{}), make(chan struct{})
	gate := serve(t, func(http.ResponseWriter, *http.Request) {
		close(entered)
		<-release
	})
	c := newCallable(t, workflows.Options{Env: map[string]string{"URL": gate}}, `
- create: {call: events.create_callback_endpoint, result: callback}
- say: {call: sys.log, args: {text: "${callback.url}"}}
- hold: {call: http.get, args: {url: '${sys.get_env("URL")}'}}
- init: {assign: [{all: []}]}
- loop:
    for:
      value: i
      range: [1, 3]
      steps:
      - await: {call: events.await_callback, args: {callback: "${callback}", timeout: 0}, result: got}
      - add: {assign: [{all: "${list.concat(all, got.http_request.body)}"}]}
- done: {return: "${all}"}
`)
	end := c.run()
	link := <-c.urls
	<-entered
	for _, body := range []string{"1", `"two"`, "[3]"} {
		if code, text := c.send("POST", link, "application/json", body); code != 200 {
			t.Fatal(code, text)
		}
	}
	got := c.list(link, "")
	if len(got.Callbacks) != 1 || got.Callbacks[0].Method != "POST" || got.Callbacks[0].Waiters != "" || len(got.Callbacks[0].AvailablePayloads) != 3 ||
		!strings.Contains(got.Callbacks[0].AvailablePayloads[1], `"two"`) || !strings.HasSuffix(link, "/v1/"+got.Callbacks[0].Name) {
		t.Errorf("callbacks = %+v of %s", got, link)
	}
	close(release)
	if x := <-end; outcome(x) != `[1,"two",[3]]` {
		t.Errorf("outcome = %s", outcome(x))
	}
}

func TestACallbackThatNobodyCallsIsATimeout(t *testing.T) {
	t.Parallel()
	for await, want := range map[string]float64{"": 43200, ", timeout: 7.5": 7.5, ", timeout: 0": 0} {
		clock := newClock()
		x := run(t, workflows.Options{Clock: clock}, awaiting("", await), "")
		tags, _, _ := raised(t, x)
		if got := clock.slept(); !cmp.Equal([]any{"TimeoutError"}, tags) || len(got) != 1 || got[0].Seconds() != want {
			t.Errorf("%q: %v after %v, want TimeoutError after %v s", await, tags, got, want)
		}
	}
}

func TestWrongArgumentsOfCallbacksAreRaised(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ call, args, want string }{
		"method":         {"events.create_callback_endpoint", `{http_callback_method: post}`, `ValueError: argument http_callback_method must be one of GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH, got "post"`},
		"type of method": {"events.create_callback_endpoint", `{http_callback_method: 1}`, "TypeError: argument http_callback_method must be a string, got integer"},
		"callback":       {"events.await_callback", `{callback: x}`, "TypeError: argument callback of events.await_callback must be a map, got string"},
		"no url":         {"events.await_callback", `{callback: {}}`, "TypeError: argument callback of events.await_callback must have a url, got {}"},
		"foreign":        {"events.await_callback", `{callback: {url: "http://x/callbacks/y"}}`, `ValueError: callback "y" is none of this execution`},
		"timeout":        {"events.await_callback", `{callback: {url: x}, timeout: -1}`, "ValueError: argument timeout of events.await_callback must not be negative, got -1"},
		"type of time":   {"events.await_callback", `{callback: {url: x}, timeout: soon}`, "TypeError: argument timeout of events.await_callback must be a number, got string"},
	} {
		if _, message, _ := raised(t, run(t, workflows.Options{}, calling(tc.call, tc.args), "")); message != tc.want {
			t.Errorf("%s: %s, want %s", name, message, tc.want)
		}
	}
}

func TestRequestsThatNoCallbackTakesAreRefused(t *testing.T) {
	t.Parallel()
	c := newCallable(t, workflows.Options{}, awaiting("http_callback_method: PUT", ""))
	end := c.run()
	link := <-c.urls
	execution := link[:strings.Index(link, "/callbacks/")]
	for _, tc := range []struct{ method, url string }{
		{"POST", link}, {"GET", link}, {"PUT", link + "x"}, {"PUT", execution + "/callbacks/none"}, {"PUT", execution + "0/callbacks/none"},
		{"GET", execution + "0/callbacks"},
	} {
		if code, text := c.send(tc.method, tc.url, "", ""); code != 404 || !strings.Contains(text, `"NOT_FOUND"`) {
			t.Errorf("%s %s = %d %s, want 404", tc.method, tc.url, code, text)
		}
	}
	if code, text := c.send("PUT", link, "text/plain", strings.Repeat("x", 1<<20)); code != 400 {
		t.Errorf("a large body: %d %s, want 400", code, text)
	}
	if code, _ := c.send("PUT", link, "", ""); code != 200 {
		t.Errorf("the right request: %d", code)
	}
	<-end
	if code, text := c.send("PUT", link, "", ""); code != 404 || !strings.Contains(text, "has ended") {
		t.Errorf("after the end: %d %s, want 404", code, text)
	}
	if got := c.list(link, ""); len(got.Callbacks) != 0 {
		t.Errorf("callbacks after the end: %+v", got)
	}
}

func TestACallbackThatIsFullAnswers429(t *testing.T) {
	t.Parallel()
	c := newCallable(t, workflows.Options{}, `
- create: {call: events.create_callback_endpoint, result: callback}
- say: {call: sys.log, args: {text: "${callback.url}"}}
- hold: {call: sys.sleep, args: {seconds: 100000}}
`)
	c.run()
	link := <-c.urls
	for i := range 101 {
		code, text := c.send("POST", link, "", "")
		if want := map[bool]int{true: 200, false: 429}[i < 100]; code != want {
			t.Fatalf("request %d: %d %s, want %d", i+1, code, text, want)
		}
	}
}

func TestCallbacksAreListedInPagesWithTheirWaiters(t *testing.T) {
	t.Parallel()
	c := newCallable(t, workflows.Options{}, `
- init: {assign: [{callback: null}]}
- loop:
    for:
      value: i
      range: [1, 5]
      steps:
      - create: {call: events.create_callback_endpoint, args: {http_callback_method: GET}, result: callback}
- say: {call: sys.log, args: {text: "${callback.url}"}}
- await: {call: events.await_callback, args: {callback: "${callback}"}}
`)
	end := c.run()
	link := <-c.urls
	waiting := func() int {
		n := 0
		for _, cb := range c.list(link, "").Callbacks {
			if cb.Waiters == "1" && strings.HasSuffix(link, cb.Name) {
				n++
			}
		}
		return n
	}
	for waiting() != 1 {
		runtime.Gosched()
	}
	var names []string
	for token, pages := "", 0; token != "" || pages == 0; pages++ {
		page := c.list(link, "?pageSize=2&pageToken="+url.QueryEscape(token))
		for _, cb := range page.Callbacks {
			names = append(names, cb.Name)
		}
		token = page.NextPageToken
	}
	if len(names) != 5 || !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != 5 {
		t.Errorf("names = %v, want five in order", names)
	}
	if code, _ := c.send("GET", link[:strings.LastIndexByte(link, '/')]+"?pageSize=x", "", ""); code != 400 {
		t.Errorf("pageSize=x: %d, want 400", code)
	}
	c.send("GET", link, "", "")
	if x := <-end; x.State != workflows.Succeeded {
		t.Errorf("outcome = %s", outcome(x))
	}
}

// TestEveryRequestIsTakenOnce: many send at a time what one workflow takes one by one.
func TestEveryRequestIsTakenOnce(t *testing.T) {
	t.Parallel()
	const n = 60
	c := newCallable(t, workflows.Options{}, fmt.Sprintf(`
- create: {call: events.create_callback_endpoint, result: callback}
- say: {call: sys.log, args: {text: "${callback.url}"}}
- init: {assign: [{all: []}]}
- loop:
    for:
      value: i
      range: [1, %d]
      steps:
      - await: {call: events.await_callback, args: {callback: "${callback}"}, result: got}
      - add: {assign: [{all: "${list.concat(all, got.http_request.body)}"}]}
- done: {return: "${all}"}
`, n))
	end := c.run()
	link := <-c.urls
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			if code, text := c.send("POST", link, "application/json", fmt.Sprint(i)); code != 200 {
				t.Errorf("%d: %d %s", i, code, text)
			}
		})
	}
	wg.Wait()
	var got []int
	if err := json.Unmarshal((<-end).Result, &got); err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	for i := range n {
		if i >= len(got) || got[i] != i {
			t.Fatalf("taken %v, want each of 0 to %d once", got, n-1)
		}
	}
}

func TestTheBaseURLIsThatOfTheOptionsOrNone(t *testing.T) {
	t.Parallel()
	for base, want := range map[string]string{
		"https://flows.example.com/": "https://flows.example.com/v1/projects/", "": "/v1/projects/",
	} {
		x := run(t, workflows.Options{BaseURL: base}, `
- a: {return: "${events.create_callback_endpoint().url}"}`, "")
		if !strings.HasPrefix(outcome(x), `"`+want) {
			t.Errorf("BaseURL %q: %s, want %s", base, outcome(x), want)
		}
	}
}

func TestCancellingEndsAWaitForACallback(t *testing.T) {
	t.Parallel()
	e := workflows.NewEngine(workflows.Options{})
	e.Deploy("w", compile(t, awaiting("", "")))
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for len(e.Executions("w")) == 0 || e.Executions("w")[0].Step != "await" {
			runtime.Gosched()
		}
		cancel()
	}()
	if x, err := e.Run(ctx, "w", nil); err != nil || x.State != workflows.Cancelled {
		t.Errorf("got %s, %v", x.State, err)
	}
}
