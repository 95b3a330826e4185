package workflows_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"testing"

	"orderflow.dev/local/workflows"
)

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

func TestAnEngineThatServesEveryAddressIsReachedAtLocalhost(t *testing.T) {
	t.Parallel()
	urls := make(chan string, 1)
	e := workflows.NewEngine(workflows.Options{Log: func(e workflows.Entry) {
		if strings.HasPrefix(e.Text, "http://") {
			urls <- e.Text
		}
	}})
	e.Deploy("w", compile(t, awaiting("", "")))
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- e.Serve(ctx, l) }()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	code, text := 0, ""
	for code == 0 {
		code, text = postEmpty(t, "http://127.0.0.1:"+port+"/v1/projects/local-project/locations/us-central1/workflows/w/executions")
	}
	if got, want := <-urls, "http://localhost:"+port+"/"; !strings.HasPrefix(got, want) {
		t.Errorf("url %s (create: %d %s), want %s", got, code, text, want)
	}
	cancel()
	<-served
}

func postEmpty(t *testing.T, url string) (int, string) {
	t.Helper()
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := c.Post(url, "", nil)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text)
}
