package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os/user"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/time/rate"
	"google.golang.org/protobuf/encoding/protojson"

	"orderflow.dev/internal/platform/event"
	"orderflow.dev/internal/store"
)

// letters are dead letters, and where they are.
type letters struct {
	kept   *store.DeadLetters
	events *event.Publisher
}

// letterFilter selects dead letters.
type letterFilter struct {
	function, eventType, order string
	since, until               time.Duration // ago
	all                        bool          // those that were decided about, too
}

func deadLettersCommand() *cobra.Command {
	var project string
	c := &cobra.Command{
		Use:   "dead-letters",
		Short: "See what no function could handle, and replay or discard it",
		Long: `An event that a function can never handle, or has failed ten times, is parked as a dead letter: its effect is missing.
Repair the cause, then replay it: it is published once more as it was, and whatever had its effect before has none again.
What nothing can take is discarded. Who decided what, when and why, is kept with the letter.

They are those of the running stack, or of a Google Cloud project (--project), as whom gcloud's application default
credentials say. That takes roles/datastore.user and, to replay and to end the alert, roles/pubsub.publisher and
roles/pubsub.subscriber.`,
		Example: `  orderflow dead-letters list
  orderflow dead-letters show ID
  orderflow dead-letters replay ID --reason "confirm-order is repaired"
  orderflow dead-letters replay --function notify-customer --since 2h --reason "mail is back" --dry-run
  orderflow dead-letters discard ID --reason "a test message" --project my-project`,
	}
	c.PersistentFlags().StringVar(&project, "project", "", "a Google Cloud project (default: the running stack)")
	c.AddCommand(listLetters(&project), showLetter(&project),
		decideLetters(&project, "replay", "Publish events again that were given up on", store.Replayed),
		decideLetters(&project, "discard", "Decide that dead letters need no replay", store.Discarded))
	return c
}

func (f *letterFilter) flags(c *cobra.Command) {
	fl := c.Flags()
	fl.StringVar(&f.function, "function", "", "only those that this function gave up on")
	fl.StringVar(&f.eventType, "type", "", "only events of this type, e.g. OrderConfirmed")
	fl.StringVar(&f.order, "order", "", "only those about this order")
	fl.DurationVar(&f.since, "since", 0, "only those parked in this time, e.g. 2h")
	fl.DurationVar(&f.until, "until", 0, "only those parked longer ago than this")
}

// selects says whether a letter is one of those. A subscription of a function bears its name.
func (f letterFilter) selects(l store.DeadLetter, now time.Time) bool {
	of := func(name, part string) bool { return part == "" || name == part || strings.HasPrefix(name, part+".") }
	typed := f.eventType == "" || l.EventType == f.eventType || strings.HasSuffix(l.EventType, "."+f.eventType)
	return typed && of(l.Function, f.function) && (f.order == "" || l.OrderID == f.order) && (f.all || l.Open()) &&
		(f.since == 0 || now.Sub(l.ParkTime) <= f.since) && now.Sub(l.ParkTime) >= f.until
}

func openLetters(ctx context.Context, project string) (*letters, error) {
	project, err := projectOf(project)
	if err != nil {
		return nil, err
	}
	db, err := store.Open(ctx, project, "platform")
	if err != nil {
		return nil, err
	}
	events, err := event.NewPublisher(ctx, project)
	return &letters{store.NewDeadLetters(db, time.Now), events}, err
}

// find is all that a filter selects, oldest first.
func (s *letters) find(ctx context.Context, f letterFilter) (found []store.DeadLetter, err error) {
	now := time.Now()
	err = s.kept.Each(ctx, func(l store.DeadLetter) {
		if f.selects(l, now) {
			found = append(found, l)
		}
	})
	slices.SortStableFunc(found, func(a, b store.DeadLetter) int { return a.ParkTime.Compare(b.ParkTime) })
	return found, err
}

func listLetters(project *string) *cobra.Command {
	var f letterFilter
	c := &cobra.Command{
		Use:     "list",
		Short:   "List dead letters that nobody has decided about, oldest first",
		Example: "  orderflow dead-letters list\n  orderflow dead-letters list --function notify-customer --since 2h --all",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := openLetters(cmd.Context(), *project)
			if err != nil {
				return err
			}
			found, err := s.find(cmd.Context(), f)
			if err != nil {
				return err
			}
			printLetters(cmd.OutOrStdout(), found)
			return nil
		},
	}
	f.flags(c)
	c.Flags().BoolVar(&f.all, "all", false, "those that were replayed or discarded, too")
	return c
}

func printLetters(out io.Writer, found []store.DeadLetter) {
	if len(found) == 0 {
		fmt.Fprintln(out, "no dead letters")
		return
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "id\tparked\tfunction\tevent\torder\tstate\treason")
	for _, l := range found {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", l.ID, l.ParkTime.Local().Format(time.DateTime), l.Function,
			cmp.Or(l.EventType[strings.LastIndexByte(l.EventType, '.')+1:], "-"), cmp.Or(l.OrderID, "-"), stateOf(l), oneLine(l.Reason))
	}
	t.Flush()
}

func stateOf(l store.DeadLetter) string {
	if l.Open() {
		return "open"
	}
	return l.Decisions[len(l.Decisions)-1].Action
}

func oneLine(s string) string {
	const most = 100
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

func showLetter(project *string) *cobra.Command {
	return &cobra.Command{
		Use:     "show ID",
		Short:   "Show a dead letter: the event, why it was given up on, what was decided",
		Example: "  orderflow dead-letters show ID",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := openLetters(cmd.Context(), *project)
			if err != nil {
				return err
			}
			l, err := s.kept.Get(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			printLetter(cmd.OutOrStdout(), l)
			return nil
		},
	}
}

func printLetter(out io.Writer, l store.DeadLetter) {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, row := range [][2]string{
		{"id", l.ID}, {"parked", l.ParkTime.Local().Format(time.DateTime)}, {"function", l.Function}, {"reason", l.Reason},
		{"event", l.EventID}, {"type", l.EventType}, {"order", l.OrderID},
	} {
		fmt.Fprintf(t, "%s\t%s\n", row[0], cmp.Or(row[1], "-"))
	}
	for _, d := range l.Decisions {
		fmt.Fprintf(t, "%s\t%s by %s: %s\n", d.Action, d.Time.Local().Format(time.DateTime), d.By, d.Reason)
	}
	t.Flush()
	e, err := event.Decode(l.Message)
	if err != nil {
		fmt.Fprintf(out, "\nno event: %v\n%q\n", err, l.Message.Data)
		return
	}
	fmt.Fprintf(out, "\n%s\n", protojson.MarshalOptions{Multiline: true}.Format(e.Data))
}

// decision is what a command decides about the letters it is given.
type decision struct {
	store.Decision
	filter letterFilter
	rate   float64 // a second
	dryRun bool
}

func decideLetters(project *string, use, short, action string) *cobra.Command {
	d := decision{Decision: store.Decision{Action: action}}
	c := &cobra.Command{
		Use:   use + " [ID…]",
		Short: short,
		Long:  short + ": those of the ids, or all that the flags select and nobody has decided about.",
		Example: fmt.Sprintf("  orderflow dead-letters %[1]s ID --reason \"ticket 4711\"\n"+
			"  orderflow dead-letters %[1]s --function notify-customer --since 2h --reason \"ticket 4711\" --dry-run", use),
		RunE: func(cmd *cobra.Command, ids []string) error {
			if d.filter == (letterFilter{}) == (len(ids) == 0) {
				return errors.New("say which: either ids, or flags such as --function and --since")
			}
			s, err := openLetters(cmd.Context(), *project)
			if err != nil {
				return err
			}
			return s.decide(cmd.Context(), cmd.OutOrStdout(), ids, d)
		},
	}
	d.filter.flags(c)
	fl := c.Flags()
	fl.StringVar(&d.Reason, "reason", "", "why; kept with the letter")
	fl.StringVar(&d.By, "by", me(), "who decides")
	fl.Float64Var(&d.rate, "rate", 10, "at most so many a second")
	fl.BoolVar(&d.dryRun, "dry-run", false, "only say which")
	_ = c.MarkFlagRequired("reason")
	return c
}

func me() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}

func (s *letters) decide(ctx context.Context, out io.Writer, ids []string, d decision) error {
	chosen, err := s.chosen(ctx, ids, d.filter)
	if err != nil {
		return err
	}
	if d.dryRun || len(chosen) == 0 {
		printLetters(out, chosen)
		return nil
	}
	pace := rate.NewLimiter(rate.Limit(d.rate), 1)
	failed := 0
	for _, l := range chosen {
		if err := pace.Wait(ctx); err != nil {
			return err
		}
		if err := s.decideOne(ctx, l, d.Decision); err != nil {
			failed++
			fmt.Fprintf(out, "✗  %s  %v\n", l.ID, err)
			continue
		}
		fmt.Fprintf(out, "✓  %s  %s %s\n", l.ID, d.Action, cmp.Or(l.EventID, "what is no event"))
	}
	if err := s.endAlert(ctx); err != nil {
		return fmt.Errorf("the decisions are kept, but the alert stays until the next one: %w", err)
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d could not be %s", failed, len(chosen), d.Action)
	}
	return nil
}

// endAlert acknowledges every message that a letter with a decision was made of, also where an earlier command broke off.
func (s *letters) endAlert(ctx context.Context) error {
	decided := map[string]bool{}
	err := s.kept.Each(ctx, func(l store.DeadLetter) { decided[l.ID] = !l.Open() })
	if err != nil {
		return err
	}
	_, err = s.events.Acknowledge(ctx, func(messageID string) bool { return decided[store.DeadLetterID(messageID)] })
	return err
}

// chosen are the letters of some ids, whatever was decided about them, or all that a filter selects.
func (s *letters) chosen(ctx context.Context, ids []string, f letterFilter) (chosen []store.DeadLetter, err error) {
	if len(ids) == 0 {
		return s.find(ctx, f)
	}
	for _, id := range ids {
		l, err := s.kept.Get(ctx, id)
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, l)
	}
	return chosen, nil
}

// decideOne acts before it keeps the decision: if it dies between, the letter is open, and to replay it again does no harm.
func (s *letters) decideOne(ctx context.Context, l store.DeadLetter, d store.Decision) error {
	if d.Action == store.Replayed {
		if err := s.events.Replay(ctx, l.Message); err != nil {
			return err
		}
	}
	d.Time = time.Now()
	return s.kept.Decide(ctx, l, d)
}
