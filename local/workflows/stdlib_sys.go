package workflows

import (
	"slices"
	"time"

	"orderflow.dev/local/workflows/expr"
	"orderflow.dev/local/workflows/stdlib"
)

// registerSys adds the functions that touch the execution: environment, clock
// and log.
func registerSys() {
	add := func(name string, params []stdlib.Param, blocking bool, invoke func(f *frame, args []any) (any, error)) {
		functions[name] = &callee{name, params, blocking, invoke}
	}
	add("sys.get_env", stdlib.With(stdlib.Params("name"), "default", nil), false, getEnv)
	add("sys.now", nil, false, func(f *frame, _ []any) (any, error) { return stdlib.Seconds(f.ex.clock.Now()), nil })
	add("sys.sleep", stdlib.Params("seconds"), true, sleep)
	add("sys.sleep_until", stdlib.Params("time"), true, sleepUntil)
	params := []stdlib.Param{}
	for _, name := range []string{"data", "severity", "text", "json", "timeout"} {
		params = stdlib.With(params, name, nil)
	}
	add("sys.log", params, true, log)
}

// getEnv reads a variable; null if it is not set and has no default.
func getEnv(f *frame, args []any) (any, error) {
	name, ok := args[0].(string)
	if !ok {
		return nil, expr.Errorf(expr.TagType, "argument name of sys.get_env must be a string, got %s", expr.TypeName(args[0]))
	}
	if _, ok := args[1].(string); !ok && args[1] != nil {
		return nil, expr.Errorf(expr.TagType, "argument default of sys.get_env must be a string, got %s", expr.TypeName(args[1]))
	}
	if v, ok := f.ex.env(name); ok {
		return v, nil
	}
	return args[1], nil
}

func sleep(f *frame, args []any) (any, error) {
	n, ok := number(args[0])
	if !ok {
		return nil, expr.Errorf(expr.TagType, "argument seconds of sys.sleep must be a number, got %s", expr.TypeName(args[0]))
	}
	if limit := f.ex.engine.options.Limits.SleepSeconds; !(n >= 0 && n <= float64(limit)) {
		return nil, expr.Errorf(expr.TagValue, "argument seconds of sys.sleep must be from 0 to %d, got %s", limit, expr.FormatDouble(n))
	}
	return nil, f.thread.sleep(f.ctx, seconds(n))
}

// sleepUntil waits for an RFC 3339 time; one in the past does not wait.
func sleepUntil(f *frame, args []any) (any, error) {
	text, ok := args[0].(string)
	if !ok {
		return nil, expr.Errorf(expr.TagType, "argument time of sys.sleep_until must be a string, got %s", expr.TypeName(args[0]))
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return nil, expr.Errorf(expr.TagValue, "sys.sleep_until: %v", err)
	}
	d := max(0, t.Sub(f.ex.clock.Now()))
	if limit := f.ex.engine.options.Limits.SleepSeconds; d > seconds(float64(limit)) {
		return nil, expr.Errorf(expr.TagValue, "sys.sleep_until: %s is more than %d seconds from now", text, limit)
	}
	return nil, f.ex.clock.Sleep(f.ctx, d)
}

// severities of Cloud Logging.
var severities = []string{"DEFAULT", "DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL", "ALERT", "EMERGENCY"}

// log takes exactly one of data, text and json; anything else is a TypeError
// (reference: sys.log). The local log is written at once, so the timeout is
// checked but never over.
func log(f *frame, args []any) (any, error) {
	severity, err := logSeverity(args[1])
	if err != nil {
		return nil, err
	}
	if _, ok := number(args[4]); !ok && args[4] != nil {
		return nil, expr.Errorf(expr.TagType, "argument timeout of sys.log must be a number, got %s", expr.TypeName(args[4]))
	}
	payload := slices.DeleteFunc([]any{args[0], args[2], args[3]}, func(v any) bool { return v == nil })
	if len(payload) != 1 {
		return nil, expr.Errorf(expr.TagType, "sys.log takes exactly one of data, text and json, got %d", len(payload))
	}
	if _, ok := args[3].(map[string]any); !ok && args[3] != nil {
		return nil, expr.Errorf(expr.TagType, "argument json of sys.log must be a map, got %s", expr.TypeName(args[3]))
	}
	switch v := payload[0].(type) {
	case string:
		f.ex.log(severity, v)
	case expr.Bytes, expr.Func:
		return nil, expr.Errorf(expr.TagType, "sys.log cannot write a value of type %s", expr.TypeName(v))
	default:
		f.ex.log(severity, expr.Describe(v))
	}
	return nil, nil
}

func logSeverity(v any) (string, error) {
	if v == nil {
		return "DEFAULT", nil
	}
	name, ok := v.(string)
	if !ok {
		return "", expr.Errorf(expr.TagType, "argument severity of sys.log must be a string, got %s", expr.TypeName(v))
	}
	if !slices.Contains(severities, name) {
		return "", expr.Errorf(expr.TagValue, "severity of sys.log must be one of %v, got %q", severities, name)
	}
	return name, nil
}
