// Package command runs other programs for scripts that change a Google Cloud project: each command is printed before it
// runs, a dry run only prints, and Ctrl-C lets what runs finish in order.
package command

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
	"time"

	"golang.org/x/term"
)

// Runner runs commands in Dir and prints them to Out.
type Runner struct {
	Dir string
	Out io.Writer
	Err io.Writer // what commands complain of; os.Stderr if nil
	Dry bool      // print only
}

// install says where the programs that scripts need come from.
var install = map[string]string{
	"gcloud":    "https://cloud.google.com/sdk/docs/install",
	"terraform": "https://developer.hashicorp.com/terraform/install",
	"go":        "https://go.dev/doc/install",
}

// Run runs a command whose output is the reader's.
func (r *Runner) Run(ctx context.Context, args ...string) error {
	return r.start(ctx, nil, r.Out, args)
}

// Output runs a command and answers what it prints; nothing in a dry run.
func (r *Runner) Output(ctx context.Context, args ...string) ([]byte, error) {
	var out bytes.Buffer
	err := r.start(ctx, nil, &out, args)
	return out.Bytes(), err
}

// Feed runs a command that reads input: what must not be in its arguments, where every user of the machine sees it.
func (r *Runner) Feed(ctx context.Context, input []byte, args ...string) error {
	return r.start(ctx, input, r.Out, args)
}

func (r *Runner) start(ctx context.Context, input []byte, out io.Writer, args []string) error {
	fmt.Fprintln(r.Out, "  $", Quote(args...))
	if r.Dry {
		return nil
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = r.Dir, bytes.NewReader(input), out, r.Err
	if r.Err == nil {
		cmd.Stderr = os.Stderr
	}
	// A terminal sends Ctrl-C to every process of its group. In a group of its own the command hears of it from us alone,
	// once: Terraform takes a second one as "drop everything", and leaves its state locked.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }
	err := cmd.Run()
	switch {
	case err == nil:
		return nil
	case errors.Is(err, exec.ErrNotFound):
		return fmt.Errorf("%s is not installed: see %s", args[0], install[args[0]])
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", Quote(args...), context.Cause(ctx))
	}
	return fmt.Errorf("%s: %w", Quote(args...), err)
}

var plain = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// Quote writes a command as a shell would read it.
func Quote(args ...string) string {
	quoted := make([]string, len(args))
	for i, a := range args {
		if quoted[i] = a; !plain.MatchString(a) {
			quoted[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
	}
	return strings.Join(quoted, " ")
}

// Confirm asks a question on a terminal, whose answer must be yes, typed out. The error says that it was not, or that there is
// nobody to ask.
func Confirm(ctx context.Context, in *os.File, out io.Writer, question string) error {
	if !term.IsTerminal(int(in.Fd())) {
		return errors.New("there is no terminal to ask on: say --yes if this is a machine")
	}
	fmt.Fprintf(out, "\n%s Only yes is taken for it: ", question)
	answer, err := typed(ctx, func() (string, error) {
		line, err := bufio.NewReader(in).ReadString('\n')
		return strings.TrimSpace(line), err
	})
	if err == nil && answer != "yes" {
		err = errors.New("nothing was changed")
	}
	return err
}

// Secret asks for what must not be seen while it is typed.
func Secret(ctx context.Context, in *os.File, out io.Writer, prompt string) ([]byte, error) {
	shown, err := term.GetState(int(in.Fd()))
	if err != nil {
		return nil, fmt.Errorf("there is no terminal to ask on: %w", err)
	}
	// Ctrl-C ends the wait, not the reading, which would leave the terminal without an echo.
	defer func() {
		_ = term.Restore(int(in.Fd()), shown) // it was one a moment ago
		fmt.Fprintln(out)
	}()
	fmt.Fprint(out, prompt)
	return typed(ctx, func() ([]byte, error) { return term.ReadPassword(int(in.Fd())) })
}

// typed waits for what a human types, or for the end of ctx: Ctrl-C while nobody types.
func typed[T any](ctx context.Context, read func() (T, error)) (answer T, err error) {
	done := make(chan struct{})
	var got T
	var failed error
	go func() {
		defer close(done)
		got, failed = read()
	}()
	select {
	case <-done:
		return got, failed
	case <-ctx.Done():
		return answer, context.Cause(ctx)
	}
}

// Main runs a script until it ends or Ctrl-C ends it, and exits: 0 done, 1 failed, 130 interrupted. A second Ctrl-C leaves
// at once, and what the first one set right stays half done.
func Main(name string, run func(context.Context) error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, func() {
		stop()
		fmt.Fprintf(os.Stderr, "\n%s: interrupted; what runs may finish first. Ctrl-C again leaves at once.\n", name)
	})
	err := run(ctx)
	interrupted := ctx.Err() != nil
	if err != nil {
		for line := range strings.Lines(err.Error()) {
			fmt.Fprintf(os.Stderr, "%s: %s\n", name, strings.TrimSuffix(line, "\n"))
		}
	}
	switch {
	case err != nil && interrupted:
		os.Exit(130) // as a shell reports Ctrl-C
	case err != nil:
		os.Exit(1)
	}
}

// Aftermath is a context for setting right what a failure left, even if that was Ctrl-C.
func Aftermath(ctx context.Context, most time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), most)
}
