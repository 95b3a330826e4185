package stack

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orderflow.dev/internal/promise"
)

func TestAcknowledgementsAreWhatPlaceOrderTookByTheLog(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "log.jsonl")
	const log = `{"function":"place-order","outcome":"ok","order_id":"a"}
{"function":"place-order","outcome":"ok","order_id":"b"}
{"function":"place-order","outcome":"unknown_sku"}
{"function":"place-order","outcome":"unavailable","order_id":"c"}
{"function":"confirm-order","outcome":"ok","order_id":"d"}
{"function":"get-order","outcome":"ok","order_id":"e","why":"place-order"}
{"function":"place-order","outcome":"ok"}
{"function":"place-order","outcome":"ok","order_id":"a","replayed":true}
{"function":"place-order","outcome":"ok","order_id":"cut off`
	if err := os.WriteFile(file, []byte(log), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := acknowledgements(file)
	want := []promise.Acknowledgement{{OrderID: "a"}, {OrderID: "b"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("acknowledged (-want +got):\n%s%v", diff, err)
	}
}

func TestAcknowledgementsNeedTheLog(t *testing.T) {
	t.Parallel()
	if _, err := acknowledgements(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a log that is not there says nothing of what was acknowledged, want an error")
	}
}
