package psp

import (
	"fmt"
	"net/url"
	"strconv"
	"time"
)

// Window selects movements: those at or after Since and before Until whose seq
// is above After, at most Limit. What is zero selects all.
type Window struct {
	Since, Until time.Time
	After, Limit int
}

// MovementsIn returns the movements of a window in order.
func (l *Ledger) MovementsIn(w Window) []Movement {
	var found []Movement
	for _, m := range l.Movements() {
		late := !w.Until.IsZero() && !m.Time.Before(w.Until)
		if m.Seq <= w.After || m.Time.Before(w.Since) || late {
			continue
		}
		if found = append(found, m); len(found) == w.Limit {
			break
		}
	}
	return found
}

func readWindow(q url.Values) (w Window, err error) {
	for name, at := range map[string]*time.Time{"since": &w.Since, "until": &w.Until} {
		if v := q.Get(name); v != "" {
			if *at, err = time.Parse(time.RFC3339Nano, v); err != nil {
				return w, fmt.Errorf("%w: %s is no time", ErrInvalid, name)
			}
		}
	}
	for name, n := range map[string]*int{"after": &w.After, "limit": &w.Limit} {
		if v := q.Get(name); v != "" {
			if *n, err = strconv.Atoi(v); err != nil || *n < 0 {
				return w, fmt.Errorf("%w: %s is no number", ErrInvalid, name)
			}
		}
	}
	return w, nil
}
