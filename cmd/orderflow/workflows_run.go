package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"orderflow.dev/local/workflows"
	"orderflow.dev/local/workflows/virtual"
)

type workflowsRunFlags struct {
	data    string
	env     []string
	trace   bool
	virtual bool
}

// errExecution says that a workflow failed; why, has been printed.
var errExecution = errors.New("the execution failed")

func workflowsRunCommand() *cobra.Command {
	var f workflowsRunFlags
	c := &cobra.Command{
		Use:   "run FILE",
		Short: "Run a workflow definition and print its result",
		Long: `Runs one execution of a workflow definition in this process. Standard output gets the result as JSON and nothing else;
standard error gets what sys.log writes, the trace, the number of billed steps and, if the execution fails, the error as the
service shows it with the line where it came from. HTTP calls are made for real, without a token; nobody can call back. Exits 1 if
the execution fails; Ctrl-C cancels it.`,
		Example: `  orderflow workflows run hello.yaml
  orderflow workflows run saga.yaml --data '{"order": 7}' --env PAYMENT_URL=http://127.0.0.1:8081
  orderflow workflows run saga.yaml --data @order.json --trace 2>trace.txt | jq .status
  orderflow workflows run nightly.yaml --virtual-time     # waits of hours take no time`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return workflowsRun(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), args[0], f)
		},
	}
	fl := c.Flags()
	fl.StringVar(&f.data, "data", "", "the argument of the execution: JSON, or @FILE with JSON in it")
	fl.StringArrayVar(&f.env, "env", nil, "an environment variable for sys.get_env: KEY=VALUE; may be repeated")
	fl.BoolVar(&f.trace, "trace", false, "print the steps taken as a tree: when, for how long, with which error")
	fl.BoolVar(&f.virtual, "virtual-time", false, "sleeps and delays of retries end at once, and the clock says as if they had not")
	return c
}

func workflowsRun(ctx context.Context, out, notes io.Writer, file string, f workflowsRunFlags) error {
	source, problems, err := problemsOf(file)
	if err != nil {
		return err
	}
	if len(problems) > 0 {
		for _, p := range problems {
			printProblem(notes, source, p)
		}
		return fmt.Errorf("%s cannot run; problems found: %d", file, len(problems))
	}
	options, err := f.options(notes)
	if err != nil {
		return err
	}
	argument, err := f.argument()
	if err != nil {
		return err
	}
	x, err := runOnce(ctx, options, file, source, argument)
	if err != nil {
		return err
	}
	if f.trace {
		printTrace(notes, x.Trace)
	}
	fmt.Fprintf(notes, "%s after %s; billed steps: %d internal, %d external\n",
		strings.ToLower(string(x.State)), rounded(x.End.Sub(x.Start)), x.Steps.Internal, x.Steps.External)
	switch {
	case x.State == workflows.Succeeded:
		fmt.Fprintf(out, "%s\n", x.Result)
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	printFailure(notes, file, source, x.Error)
	return errExecution
}

// runOnce deploys a definition to an engine of its own and executes it.
func runOnce(ctx context.Context, o workflows.Options, file string, source, argument []byte) (workflows.Execution, error) {
	w, err := workflows.Compile(file, source)
	if err != nil {
		return workflows.Execution{}, err
	}
	e := workflows.NewEngine(o)
	defer e.Close()
	id := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
	e.Deploy(id, w)
	x, err := e.Run(ctx, id, argument)
	if err != nil {
		return x, fmt.Errorf("run %s: %w", file, err)
	}
	return x, nil
}

// options are the engine's. What is logged goes to notes.
func (f workflowsRunFlags) options(notes io.Writer) (o workflows.Options, err error) {
	o = workflows.Options{Trace: f.trace, Env: map[string]string{}, Log: func(e workflows.Entry) { printEntry(notes, e) }}
	for _, pair := range f.env {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return o, fmt.Errorf("--env is %q, want KEY=VALUE", pair)
		}
		o.Env[name] = value
	}
	if f.virtual {
		// Servers are real: what they take is not in the virtual time, and a
		// time-out is by the real one. Hence no Deadliner.
		o.Clock = struct{ workflows.Worker }{virtual.NewClock(time.Now())}
	}
	return o, nil
}

// argument reads --data.
func (f workflowsRunFlags) argument() (json.RawMessage, error) {
	text, where := []byte(f.data), "--data"
	if file, ok := strings.CutPrefix(f.data, "@"); ok {
		var err error
		if text, err = os.ReadFile(file); err != nil {
			return nil, fmt.Errorf("read the argument of the workflow: %w", err)
		}
		where = file
	} else if f.data == "" {
		return nil, nil
	}
	if !json.Valid(text) {
		return nil, fmt.Errorf("%s is no JSON: %.60q; text needs quotes: --data '\"text\"'", where, text)
	}
	return text, nil
}
