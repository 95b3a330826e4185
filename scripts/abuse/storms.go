package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/backoff"
	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/importing"
	"orderflow.dev/internal/platform/bucket"
	"orderflow.dev/internal/unit"
	"orderflow.dev/local/stack"
)

// Attacks by a customer whose requests are as they should be, and too many.
var storms = []attack{
	{"a customer's orders, 1000 at once", "place-order", func(ctx context.Context, w *world, got *tally) error {
		return w.flood(ctx, got, 1000, func(int) *http.Request { return w.place(goodOrder) })
	}},
	{"one key on 100 connections", "place-order", func(ctx context.Context, w *world, got *tally) error {
		key := uuid.NewString()
		return w.flood(ctx, got, 100, func(int) *http.Request {
			r := w.place(goodOrder)
			r.Header.Set("Idempotency-Key", key)
			return r
		})
	}},
	{"page tokens made up", "list-orders", func(ctx context.Context, w *world, got *tally) error {
		return w.flood(ctx, got, 50, func(n int) *http.Request {
			return w.get("/v1/orders?page_size=100&page_token=" + []string{"abc", uuid.NewString(), "W10", strings.Repeat("A", 4000)}[n%4])
		})
	}},
	{"lists of 100 orders", "list-orders", func(ctx context.Context, w *world, got *tally) error {
		return w.flood(ctx, got, 1000, func(int) *http.Request { return w.get("/v1/orders?page_size=100") })
	}},
	{"orders of others, guessed", "get-order", func(ctx context.Context, w *world, got *tally) error {
		return w.flood(ctx, got, 50, func(int) *http.Request { return w.get("/v1/orders/" + uuid.NewString()) })
	}},
	{"200,000 rows of nonsense", "import-chunk", func(ctx context.Context, w *world, got *tally) error {
		return w.upload(ctx, got, "rows.csv", []byte("order_ref,customer_id,sku,quantity\n"+strings.Repeat("x,,\"nonsense\",-1e9999,,,\n", 200_000)))
	}},
	{"a row of 30 MB", "plan-import", func(ctx context.Context, w *world, got *tally) error {
		return w.upload(ctx, got, "row.csv", []byte("order_ref,customer_id,sku,quantity\n"+strings.Repeat("x", 30<<20)))
	}},
	{"a gzip bomb as a file", "plan-import", func(ctx context.Context, w *world, got *tally) error {
		return w.upload(ctx, got, "bomb.csv.gz", packed(200<<20))
	}},
}

// upload uploads a file and waits for its report, also when the attack's time is over.
func (w *world) upload(ctx context.Context, got *tally, name string, content []byte) error {
	ctx = context.WithoutCancel(ctx)
	ctx, cancel := context.WithTimeout(ctx, 3*patience)
	defer cancel()
	uploads, err := bucket.Open(ctx, unit.BucketName(stack.Project, "uploads"))
	if err != nil {
		return err
	}
	defer uploads.Close()
	reports, err := bucket.Open(ctx, unit.BucketName(stack.Project, "reports"))
	if err != nil {
		return err
	}
	defer reports.Close()
	to := uploads.Create(ctx, "orders/mallory/"+uuid.NewString()+"-"+name, "text/csv", nil)
	if _, err := to.Write(content); err != nil {
		return fmt.Errorf("upload: %w", err)
	}
	if err := to.Close(); err != nil {
		return fmt.Errorf("upload: %w", err)
	}
	o := to.Object()
	summary := importing.SummaryName(importing.ID(o.Bucket, o.Name, o.Generation))
	for n := 0; ; n++ {
		_, err := reports.Stat(ctx, summary, 0)
		if err == nil {
			got.add("report", "")
			return nil
		}
		if fault.Code(err) != codes.NotFound || backoff.Wait(ctx, n, firstLook, lastLook) != nil {
			got.add("no report", fmt.Sprintf("the file %s has no report: %v", name, err))
			return nil
		}
	}
}
