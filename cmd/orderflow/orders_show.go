package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	operationsv1 "orderflow.dev/gen/orderflow/operations/v1"
	orderv1 "orderflow.dev/gen/orderflow/order/v1"
	"orderflow.dev/local/stack"
)

func statusName(s orderv1.OrderStatus) string { return strings.TrimPrefix(s.String(), "ORDER_STATUS_") }

func showOrderCommand(f *operatorFlags) *cobra.Command {
	return &cobra.Command{
		Use:     "show ID",
		Short:   "Show an order: where it stands, its money, its stock, and everything that happened",
		Example: "  orderflow orders show ID",
		Args:    oneOrder,
		RunE: func(cmd *cobra.Command, args []string) error {
			o, err := f.operator(cmd.Context())
			if err != nil {
				return err
			}
			story, err := o.Show(cmd.Context(), args[0])
			if err != nil {
				return f.explained(err, "show order "+args[0])
			}
			return printStory(cmd.OutOrStdout(), story)
		},
	}
}

func printStory(out io.Writer, s *operationsv1.OrderStory) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(t, "%s\t%s\n", name, fmt.Sprintf(format, args...)) }
	o := s.GetOrder()
	row("order", "%s", o.GetOrderId())
	row("status", "%s", strings.TrimSpace(statusName(o.GetStatus())+" "+o.GetCancellationReason()))
	row("customer", "%s", s.GetCustomerId())
	if s.GetOrigin() != "" {
		row("origin", "%s", s.GetOrigin())
	}
	row("placed", "%s", o.GetCreateTime().AsTime().Local().Format(time.DateTime))
	for _, l := range o.GetLines() {
		row("line", "%d × %s  %s", l.GetQuantity(), l.GetSku(), stack.Price(l.GetUnitPrice()))
	}
	row("total", "%s", stack.Price(o.GetTotal()))
	row("payment", "%s", paymentText(s))
	row("stock", "%s", strings.TrimPrefix(cmp.Or(s.GetReservation().GetState().String(), "-"), "RESERVATION_STATE_"))
	for _, r := range o.GetRefunds() {
		row("refund", "%s %s", stack.Price(r.GetAmount()), refundText(r))
	}
	if at := s.GetNextAttemptTime(); at != nil {
		row("looked at again", "%s, %d sagas so far", at.AsTime().Local().Format(time.DateTime), s.GetAttempts())
	}
	if err := t.Flush(); err != nil {
		return err
	}
	var timeline []stack.Happening
	for _, h := range s.GetTimeline() {
		timeline = append(timeline, stack.Happened(h))
	}
	if len(timeline) > 0 {
		printTimeline(out, timeline[0].Time, timeline)
	}
	return nil
}

func paymentText(s *operationsv1.OrderStory) string {
	p := s.GetPayment()
	if p == nil {
		return "-"
	}
	text := strings.TrimPrefix(p.GetState().String(), "PAYMENT_STATE_")
	if p.GetRefunded() != nil {
		text += ", " + stack.Price(p.GetRefunded()) + " of it given back"
	}
	return text
}

func refundText(r *orderv1.Refund) string {
	if r.GetRefundTime() == nil {
		return "on its way (" + r.GetRefundId() + ")"
	}
	return "given back (" + r.GetRefundId() + ")"
}
