package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Attacks by those who take their time.
var slow = []attack{
	{"500 connections that never speak", "gateway", func(ctx context.Context, w *world, got *tally) error {
		return w.slowly(ctx, got, 500, "")
	}},
	{"200 headers, a byte at a time", "gateway", func(ctx context.Context, w *world, got *tally) error {
		return w.slowly(ctx, got, 200, "POST /v1/orders HTTP/1.1\r\nHost: x\r\nX-Slow: ")
	}},
	{"200 slow bodies of nobody", "place-order", func(ctx context.Context, w *world, got *tally) error {
		return w.slowly(ctx, got, 200, slowPost("a.b.c"))
	}},
	{"200 slow bodies of a customer", "place-order", func(ctx context.Context, w *world, got *tally) error {
		return w.slowly(ctx, got, 200, slowPost(w.mallory))
	}},
}

func slowPost(token string) string {
	return "POST /v1/orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nIdempotency-Key: slow\r\n" +
		"Authorization: Bearer " + token + "\r\nContent-Length: 1000\r\n\r\n{"
}

// patience is how long an answer is waited for after the attack: longer than any door's.
const patience = 20 * time.Second

// slowly opens n connections, says what there is to say, and then a byte every 100 ms until ctx ends or there is an answer.
func (w *world) slowly(ctx context.Context, got *tally, n int, begin string) error {
	var all sync.WaitGroup
	for range n {
		conn, err := net.Dial("tcp", strings.TrimPrefix(w.gateway, "http://"))
		if err != nil {
			return fmt.Errorf("connect to the gateway: %w", err)
		}
		done := make(chan struct{})
		all.Go(func() {
			defer close(done)
			defer conn.Close()
			_ = conn.SetReadDeadline(time.Now().Add(w.during + patience)) // of a connection that is open
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				got.add(failure(err), "")
				return
			}
			got.answered(resp)
		})
		all.Go(func() { drip(ctx, conn, begin, done) })
	}
	all.Wait()
	return nil
}

func drip(ctx context.Context, conn net.Conn, begin string, done <-chan struct{}) {
	_, err := conn.Write([]byte(begin))
	for tick := time.Tick(100 * time.Millisecond); err == nil; {
		select {
		case <-ctx.Done():
			return
		case <-done:
			return
		case <-tick:
		}
		if begin != "" {
			_, err = conn.Write([]byte("a"))
		}
	}
}
