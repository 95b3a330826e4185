package workflows

import (
	"time"

	"orderflow.dev/local/workflows/expr"
)

// Timeouts of connectors in seconds, from the connectors reference.
const (
	defaultConnectorSeconds = 1800
	maxConnectorSeconds     = 1800     // of a method that starts no operation
	maxOperationSeconds     = 31536000 // of one that does
)

// connectorSettings is connector_params.
type connectorSettings struct {
	timeout     time.Duration
	polling     retryPolicy // its backoff only
	skipPolling bool
	scopes      any // string or list; null for cloud-platform
}

// readSettings reads connector_params; null gives the defaults of the reference.
func (c *connector) readSettings(v any) (s connectorSettings, err error) {
	s = connectorSettings{timeout: defaultConnectorSeconds * time.Second, polling: retryPolicy{initial: 1, max: 60, mul: 1.25}}
	if v == nil {
		return s, nil
	}
	m, ok := v.(map[string]any)
	if !ok {
		return s, expr.Errorf(expr.TagType, "connector_params of %s must be a map, got %s", c.name, expr.TypeName(v))
	}
	for _, name := range expr.SortedKeys(m) {
		switch value := m[name]; name {
		case "timeout":
			s.timeout, err = c.readTimeout(value)
		case "polling_policy":
			err = s.readPolling(value)
		case "skip_polling":
			if s.skipPolling, ok = value.(bool); !ok {
				err = expr.Errorf(expr.TagType, "skip_polling of connector_params must be a boolean, got %s", expr.TypeName(value))
			}
		case "scopes":
			s.scopes = value
		default:
			err = expr.Errorf(expr.TagValue, "connector_params has no %q; it has timeout, polling_policy, skip_polling and scopes", name)
		}
		if err != nil {
			return s, err
		}
	}
	return s, nil
}

func (c *connector) readTimeout(v any) (time.Duration, error) {
	limit := maxConnectorSeconds
	if c.operation {
		limit = maxOperationSeconds
	}
	n, ok := number(v)
	switch {
	case !ok:
		return 0, expr.Errorf(expr.TagType, "timeout of connector_params must be a number, got %s", expr.TypeName(v))
	case !(n > 0 && n <= float64(limit)):
		return 0, expr.Errorf(expr.TagValue, "timeout of connector_params of %s must be above 0 and at most %d seconds, got %s", c.name, limit, expr.FormatDouble(n))
	}
	return seconds(n), nil
}

func (s *connectorSettings) readPolling(v any) error {
	m, ok := v.(map[string]any)
	if !ok {
		return expr.Errorf(expr.TagType, "polling_policy of connector_params must be a map, got %s", expr.TypeName(v))
	}
	parts := map[string]*float64{"initial_delay": &s.polling.initial, "multiplier": &s.polling.mul, "max_delay": &s.polling.max}
	for _, name := range expr.SortedKeys(m) {
		part, known := parts[name]
		n, isNumber := number(m[name])
		switch {
		case !known:
			return expr.Errorf(expr.TagValue, "polling_policy has no %q; it has initial_delay, multiplier and max_delay", name)
		case !isNumber:
			return expr.Errorf(expr.TagType, "%s of polling_policy must be a number, got %s", name, expr.TypeName(m[name]))
		case !(n > 0):
			return expr.Errorf(expr.TagValue, "%s of polling_policy must be above 0, got %s", name, expr.FormatDouble(n))
		}
		*part = n
	}
	return nil
}
