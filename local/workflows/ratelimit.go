package workflows

import (
	"sync"
	"time"
)

// rateLimit is a token bucket that holds one second's worth.
type rateLimit struct {
	mu     sync.Mutex
	rate   float64 // per second, and capacity
	tokens float64
	last   time.Time
}

func newRateLimit(perSecond int, now time.Time) *rateLimit {
	return &rateLimit{rate: float64(perSecond), tokens: float64(perSecond), last: now}
}

func (r *rateLimit) allow(now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if d := now.Sub(r.last); d > 0 {
		r.tokens = min(r.rate, r.tokens+d.Seconds()*r.rate)
		r.last = now
	}
	if r.tokens < 1 {
		return false
	}
	r.tokens--
	return true
}
