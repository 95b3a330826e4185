package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/time/rate"

	"orderflow.dev/internal/store"
)

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
			if strings.TrimSpace(d.Reason) == "" {
				return errors.New("--reason: say why; it is kept with the letter")
			}
			if d.rate <= 0 {
				return errors.New("--rate wants a number above 0")
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
