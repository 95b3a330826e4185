package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	orderv1 "orderflow.dev/gen/orderflow/order/v1"
)

// times are what one customer's orders took, and why some were not taken.
type times struct {
	took    []time.Duration
	refused []string
}

func (t times) quantile(q float64) time.Duration {
	if len(t.took) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(t.took))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

// between is how long the other customer waits after an order: an order each 50 ms if answers were instant.
const between = 50 * time.Millisecond

// order has the other customer order for some time, one order after the other.
func (w *world) order(ctx context.Context, during time.Duration) (t times) {
	for end := time.Now().Add(during); time.Now().Before(end) && ctx.Err() == nil; time.Sleep(between) {
		start := time.Now()
		_, err := w.other.Place(ctx, uuid.NewString(), orderOf(1))
		if err != nil && ctx.Err() == nil {
			t.refused = append(t.refused, err.Error())
		}
		t.took = append(t.took, time.Since(start))
	}
	return t
}

func orderOf(quantity int32) *orderv1.PlaceOrderRequest {
	return &orderv1.PlaceOrderRequest{
		Lines: []*orderv1.RequestedLine{{Sku: sku, Quantity: quantity}}, PaymentMethod: "pm_approve",
	}
}

// memory is what a process has and had most, in bytes; zero where the system does not tell.
type memory struct{ now, most int64 }

// forget has the system begin anew with the most that a process had.
func forget(pid int) { _ = os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0) }

func memoryOf(pid int) (m memory) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return m
	}
	for lines := bufio.NewScanner(bytes.NewReader(status)); lines.Scan(); {
		f := bytes.Fields(lines.Bytes())
		if len(f) < 2 {
			continue
		}
		kB, _ := strconv.ParseInt(string(f[1]), 10, 64)
		switch string(f[0]) {
		case "VmHWM:":
			m.most = kB << 10
		case "VmRSS:":
			m.now = kB << 10
		}
	}
	return m
}

func (w *world) pidOf(process string) int {
	if process == "gateway" {
		return w.pid
	}
	return w.stack.PIDOf(process)
}
