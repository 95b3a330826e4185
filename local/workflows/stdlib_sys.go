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
	if !(n >= 0) {
		return nil, expr.Errorf(expr.TagValue, "argument seconds of sys.sleep must not be negative, got %s", expr.FormatDouble(n))
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
	return nil, f.ex.clock.Sleep(f.ctx, max(0, t.Sub(f.ex.clock.Now())))
}

// severities of Cloud Logging.
var severities = []string{"DEFAULT", "DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL", "ALERT", "EMERGENCY"}

// log takes exactly one of data, text and json.
func log(f *frame, args []any) (any, error) {
	severity := "DEFAULT"
	if args[1] != nil {
		var ok bool
		if severity, ok = args[1].(string); !ok || !slices.Contains(severities, severity) {
			return nil, expr.Errorf(expr.TagValue, "severity of sys.log must be one of %v, got %s", severities, expr.Describe(args[1]))
		}
	}
	var payload []any
	for _, i := range []int{0, 2, 3} {
		if args[i] != nil {
			payload = append(payload, args[i])
		}
	}
	if len(payload) != 1 {
		return nil, expr.Errorf(expr.TagValue, "sys.log takes exactly one of data, text and json, got %d", len(payload))
	}
	if _, ok := args[2].(string); !ok && args[2] != nil {
		return nil, expr.Errorf(expr.TagType, "argument text of sys.log must be a string, got %s", expr.TypeName(args[2]))
	}
	text, ok := payload[0].(string)
	if !ok {
		text = expr.Describe(payload[0])
	}
	f.ex.log(severity, text)
	return nil, nil
}
