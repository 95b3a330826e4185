package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	tree "orderflow.dev"
	"orderflow.dev/internal/archive"
	"orderflow.dev/internal/platform/bucket"
	"orderflow.dev/internal/platform/event"
	"orderflow.dev/internal/unit"
	"orderflow.dev/local/stack"
)

type replayFlags struct {
	project, from, to       string
	types                   []string
	function, order, reason string
	by                      string
	late                    time.Duration
	rate                    float64
	dryRun                  bool
}

func replayCommand() *cobra.Command {
	var f replayFlags
	c := &cobra.Command{
		Use:   "replay",
		Short: "Publish the events of a time again, from the archive",
		Long: `Every published event is kept in the archive, a bucket of its own, for a year. A function that was broken for some time
and lost its effects has them again when the events of that time are published again: each once, in the order in which
they were published. Whoever had its effect before has none again.

They are those of the running stack, or of a Google Cloud project (--project), as whom gcloud's application default
credentials say. That takes roles/storage.objectUser on the bucket PROJECT-archive and roles/pubsub.publisher. There an
event is in the archive some minutes after it was published. Who replayed what, when and why, is kept in the bucket.`,
		Example: `  orderflow replay --from 2h --function notify-customer --reason "mail is back" --dry-run
  orderflow replay --from 2026-11-23T09:00:00Z --to 2026-11-23T10:30:00Z --reason "topic restored" --project my-project
  orderflow replay --from 24h --order ID --type OrderConfirmed --reason "customer asks"
  orderflow replay list`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runReplay(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), f)
		},
	}
	c.PersistentFlags().StringVar(&f.project, "project", "", "a Google Cloud project (default: the running stack)")
	fl := c.Flags()
	fl.StringVar(&f.from, "from", "", "events published since then: a time such as 2026-11-23T09:00:00Z, or so long ago: 2h")
	fl.StringVar(&f.to, "to", "0s", "and before then")
	fl.StringSliceVar(&f.types, "type", nil, "only events of this type, e.g. OrderConfirmed")
	fl.StringVar(&f.function, "function", "", "only for this function: others leave the events alone")
	fl.StringVar(&f.order, "order", "", "only those about this order")
	fl.StringVar(&f.reason, "reason", "", "why; kept in the archive")
	fl.StringVar(&f.by, "by", me(), "who decides")
	fl.DurationVar(&f.late, "late", time.Hour, "how long after its publication an event may have been archived; up to 168h")
	fl.Float64Var(&f.rate, "rate", 100, "at most so many a second")
	fl.BoolVar(&f.dryRun, "dry-run", false, "only say what would be replayed")
	_ = c.MarkFlagRequired("from")
	_ = c.MarkFlagRequired("reason")
	c.AddCommand(listReplays(&f.project))
	return c
}

// replay is a replay under way.
type replay struct {
	archive.Replay
	bucket *bucket.Bucket
	events *event.Publisher
	flags  replayFlags
}

func runReplay(ctx context.Context, out, progressOut io.Writer, f replayFlags) error {
	r := &replay{flags: f}
	if err := r.plan(time.Now()); err != nil {
		return err
	}
	if err := r.open(ctx); err != nil {
		return err
	}
	defer r.bucket.Close()
	s, err := r.read(ctx, progressOut)
	if err != nil {
		return err
	}
	events := s.Events()
	r.Selected = len(events)
	if f.dryRun || len(events) == 0 {
		printReplay(out, r.Types, s, nil)
		return nil
	}
	return r.publish(ctx, out, progressOut, s, events)
}

// plan checks what the flags say, before anything is opened.
func (r *replay) plan(now time.Time) (err error) {
	f := r.flags
	r.Replay = archive.Replay{
		ID: now.UTC().Format("20060102T150405Z-") + strings.ToLower(rand.Text()[:6]), By: f.by, Reason: f.reason, StartTime: now,
		Function: f.function, Order: f.order,
	}
	if strings.TrimSpace(f.reason) == "" {
		return errors.New("--reason: say why; it is kept in the archive")
	}
	if r.From, err = moment("--from", f.from, now); err != nil {
		return err
	}
	if r.To, err = moment("--to", f.to, now); err != nil {
		return err
	}
	switch {
	case !r.From.Before(r.To):
		return fmt.Errorf("there is no time between --from %s and --to %s", r.From.Format(time.RFC3339), r.To.Format(time.RFC3339))
	case f.rate <= 0:
		return errors.New("--rate wants a number above 0")
	case f.late < 0 || f.late > 7*24*time.Hour:
		return errors.New("--late is 0s to 168h: Pub/Sub gives an event up after seven days")
	}
	units, err := unit.Load(tree.Tree)
	if err == nil {
		r.Types, err = typesOf(units, f.function, f.types)
	}
	return err
}

// moment reads a time, or a duration ago.
func moment(flag, text string, now time.Time) (time.Time, error) {
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, fmt.Errorf("%s %q: write a time as 2026-11-23T09:00:00Z, or how long ago as 2h", flag, text)
	}
	return at, nil
}

// typesOf are the full names of the types that are asked for: without any, all that the function takes; without a function,
// all there are.
func typesOf(units []unit.Unit, function string, asked []string) ([]string, error) {
	var known []string
	for _, u := range units {
		for _, e := range u.Trigger.Events {
			if function == "" || u.Name == function {
				known = append(known, e.Topic())
			}
		}
		for _, p := range u.Publishes {
			if function == "" {
				known = append(known, unit.Event{Type: p}.Topic())
			}
		}
	}
	slices.Sort(known)
	known = slices.Compact(known)
	if len(known) == 0 {
		return nil, fmt.Errorf("--function %s: no function of that name takes events", function)
	}
	if len(asked) == 0 {
		return known, nil
	}
	var types []string
	for _, a := range asked {
		full := unit.Event{Type: a[strings.LastIndexByte(a, '.')+1:]}.Topic()
		if !slices.Contains(known, full) {
			return nil, fmt.Errorf("--type %s: %s knows %s", a, cmp.Or(function, "orderflow"), shortNames(known))
		}
		types = append(types, full)
	}
	slices.Sort(types)
	return slices.Compact(types), nil
}

func shortNames(types []string) string {
	var names []string
	for _, t := range types {
		names = append(names, shortName(t))
	}
	return strings.Join(names, ", ")
}

func shortName(eventType string) string { return eventType[strings.LastIndexByte(eventType, '.')+1:] }

func (r *replay) open(ctx context.Context) (err error) {
	project, err := projectOf(r.flags.project)
	if err != nil {
		return err
	}
	if r.bucket, err = bucket.Open(ctx, unit.BucketName(project, archive.Bucket)); err != nil {
		return err
	}
	r.events, err = event.NewPublisher(ctx, project)
	return err
}

// projectOf is the project that a command is about, whose clients this process uses: the running stack's if none is named.
func projectOf(project string) (string, error) {
	if project != "" {
		return project, nil
	}
	e, err := stack.Running()
	if err != nil {
		return "", fmt.Errorf("%w; or name a Google Cloud project: --project", err)
	}
	e.Use()
	return stack.Project, nil
}
