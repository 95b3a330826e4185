package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"orderflow.dev/internal/archive"
	"orderflow.dev/internal/platform/bucket"
	"orderflow.dev/internal/unit"
)

// read finds the events of the window.
func (r *replay) read(ctx context.Context, progressOut io.Writer) (*archive.Selection, error) {
	s := &archive.Selection{Window: archive.Window{From: r.From, To: r.To, Late: r.flags.late}, Order: r.Order}
	files, err := archive.FilesOf(ctx, r.bucket, r.Types, s.Window)
	if err != nil {
		return nil, err
	}
	total := 0
	for _, f := range files {
		total += int(f.Size)
	}
	bar := newByteProgress(progressOut, total)
	defer bar.Done()
	var read atomic.Int64
	add := func(_ context.Context, f archive.File, rec archive.Record) error {
		s.Add(f.Topic, rec)
		return nil
	}
	return s, archive.ReadAll(ctx, r.bucket, files, add, func(f archive.File) { bar.Say(int(read.Add(f.Size)), "of the archive read") })
}

// publish publishes the events again. Its record is kept before the first, so that no replay is without one, and at the end.
func (r *replay) publish(ctx context.Context, out, progressOut io.Writer, s *archive.Selection, events []archive.Event) error {
	if err := archive.SaveReplay(ctx, r.bucket, r.Replay); err != nil {
		return err
	}
	replayed := map[string]int{}
	bar := newProgress(progressOut, "events published again", len(events))
	again := archive.Republishing{
		Publish: r.events.Replay, Replay: r.ID, Function: r.Function, Rate: r.flags.rate,
		Done: func(e archive.Event) {
			replayed[e.Type()]++
			r.Replayed++
			bar.Set(r.Replayed)
		},
	}
	from, err := again.Run(ctx, events)
	bar.Done()
	err = r.end(ctx, err, from)
	printReplay(out, r.Types, s, replayed)
	fmt.Fprintf(out, "\nreplay %s: %d of %d events published again\n", r.ID, r.Replayed, r.Selected)
	return err
}

// end keeps how it ended, also after Ctrl-C.
func (r *replay) end(ctx context.Context, err error, from time.Time) error {
	if err != nil {
		err = left(fmt.Sprintf("%d of %d events were published again; go on with --from %s (%v)",
			r.Replayed, r.Selected, from.Format(time.RFC3339Nano), err))
		r.Error = err.Error()
	}
	r.EndTime = time.Now()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if kept := archive.SaveReplay(ctx, r.bucket, r.Replay); kept != nil {
		return errors.Join(err, kept)
	}
	return err
}

// printReplay prints a row a type; replayed is nil if nothing was to be.
func printReplay(out io.Writer, types []string, s *archive.Selection, replayed map[string]int) {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	defer t.Flush()
	fmt.Fprintln(t, "type\tfound\tselected\treplayed\tleft out")
	for _, name := range types {
		n := s.Counts(name)
		if n.Found == 0 {
			continue
		}
		done := "-"
		if replayed != nil {
			done = fmt.Sprint(replayed[name])
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%s\t%s\n", shortName(name), n.Found, n.Selected(), done, leftOut(n))
	}
}

func leftOut(n archive.Counts) string {
	var why []string
	for _, w := range []struct {
		n    int
		text string
	}{{n.Again, "the same event again"}, {n.Replays, "of an earlier replay"}, {n.Others, "about other orders"}, {n.Broken, "no event of this topic"}} {
		if w.n > 0 {
			why = append(why, fmt.Sprintf("%d %s", w.n, w.text))
		}
	}
	if len(why) == 0 {
		return "-"
	}
	return strings.Join(why, ", ")
}

func listReplays(project *string) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List who replayed what, when and why, oldest first",
		Example: "  orderflow replay list\n  orderflow replay list --project my-project",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			name, err := projectOf(*project)
			if err != nil {
				return err
			}
			b, err := bucket.Open(cmd.Context(), unit.BucketName(name, archive.Bucket))
			if err != nil {
				return err
			}
			defer b.Close()
			replays, err := archive.Replays(cmd.Context(), b)
			if err != nil {
				return err
			}
			printReplays(cmd.OutOrStdout(), replays)
			return nil
		},
	}
}

func printReplays(out io.Writer, replays []archive.Replay) {
	if len(replays) == 0 {
		fmt.Fprintln(out, "nothing was replayed")
		return
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	defer t.Flush()
	fmt.Fprintln(t, "id\tby\tfrom\tto\twhat\treplayed\treason")
	for _, r := range replays {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.ID, r.By, r.From.Local().Format(time.DateTime), r.To.Local().Format(time.DateTime),
			whatOf(r), howFar(r), oneLine(r.Reason))
	}
}

func whatOf(r archive.Replay) string {
	const most = 3
	what := shortNames(r.Types)
	if len(r.Types) > most {
		what = fmt.Sprintf("%d types", len(r.Types))
	}
	if r.Function != "" {
		what += " for " + r.Function
	}
	if r.Order != "" {
		what += " about " + r.Order
	}
	return what
}

func howFar(r archive.Replay) string {
	switch {
	case r.EndTime.IsZero():
		return fmt.Sprintf("? of %d", r.Selected) // under way, or killed
	case r.Replayed < r.Selected:
		return fmt.Sprintf("%d of %d", r.Replayed, r.Selected)
	}
	return fmt.Sprint(r.Replayed)
}
