package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"golang.org/x/time/rate"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/status"

	inventoryv1 "orderflow.dev/gen/orderflow/inventory/v1"
)

// How often a report is looked for.
const (
	firstLook = 50 * time.Millisecond
	lastLook  = 500 * time.Millisecond
)

// Attacks on a service, by a caller whom the platform lets through.
var inside = []attack{
	{"streams reset at once", "inventory", func(ctx context.Context, w *world, got *tally) error {
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() { got.add(w.reset(ctx), "") })
		}
		all.Wait()
		return nil
	}},
	{"calls of 4 MB", "inventory", func(ctx context.Context, w *world, got *tally) error {
		return w.calls(ctx, got, &inventoryv1.QuoteItemsRequest{Skus: []string{strings.Repeat("x", 4<<20)}})
	}},
	{"calls of 20 MB, packed", "inventory", func(ctx context.Context, w *world, got *tally) error {
		return w.calls(ctx, got, &inventoryv1.QuoteItemsRequest{Skus: []string{strings.Repeat("x", 20<<20)}}, grpc.UseCompressor(gzip.Name))
	}},
	{"calls for 100,000 products", "inventory", func(ctx context.Context, w *world, got *tally) error {
		return w.calls(ctx, got, &inventoryv1.QuoteItemsRequest{Skus: strings.Split(strings.Repeat("x,", 100_000), ",")})
	}},
}

// calls makes calls, ten at once and a hundred a second.
func (w *world) calls(ctx context.Context, got *tally, req *inventoryv1.QuoteItemsRequest, options ...grpc.CallOption) error {
	conn, err := grpc.NewClient(w.inventory(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	client := inventoryv1.NewInventoryServiceClient(conn)
	limit := rate.NewLimiter(100, 1)
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			for n := 0; n == 0 || limit.Wait(ctx) == nil; n++ {
				_, err := client.QuoteItems(context.WithoutCancel(ctx), req, options...)
				unclear := ""
				switch status.Code(err) {
				case codes.Unknown, codes.Internal, codes.Unavailable, codes.DeadlineExceeded:
					unclear = err.Error()
				}
				got.add(status.Code(err).String(), unclear)
			}
		})
	}
	all.Wait()
	return nil
}

func (w *world) inventory() string { return strings.TrimPrefix(w.stack.Inventory, "http://") }

// reset opens streams and resets each at once, until ctx ends or the service has enough of it, and says which.
func (w *world) reset(ctx context.Context) string {
	conn, err := net.Dial("tcp", w.inventory())
	if err != nil {
		return "cut off"
	}
	defer conn.Close()
	f := http2.NewFramer(conn, conn)
	_, err = io.WriteString(conn, http2.ClientPreface)
	if err == nil {
		err = f.WriteSettings()
	}
	go func() { _, _ = io.Copy(io.Discard, conn) }()
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for stream := uint32(1); err == nil && ctx.Err() == nil; stream += 2 {
		block.Reset()
		for _, h := range [][2]string{
			{":method", "POST"}, {":scheme", "http"}, {":authority", "x"}, {":path", "/orderflow.inventory.v1.InventoryService/QuoteItems"},
			{"content-type", "application/grpc"}, {"te", "trailers"},
		} {
			_ = encoder.WriteField(hpack.HeaderField{Name: h[0], Value: h[1]}) // to memory
		}
		if err = f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: block.Bytes(), EndHeaders: true}); err == nil {
			err = f.WriteRSTStream(stream, http2.ErrCodeCancel)
		}
	}
	if err != nil {
		return "connection ended by the service"
	}
	return "connection kept"
}
