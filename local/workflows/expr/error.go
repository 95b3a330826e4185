package expr

import (
	"fmt"
	"slices"
)

// Tags of the errors the system raises. A workflow tests them with
// "TypeError" in e.tags.
const (
	TagAuth             = "AuthError"
	TagConnection       = "ConnectionError"
	TagConnectionFailed = "ConnectionFailedError"
	TagHTTP             = "HttpError"
	TagParallelNesting  = "ParallelNestingError"
	TagUnhandledBranch  = "UnhandledBranchError"
	TagIndex            = "IndexError"
	TagKey              = "KeyError"
	TagRecursion        = "RecursionError"
	TagResourceLimit    = "ResourceLimitError"
	TagResponseType     = "ResponseTypeError"
	TagSystem           = "SystemError"
	TagTimeout          = "TimeoutError"
	TagType             = "TypeError"
	TagValue            = "ValueError"
	TagZeroDivision     = "ZeroDivisionError"
)

// Error is a raised value on its way up. The value is exactly what an except
// block binds: a map with message and tags for system errors, any string or map
// for custom ones.
type Error struct {
	Value  any
	Custom bool // raised by a raise step, not by the system
	Fatal  bool // no except block may catch it (internal resource limits)
}

// Errorf makes a system error whose message starts with its tag, as the
// service's own messages do: "KeyError: key not found: x".
func Errorf(tag, format string, args ...any) *Error {
	return NewError(tag, tag+": "+fmt.Sprintf(format, args...))
}

// NewError makes a system error with an exact message.
func NewError(tag, message string) *Error {
	return &Error{Value: map[string]any{
		"message": message,
		"tags":    []any{tag},
	}}
}

// Error gives the first line of an execution's error context: the message of a
// system error, or "RuntimeError: <json>" for a value raised by the workflow.
func (e *Error) Error() string {
	if m, ok := e.Value.(map[string]any); ok && !e.Custom {
		if s, ok := m["message"].(string); ok {
			return s
		}
	}
	return "RuntimeError: " + Describe(e.Value)
}

// HasTag reports whether a raised value is a map whose tags contain tag.
func HasTag(v any, tag string) bool {
	m, _ := v.(map[string]any)
	tags, _ := m["tags"].([]any)
	return slices.ContainsFunc(tags, func(t any) bool { return t == any(tag) })
}
