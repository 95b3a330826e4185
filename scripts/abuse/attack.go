package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"orderflow.dev/internal/platform/problem"
)

// attack is a way to misuse a door.
type attack struct {
	name    string
	process string // whose memory it is after
	run     func(ctx context.Context, w *world, got *tally) error
}

// attacks are all of them.
var attacks = slicesOf(slow, sizes, bodies, identities, storms, inside)

func slicesOf(groups ...[]attack) (all []attack) {
	for _, g := range groups {
		all = append(all, g...)
	}
	return all
}

// tally is what an attack got.
type tally struct {
	mu      sync.Mutex
	answers map[string]int
	unclear map[string]string // by answer: an example of what does not say what is wrong
}

func (t *tally) add(answer, unclear string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.answers[answer]++
	if unclear != "" {
		t.unclear[answer] = unclear
	}
}

// row is what came of an attack.
type row struct {
	attack
	answers map[string]int
	unclear map[string]string
	before  memory
	after   memory
	bound   int64
	other   times
}

// attack attacks while the other customer goes on ordering.
func (w *world) attack(ctx context.Context, a attack) (row, error) {
	pid := w.pidOf(a.process)
	forget(pid)
	r := row{attack: a, before: memoryOf(pid), bound: w.bounds[a.process]}
	got := &tally{answers: map[string]int{}, unclear: map[string]string{}}
	attacking, end := context.WithTimeout(ctx, w.during)
	defer end()
	ended := make(chan error, 1)
	go func() { ended <- a.run(attacking, w, got) }()
	r.other = w.order(ctx, w.during)
	err := <-ended
	if attacking.Err() != nil && ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		err = nil
	}
	r.answers, r.unclear, r.after = maps.Clone(got.answers), maps.Clone(got.unclear), memoryOf(pid)
	if w.pidOf(a.process) != pid {
		r.unclear["died"] = a.process + " died"
	}
	return r, err
}

// answered takes an answer to the tally: it is clear if it is a success, or a problem that says what is wrong.
func (t *tally) answered(resp *http.Response) {
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	var p problem.Problem
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	answer := fmt.Sprint(resp.StatusCode)
	switch {
	case resp.StatusCode < 400:
		t.add(answer, "")
	case resp.StatusCode == http.StatusRequestHeaderFieldsTooLarge && kind == "text/plain":
		t.add(answer+" by the server itself", "") // before there is a request
	case kind != "application/problem+json" || json.Unmarshal(body, &p) != nil:
		t.add(answer+" "+kind, fmt.Sprintf("no problem: %.200s", body))
	case p.Status != resp.StatusCode || p.Detail == "" || resp.StatusCode >= 500:
		t.add(answer+" "+p.Reason, fmt.Sprintf("%.200s", body))
	default:
		t.add(trim(answer+" "+p.Reason), "")
	}
}

func trim(s string) string {
	if s[len(s)-1] == ' ' {
		return s[:len(s)-1]
	}
	return s
}

// flood sends requests at the rate of the options, so many at once at most, until ctx ends, and waits for the answers. One is
// sent in any case: what it takes to make the requests may have taken the time.
func (w *world) flood(ctx context.Context, got *tally, atOnce int, request func(n int) *http.Request) error {
	limit := rate.NewLimiter(rate.Limit(w.rate), atOnce)
	transport := &http.Transport{MaxIdleConnsPerHost: atOnce}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: 30 * time.Second}
	var all sync.WaitGroup
	places := make(chan struct{}, atOnce)
	for n := 0; n == 0 || limit.Wait(ctx) == nil; n++ {
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			resp, err := client.Do(request(n))
			if err != nil {
				got.add(failure(err), "")
				return
			}
			got.answered(resp)
		})
	}
	all.Wait()
	return nil
}

// failure names how a connection ended without an answer.
func failure(err error) string {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "closed"
	}
	var timeout interface{ Timeout() bool }
	if errors.As(err, &timeout) && timeout.Timeout() {
		return "no answer"
	}
	return "cut off"
}
