package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

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
	if err := checkAgo(f.since, f.until); err != nil {
		return nil, err
	}
	now := time.Now()
	err = s.kept.Each(ctx, func(l store.DeadLetter) {
		if f.selects(l, now) {
			found = append(found, l)
		}
	})
	slices.SortStableFunc(found, func(a, b store.DeadLetter) int { return a.ParkTime.Compare(b.ParkTime) })
	return found, err
}
