package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"

	"orderflow.dev/internal/platform/event"
	"orderflow.dev/internal/store"
)

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
