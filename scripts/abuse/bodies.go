package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/google/uuid"
)

// Attacks by the size of what is sent.
var sizes = []attack{
	{"headers of 61 kB", "gateway", func(ctx context.Context, w *world, got *tally) error {
		return w.flood(ctx, got, 50, func(int) *http.Request {
			r := w.place("{}")
			r.Header.Set("X-Long", strings.Repeat("a", 61<<10))
			return r
		})
	}},
	{"headers of 1 MB", "gateway", func(ctx context.Context, w *world, got *tally) error {
		return w.flood(ctx, got, 50, func(int) *http.Request {
			r := w.place("{}")
			r.Header.Set("X-Long", strings.Repeat("a", 1<<20))
			return r
		})
	}},
	{"3000 headers", "gateway", func(ctx context.Context, w *world, got *tally) error {
		return w.flood(ctx, got, 50, func(int) *http.Request {
			r := w.place("{}")
			for i := range 3000 {
				r.Header.Set(fmt.Sprintf("X-%d", i), "a value of a header")
			}
			return r
		})
	}},
	{"bodies of 1 MB", "place-order", func(ctx context.Context, w *world, got *tally) error {
		body := `{"note":"` + strings.Repeat("a", 1<<20)
		return w.flood(ctx, got, 50, func(int) *http.Request { return w.place(body) })
	}},
	{"bodies without an end", "gateway", func(ctx context.Context, w *world, got *tally) error {
		return w.flood(ctx, got, 20, func(int) *http.Request {
			r := w.place("")
			r.Body, r.ContentLength = io.NopCloser(endless{}), -1
			return r
		})
	}},
	{"paths and queries of 50 kB", "gateway", func(ctx context.Context, w *world, got *tally) error {
		return w.flood(ctx, got, 50, func(n int) *http.Request {
			return w.get([]string{"/v1/", "/v1/orders?page_token="}[n%2] + strings.Repeat("x", 50_000))
		})
	}},
	{"paths that are not there", "gateway", func(ctx context.Context, w *world, got *tally) error {
		return w.flood(ctx, got, 50, func(int) *http.Request { return w.get("/v1/" + uuid.NewString()) })
	}},
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// Attacks by what a body says. Each is within every limit of size.
var bodies = []attack{
	again("JSON of 100,000 levels", `{"lines":`+strings.Repeat("[", 100_000)),
	again("JSON of 100,000 levels of objects", strings.Repeat(`{"lines":`, 25_000)),
	again("a number of 200 kB", `{"lines":[{"sku":"a","quantity":`+strings.Repeat("9", 200_000)+`}]}`),
	again("a string of 200 kB", `{"note":"`+strings.Repeat(`\u0000`, 33_000)+`"}`),
	again("a field 20,000 times", `{`+strings.Repeat(`"note":"a",`, 20_000)+`"note":""}`),
	again("1000 lines, each wrong", `{"lines":[`+strings.Repeat(`{"sku":"","quantity":-1},`, 999)+`{}]}`),
	{"a gzip bomb", "place-order", func(ctx context.Context, w *world, got *tally) error {
		bomb := packed(100 << 20)
		return w.flood(ctx, got, 50, func(int) *http.Request {
			r := w.place(string(bomb))
			r.Header.Set("Content-Encoding", "gzip")
			return r
		})
	}},
}

// again is an attack by one body, again and again.
func again(name, body string) attack {
	return attack{name, "place-order", func(ctx context.Context, w *world, got *tally) error {
		return w.flood(ctx, got, 50, func(int) *http.Request { return w.place(body) })
	}}
}

func packed(size int64) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.CopyN(z, endless{}, size) // a buffer does not fail
	_ = z.Close()
	return b.Bytes()
}

// place is mallory's order with a body, under a fresh key.
func (w *world) place(body string) *http.Request {
	r := w.request(http.MethodPost, "/v1/orders", body, w.mallory)
	r.Header.Set("Idempotency-Key", uuid.NewString())
	return r
}

func (w *world) get(path string) *http.Request {
	return w.request(http.MethodGet, path, "", w.mallory)
}

func (w *world) request(method, path, body, token string) *http.Request {
	r, err := http.NewRequest(method, w.gateway+path, strings.NewReader(body))
	if err != nil {
		panic(err) // the paths are this program's own
	}
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return r
}
