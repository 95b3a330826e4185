package stdlib

import (
	"slices"

	"orderflow.dev/local/workflows/expr"
)

// defaultBackoff is retry.default_backoff, in seconds.
var defaultBackoff = map[string]any{
	"initial_delay": int64(1),
	"max_delay":     int64(60),
	"multiplier":    1.25,
}

// policy makes one of the built-in retry policies around a predicate.
func policy(predicate string) map[string]any {
	return map[string]any{
		"predicate":   expr.Func{Name: predicate},
		"max_retries": int64(5),
		"backoff":     defaultBackoff,
	}
}

func init() {
	register("retry.always", Params("exception"), func([]any) (any, error) { return true, nil })
	register("retry.never", Params("exception"), func([]any) (any, error) { return false, nil })
	predicate("http.default_retry_predicate", []int64{429, 502, 503, 504},
		expr.TagConnection, expr.TagConnectionFailed, expr.TagTimeout)
	predicate("http.default_retry_predicate_non_idempotent", []int64{429, 503},
		expr.TagConnectionFailed)
}

// predicate registers a retry predicate over HTTP codes and error tags.
func predicate(name string, codes []int64, tags ...string) {
	register(name, Params("exception"), func(a []any) (any, error) {
		m, _ := a[0].(map[string]any)
		code, _ := m["code"].(int64)
		return slices.Contains(codes, code) ||
			slices.ContainsFunc(tags, func(t string) bool { return expr.HasTag(m, t) }), nil
	})
}
