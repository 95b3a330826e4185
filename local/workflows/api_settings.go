package workflows

import (
	"encoding/json"
	"fmt"

	"cloud.google.com/go/workflows/apiv1/workflowspb"
)

// Settings are what the caller of an execution may say about how it is kept. None
// changes what a local execution does.
type Settings struct {
	CallLogLevel          string `json:",omitempty"` // e.g. LOG_ALL_CALLS
	ExecutionHistoryLevel string `json:",omitempty"` // e.g. EXECUTION_HISTORY_BASIC
	// DisableConcurrencyQuotaOverflowBuffering asks for a refusal where the service
	// would queue the execution.
	DisableConcurrencyQuotaOverflowBuffering bool `json:",omitempty"`
}

// given is what the caller of an execution gives beside its argument.
type given struct {
	id     string // of the execution; a random one if empty
	labels map[string]string
	Settings
}

// Names of the fields that the JSON of an execution has, but not its Go proto.
const (
	fieldHistory   = "executionHistoryLevel"
	fieldBuffering = "disableConcurrencyQuotaOverflowBuffering"
)

// takeFrom reads those fields and deletes them.
func (s *Settings) takeFrom(fields map[string]json.RawMessage) error {
	for name, to := range map[string]any{
		fieldHistory: &s.ExecutionHistoryLevel, fieldBuffering: &s.DisableConcurrencyQuotaOverflowBuffering,
	} {
		text, ok := fields[name]
		if !ok {
			continue
		}
		if err := json.Unmarshal(text, to); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		delete(fields, name)
	}
	if _, ok := workflowspb.ExecutionHistoryLevel_value[s.ExecutionHistoryLevel]; !ok && s.ExecutionHistoryLevel != "" {
		return fmt.Errorf("%s %q is not known", fieldHistory, s.ExecutionHistoryLevel)
	}
	return nil
}

// addTo writes those that are set.
func (s Settings) addTo(fields map[string]json.RawMessage) {
	if s.ExecutionHistoryLevel != "" {
		fields[fieldHistory], _ = json.Marshal(s.ExecutionHistoryLevel)
	}
	if s.DisableConcurrencyQuotaOverflowBuffering {
		fields[fieldBuffering] = json.RawMessage("true")
	}
}
