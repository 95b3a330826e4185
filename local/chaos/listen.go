package chaos

import (
	"math/rand/v2"
	"sync/atomic"

	"orderflow.dev/local/iam"
)

// listener is a stream that stays open.
type listener struct {
	cut func()
	was atomic.Bool // cut
}

// listen passes a stream on until it ends, or is cut.
func (c *Chaos) listen(call iam.Call, pass func() error) error {
	l := &listener{cut: call.Cut}
	c.mu.Lock()
	c.open[l] = true
	c.mu.Unlock()
	err := pass()
	c.mu.Lock()
	delete(c.open, l)
	c.mu.Unlock()
	if l.was.Load() {
		return errAway
	}
	return err
}

// cutListeners cuts all that are open. Who listens has missed nothing once it listens again.
func (c *Chaos) cutListeners(*rand.Rand) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for l := range c.open {
		l.was.Store(true)
		l.cut()
	}
}
