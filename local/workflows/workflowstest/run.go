package workflowstest

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"orderflow.dev/local/workflows"
	"orderflow.dev/local/workflows/virtual"
)

// Start is when executions begin by the virtual clock, unless the option At says
// otherwise.
var Start = time.Date(2030, time.January, 1, 0, 0, 0, 0, time.UTC)

// Option changes how Run runs.
type Option func(*workflows.Options)

// Env sets user-defined environment variables, read by sys.get_env.
func Env(vars map[string]string) Option {
	return func(o *workflows.Options) { o.Env = vars }
}

// At begins the execution at another time of the virtual clock.
func At(start time.Time) Option {
	return func(o *workflows.Options) { o.Clock = virtual.NewClock(start) }
}

// Options changes anything else about the engine. Its HTTP client and, unless it
// is a *virtual.Clock, its clock are Run's.
func Options(change func(*workflows.Options)) Option { return change }

// Run executes a definition with an argument, anything that encoding/json
// encodes, and waits for its end. The definition is YAML or JSON if it has more
// than one line, else the path of a file. The handler answers every HTTP call; it
// sees the host of the URL in the request's Host, so that an http.ServeMux can
// tell services apart, and it is called by one thread at a time. The test fails at once if the definition has problems; an
// execution that fails is in the result.
func Run(t testing.TB, definition string, argument any, calls http.Handler, options ...Option) Result {
	t.Helper()
	w := compile(t, definition)
	input, err := json.Marshal(argument)
	if err != nil {
		t.Fatalf("encode the argument of the workflow: %v", err)
	}
	o := workflows.Options{}
	for _, change := range options {
		change(&o)
	}
	clock, ok := o.Clock.(*virtual.Clock)
	if !ok {
		clock = virtual.NewClock(Start)
	}
	net := &network{handler: calls, clock: clock, start: clock.Now()}
	o.Clock, o.HTTP, o.Trace = clock, &http.Client{Transport: net}, true
	e := workflows.NewEngine(o)
	defer e.Close()
	e.Deploy("workflow", w)
	x, err := e.Run(t.Context(), "workflow", input)
	if err != nil {
		t.Fatalf("run the workflow: %v", err)
	}
	return result(t, x, net.made())
}

// compile reads a definition.
func compile(t testing.TB, definition string) *workflows.Workflow {
	t.Helper()
	file, source := "workflow.yaml", []byte(definition)
	if !strings.Contains(definition, "\n") {
		var err error
		if source, err = os.ReadFile(definition); err != nil {
			t.Fatalf("read the workflow: %v", err)
		}
		file = definition
	}
	key := file + "\n" + string(source)
	if w, ok := compiled.Load(key); ok {
		return w.(*workflows.Workflow)
	}
	w, err := workflows.Compile(file, source)
	if err != nil {
		t.Fatalf("the workflow has problems:\n%v", err)
	}
	compiled.Store(key, w)
	return w
}

// compiled keeps definitions by file and source: a test of many cases compiles
// its definition once. What they hold is immutable.
var compiled sync.Map
