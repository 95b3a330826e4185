package workflows_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"orderflow.dev/local/workflows"
)

// witness answers calls, not in the order in which they come, and knows what came in which life of the engine.
type witness struct {
	*httptest.Server
	mu    sync.Mutex
	calls map[string][]string // by the URL's first part, of each life another one: path and body
}

func newWitness(t testing.TB) *witness {
	t.Helper()
	w := &witness{calls: map[string][]string{}}
	w.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		life, path, _ := strings.Cut(r.URL.Path[1:], "/")
		w.mu.Lock()
		w.calls[life] = append(w.calls[life], path+" "+string(body))
		n := len(w.calls[life])
		w.mu.Unlock()
		time.Sleep(time.Duration(n%3) * time.Millisecond)
		if path == "b" {
			rw.WriteHeader(http.StatusConflict)
		}
		fmt.Fprint(rw, n)
	}))
	return w
}

func (w *witness) seen(life int) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.calls[fmt.Sprint(life)])
}

// final are the calls that are not made again after a crash: their threads have made others since.
func final(calls []string) []string {
	return slices.DeleteFunc(slices.Clone(calls), func(c string) bool {
		path, body, _ := strings.Cut(c, " ")
		after := map[string]string{"first": "a ", "a": "b " + strings.TrimSuffix(body, "]") + ",", "b": "last "}[path]
		return after == "" || !slices.ContainsFunc(calls, func(other string) bool { return strings.HasPrefix(other, after) })
	})
}

// ordersIn is how far the list of threads had come, as calls tell it.
func ordersIn(calls []string) (orders []string) {
	for _, c := range calls {
		if strings.HasPrefix(c, "b ") {
			orders = append(orders, strings.TrimSuffix(c[strings.LastIndexByte(c, '['):], "]]"))
		}
	}
	return orders
}

// restless calls from several threads, and what it calls follows from what its calls answered and in which order.
const restless = `
main:
  steps:
  - init: {assign: [{url: "${sys.get_env(\"URL\")}"}, {id: "${uuid.generate()}"}, {at: "${sys.now()}"}, {order: []}, {n: 0}]}
  - first: {call: http.post, args: {url: "${url + \"/first\"}", body: ["${id}", "${at}"]}}
  - fork:
      parallel:
        shared: [order, n]
        for:
          value: v
          range: [1, 6]
          steps:
          - a: {call: http.post, args: {url: "${url + \"/a\"}", body: ["${id}", "${v}"]}, result: answer}
          - note: {assign: [{n: "${n + 1}"}, {mine: "${n}"}, {order: "${list.concat(order, v)}"}]}
          - b:
              try: {call: http.post, args: {url: "${url + \"/b\"}", body: ["${id}", "${v}", "${mine}", "${order}"]}}
              except: {as: e, steps: [{c: {assign: [{code: "${e.code}"}]}}]}
          - pause: {call: sys.sleep, args: {seconds: 0.001}}
  - last: {call: http.post, args: {url: "${url + \"/last\"}", body: ["${id}", "${order}"]}}
  - done: {return: ["${id}", "${order}", "${n}"]}
`

// TestAnExecutionGoesOnWhereItWas crashes engines again and again. What they do after the crash is done for nobody, so only
// of calls that were answered and kept before it is known that they must not be made again.
func TestAnExecutionGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { goesOn(t, rand.New(rand.NewPCG(seed, 0))) })
	}
}

func goesOn(t *testing.T, random *rand.Rand) {
	w := newWitness(t)
	defer w.Close()
	dir, sources := t.TempDir(), map[string]string{"w": restless}
	live := func(n int) lifetime {
		return begin(t, dir, workflows.Options{Env: map[string]string{"URL": fmt.Sprintf("%s/%d", w.URL, n)}}, sources)
	}
	var orders []string
	life, crashes, kept := live(0), 1+random.IntN(4), map[string]bool{}
	life.resume() // nothing; what is deployed is kept
	life.create("null")
	for n := range crashes {
		time.Sleep(time.Duration(random.IntN(13)) * time.Millisecond)
		made := w.seen(n)
		for _, c := range final(made) {
			kept[c] = true
		}
		orders = append(orders, ordersIn(made)...)
		dir = crashed(t, dir)
		life.end()
		sources["w"] = strings.Replace(restless, "done:", "ended:", 1) // for executions that begin from now on
		life = live(n + 1)
		life.resume()
		again := kept
		kept = map[string]bool{}
		maps.Copy(kept, again)
		defer func() {
			for _, c := range w.seen(n + 1) {
				if again[c] {
					t.Errorf("%s was made again", c)
				}
			}
		}()
	}
	x := life.awaitAll()[0]
	life.end()
	if x.State != workflows.Succeeded || x.Step != "done" {
		t.Fatalf("ended %s in %s: %v", x.State, x.Step, x.Error)
	}
	var result []any
	if err := json.Unmarshal(x.Result, &result); err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for n := range crashes + 1 {
		for _, c := range w.seen(n) {
			ids[strings.SplitN(c, `"`, 3)[1]] = true
		}
	}
	if len(ids) != 1 || !ids[result[0].(string)] {
		t.Errorf("the calls have the ids %v, the result %v", slices.Collect(maps.Keys(ids)), result[0])
	}
	order := result[1].([]any)
	for _, before := range orders {
		if now, _ := json.Marshal(order); !strings.HasPrefix(string(now), before) {
			t.Errorf("the threads came in the order %s, and %s before a crash", now, before)
		}
	}
	slices.SortFunc(order, func(a, b any) int { return int(a.(float64) - b.(float64)) })
	if fmt.Sprint(order, result[2]) != "[1 2 3 4 5 6] 6" {
		t.Errorf("threads %v, counted %v", order, result[2])
	}
}

// sleepless is a clock whose sleeps do not end by themselves.
type sleepless struct{ begun chan struct{} }

func (sleepless) Now() time.Time { return time.Now() }

func (c sleepless) Sleep(ctx context.Context, _ time.Duration) error {
	close(c.begun)
	<-ctx.Done()
	return context.Cause(ctx)
}

// TestWhatIsLeftOfASleepIsSlept restarts the engine in a long sleep.
func TestWhatIsLeftOfASleepIsSlept(t *testing.T) {
	t.Parallel()
	dir, clock, asleep := t.TempDir(), newClock(), sleepless{make(chan struct{})}
	source := map[string]string{"w": `[{nap: {call: sys.sleep, args: {seconds: 3600}}}]`}
	first := begin(t, dir, workflows.Options{Clock: asleep}, source)
	first.create("null")
	<-asleep.begun
	first.end()
	clock.now = time.Now().Add(50 * time.Minute)
	next := begin(t, dir, workflows.Options{Clock: clock}, source)
	next.resume()
	next.awaitAll()
	if d := clock.slept(); len(d) != 1 || d[0] > 10*time.Minute || d[0] < 9*time.Minute {
		t.Errorf("slept %v after 50 of 60 minutes", d)
	}
}

// TestValuesAreRecordedAsTheyAre holds bytes and integers across a restart.
func TestValuesAreRecordedAsTheyAre(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	source := map[string]string{"w": `
main:
  steps:
  - same: {call: answer, result: a}
  - wait: {call: http.post, args: {url: '${sys.get_env("URL")}', body: "go"}}
  - done: {return: ["${get_type(a.body)}", "${base64.encode(a.body)}", "${a.code}", "${get_type(a.code)}"]}
answer:
  steps:
  - call: {call: http.get, args: {url: '${sys.get_env("BYTES")}'}, result: r}
  - done: {return: "${r}"}
`}
	o := g.options()
	o.Env["BYTES"] = serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/octet-stream")
		_, _ = w.Write([]byte{0, 255})
	})
	dir := t.TempDir()
	first := begin(t, dir, o, source)
	first.create("null")
	<-g.entered
	first.end()
	close(g.open)
	next := begin(t, dir, o, source)
	next.resume()
	if got := outcome(next.awaitAll()[0]); got != `["bytes","AP8=",200,"integer"]` {
		t.Errorf("result %s", got)
	}
}

const twoCallbacks = `
- open: {call: events.create_callback_endpoint, result: callback}
- first: {call: events.await_callback, args: {callback: "${callback}"}, result: a}
- nap: {call: http.post, args: {url: '${sys.get_env("URL")}', body: "go"}}
- second: {call: events.await_callback, args: {callback: "${callback}"}, result: b}
- done: {return: ["${a.http_request.body}", "${b.http_request.body}"]}
`

// TestRequestsToCallbacksAreNotLostByARestart sends one that is taken and one that nobody waits for before the restart.
func TestRequestsToCallbacksAreNotLostByARestart(t *testing.T) {
	t.Parallel()
	dir, g := t.TempDir(), newGate(t)
	source := map[string]string{"w": twoCallbacks}
	first := begin(t, dir, g.options(), source)
	name := first.create("null")
	execution := name[strings.LastIndexByte(name, '/'):]
	var callbacks []any
	for len(callbacks) == 0 {
		_, x := first.ask("GET", execution+"/callbacks", "")
		callbacks, _ = x["callbacks"].([]any)
	}
	full := callbacks[0].(map[string]any)["name"].(string)
	for _, body := range []string{"1", "2"} {
		resp, err := http.Post(serve(t, first.Handler().ServeHTTP)+"/v1/"+full, "application/json", strings.NewReader(body))
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatal(resp, err)
		}
		resp.Body.Close()
		if body == "1" {
			<-g.entered // the first was taken
		}
	}
	dir = crashed(t, dir)
	first.end()
	close(g.open)
	next := begin(t, dir, g.options(), source)
	next.resume()
	if got := outcome(next.awaitAll()[0]); got != "[1,2]" {
		t.Errorf("result %s, want what was sent before the crash", got)
	}
}

// TestAChildIsStartedOnceThoughItsParentIsRestarted crashes an engine while children are under way, of two at once and of one.
func TestAChildIsStartedOnceThoughItsParentIsRestarted(t *testing.T) {
	t.Parallel()
	dir, g := t.TempDir(), newGate(t)
	sources := map[string]string{"child": callGate, "w": `
- several: {call: experimental.executions.map, args: {workflow_id: child, arguments: [1, 2]}, result: a}
- one: {call: ` + executionsAPI + `run, args: {workflow_id: child, argument: 3}, result: b}
- same: {call: ` + executionsAPI + `create, args: {parent: projects/local-project/locations/us-central1/workflows/child, body: {argument: "4"}}, result: c}
- done: {return: ["${a}", "${b}", "${c.result}"]}
`}
	life := begin(t, dir, g.options(), sources)
	life.resume()
	life.create("null")
	for _, children := range []int{2, 1, 1} {
		for range children {
			<-g.entered
		}
		dir = crashed(t, dir)
		life.end()
		life = begin(t, dir, g.options(), sources)
		life.resume()
		for range children { // what was under way comes again
			<-g.entered
		}
		for range children {
			g.open <- struct{}{}
		}
	}
	if got := outcome(life.awaitAll()[0]); got != `[[1,2],3,"4"]` {
		t.Errorf("result %s", got)
	}
	if n := len(life.Executions("child")); n != 4 {
		t.Errorf("%d children, want 4", n)
	}
}
