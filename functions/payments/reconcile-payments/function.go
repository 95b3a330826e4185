// Package reconcilepayments compares, once a day, what the payment provider says that moved with what the payments say, and
// writes what does not agree into a report.
package reconcilepayments

import (
	"context"
	"encoding/csv"
	"log/slog"
	"strconv"
	"time"

	"orderflow.dev/internal/client"
	"orderflow.dev/internal/payment"
	"orderflow.dev/internal/platform/bucket"
	"orderflow.dev/internal/platform/function"
	"orderflow.dev/internal/platform/telemetry"
	"orderflow.dev/internal/store"
)

type config struct {
	Store      store.Config
	PaymentURL string        `env:"PAYMENT_URL, required"`
	Reports    string        `env:"REPORTS_BUCKET, required"`
	Window     time.Duration `env:"RECONCILE_WINDOW, default=50h"` // two days and some: a run that failed is made up for by the next
	Grace      time.Duration `env:"RECONCILE_GRACE, default=15m"`  // what is younger is on its way, not wrong
}

func init() { function.Schedule("reconcile-payments", wire) }

func wire(ctx context.Context, cfg config) (func(context.Context) (function.Summary, error), error) {
	payments, err := store.ReadPayments(ctx, cfg.Store)
	if err != nil {
		return nil, err
	}
	charges, err := client.NewCharges(ctx, cfg.PaymentURL)
	if err != nil {
		return nil, err
	}
	reports, err := bucket.Open(ctx, cfg.Reports)
	if err != nil {
		return nil, err
	}
	reconciling := payment.Reconciling{Payments: payments, Ledger: charges, Charges: charges}
	return Handler(reconciling, reports, time.Now, cfg.Window, cfg.Grace), nil
}

// Handler compares the window that ended a grace ago. Where money does not agree it logs an ERROR, which names the report.
func Handler(r payment.Reconciling, reports *bucket.Bucket, now func() time.Time, window, grace time.Duration) func(context.Context) (function.Summary, error) {
	return func(ctx context.Context) (function.Summary, error) {
		until := now().Add(-grace)
		name := "reconciliations/" + until.UTC().Format("2006-01-02T15-04-05Z") + ".csv"
		done, err := report(ctx, r, reports, name, until.Add(-window), until)
		summary := function.Summary{
			"movements": done.Movements, "payments": done.Payments, "money_differences": done.Differences,
		}
		if err == nil && done.Differences > 0 {
			telemetry.Log(ctx, slog.LevelError, "money does not agree with the payment provider",
				slog.Int("differences", done.Differences), slog.String("report", "gs://"+reports.Name()+"/"+name))
		}
		return summary, err
	}
}

// report writes differences as they are found: there is a report exactly if everything was compared.
func report(ctx context.Context, r payment.Reconciling, reports *bucket.Bucket, name string, since, until time.Time) (payment.Reconciled, error) {
	object := reports.Replace(ctx, name, "text/csv", nil)
	defer object.Abort()
	rows := csv.NewWriter(object)
	if err := rows.Write([]string{"order_id", "what", "by_the_provider", "currency", "by_the_payment", "currency"}); err != nil {
		return payment.Reconciled{}, err
	}
	done, err := r.Reconcile(ctx, since, until, func(d payment.Difference) error {
		return rows.Write([]string{
			d.OrderID, d.What, strconv.FormatInt(d.Ledger, 10), d.LedgerCurrency, strconv.FormatInt(d.Payment, 10), d.PaymentsCurrency,
		})
	})
	if err != nil {
		return done, err
	}
	if rows.Flush(); rows.Error() != nil {
		return done, rows.Error()
	}
	return done, object.Close()
}
