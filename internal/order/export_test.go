package order

// What tests look at from outside.
var (
	Next       = next
	MaxBackoff = maxBackoff
	MaxTotal   = int64(maxTotal)
)

// Normalise adds up lines and refuses what is not valid.
func (r *Request) Normalise() error { return r.normalise() }

// Fingerprint tells requests apart.
func (r *Request) Fingerprint() []byte { return r.fingerprint() }
