package function

import (
	"context"
	"sync"

	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
)

// fair has no customer hold more than most requests of an instance at a time: what is more is refused before it costs
// anything, so that the rest of the instance is the others' (docs/decisions/0018).
func fair(most int, handle APIHandler) APIHandler {
	s := &shares{most: most, held: map[string]int{}}
	return func(ctx context.Context, r *Request) (*Reply, error) {
		if !s.take(r.CustomerID) {
			return nil, fault.New(codes.ResourceExhausted, "too_many_requests",
				"you have %d requests under way here: wait for some to be answered, then try again (with the same Idempotency-Key, if it has one)", most)
		}
		defer s.give(r.CustomerID)
		return handle(ctx, r)
	}
}

// shares counts the requests of each customer that has any under way.
type shares struct {
	most int

	mu   sync.Mutex
	held map[string]int
}

func (s *shares) take(customer string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held[customer] >= s.most {
		return false
	}
	s.held[customer]++
	return true
}

func (s *shares) give(customer string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held[customer]--; s.held[customer] == 0 {
		delete(s.held, customer)
	}
}
