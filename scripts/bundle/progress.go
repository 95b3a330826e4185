package main

import (
	"fmt"
	"os"
	"sync"
	"time"
)

// progress says on standard error how far a run is, once a second at most: a quick one says nothing.
type progress struct {
	did string
	all int

	mu   sync.Mutex
	done int
	said time.Time
}

func (p *progress) add() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done++
	if time.Since(p.said) >= time.Second {
		p.said = time.Now()
		fmt.Fprintf(os.Stderr, "%s %d of %d\n", p.did, p.done, p.all)
	}
}
