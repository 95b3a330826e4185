package api_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	importingv1 "orderflow.dev/gen/orderflow/importing/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/api"
	"orderflow.dev/internal/importing"
	"orderflow.dev/internal/importing/rows"
)

func url(name string) string { return "gs://reports/" + name }

// anImport is one that is done, with rejects.
func anImport(change ...func(*importing.Import)) *importing.Import {
	im := &importing.Import{
		ID: "i1", Source: "shop", Upload: importing.File{Name: "orders/shop/may.csv", Size: 1000, Generation: 7},
		Layout: rows.Layout{Format: rows.CSV}, State: importing.Done, Chunks: 2, ChunksDone: 2, Read: 980,
		Planned: rows.Span{Offset: 500, End: 1000},
		Tally: importing.Tally{
			Rows: 30, Orders: 7, AlreadyThere: 2, RejectedOrders: 3, RejectedRows: 5,
			Reasons: map[string]int64{"unknown_sku": 2, "invalid_request": 1}, Money: map[string]int64{"USD": 3, "EUR": 1, "GBP": 2},
		},
		Created: at.AsTime(), Ended: later.AsTime(),
	}
	for _, c := range change {
		c(im)
	}
	return im
}

func TestImportIsWhatItsRecordSays(t *testing.T) {
	t.Parallel()
	want := &importingv1.Import{
		ImportId: "i1", File: "orders/shop/may.csv", Source: "shop", State: importingv1.ImportState_IMPORT_STATE_DONE,
		Size: 1000, Done: 1000, Chunks: 2, ChunksDone: 2, Rows: 30, Orders: 7, AlreadyThere: 2, RejectedOrders: 3, RejectedRows: 5,
		RejectedByReason: map[string]int64{"unknown_sku": 2, "invalid_request": 1},
		Totals: []*typev1.Money{
			{CurrencyCode: "EUR", MinorUnits: 1}, {CurrencyCode: "GBP", MinorUnits: 2}, {CurrencyCode: "USD", MinorUnits: 3},
		},
		CreateTime: at, EndTime: later,
		SummaryUri: "gs://reports/reports/i1/summary.json", RejectsUri: "gs://reports/reports/i1/rejects.csv",
	}
	if diff := cmp.Diff(want, api.Import(anImport(), url), protocmp.Transform()); diff != "" {
		t.Errorf("import (-want +got):\n%s", diff)
	}
}

func TestImportOfACatalogueSaysWhatBecameOfItsProducts(t *testing.T) {
	t.Parallel()
	got := api.Import(&importing.Import{Kind: rows.Catalogue, Tally: importing.Tally{Rows: 9, Items: 5, Superseded: 3, RejectedRows: 1}}, url)
	want := &importingv1.Import{Rows: 9, Items: 5, Superseded: 3, RejectedRows: 1}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("import (-want +got):\n%s", diff)
	}
}

func TestOnlyReportsThatExistAreNamed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		state            importing.State
		rejected         int64
		summary, rejects bool
	}{
		"planning": {importing.Planning, 0, false, false}, "working": {importing.Working, 3, false, false},
		"reporting": {importing.Reporting, 3, false, false}, "done": {importing.Done, 0, true, false},
		"done with rejects": {importing.Done, 3, true, true}, "failed": {importing.Failed, 0, true, false},
	} {
		got := api.Import(anImport(func(im *importing.Import) { im.State, im.Tally.RejectedRows = c.state, c.rejected }), url)
		if (got.GetSummaryUri() != "") != c.summary || (got.GetRejectsUri() != "") != c.rejects {
			t.Errorf("%s: summary %q, rejects %q", name, got.GetSummaryUri(), got.GetRejectsUri())
		}
	}
}

// TestDoneIsOfTheFileAsItWasUploaded: it runs to the size, of packed files too, and ends there.
func TestDoneIsOfTheFileAsItWasUploaded(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*importing.Import)
		want   int64
	}{
		"planning":              {func(im *importing.Import) { im.State, im.Chunks, im.ChunksDone, im.Read = importing.Planning, 3, 0, 0 }, 0},
		"failed":                {func(im *importing.Import) { im.State, im.Chunks, im.ChunksDone, im.Read = importing.Failed, 0, 0, 0 }, 0},
		"working":               {func(im *importing.Import) { im.State, im.ChunksDone, im.Read = importing.Working, 1, 480 }, 480},
		"done, with its header": {func(*importing.Import) {}, 1000},
		"packed 5 times": {func(im *importing.Import) {
			im.State, im.Gzip, im.Chunks, im.ChunksDone, im.Read, im.Planned.End = importing.Working, true, 1, 0, 2500, 5000
		}, 500},
		"packed, done": {func(im *importing.Import) {
			im.Gzip, im.Chunks, im.ChunksDone, im.Read, im.Planned.End = true, 1, 1, 4980, 5000
		}, 1000},
	} {
		if got := api.Import(anImport(c.change), url).GetDone(); got != c.want {
			t.Errorf("%s: %d bytes of 1000 are done, want %d", name, got, c.want)
		}
	}
}

// TestEveryImportStateHasAName: a state that the proto does not know would be shown as unspecified.
func TestEveryImportStateHasAName(t *testing.T) {
	t.Parallel()
	states := []importing.State{importing.Planning, importing.Working, importing.Reporting, importing.Done, importing.Failed}
	for _, s := range states {
		if api.ImportState(s) == importingv1.ImportState_IMPORT_STATE_UNSPECIFIED {
			t.Errorf("the proto has no state %s", s)
		}
	}
	if known := len(importingv1.ImportState_value) - 1; known != len(states) {
		t.Errorf("the proto has %d states, the domain %d", known, len(states))
	}
}

func TestAnImportThatGoesOnHasNoEnd(t *testing.T) {
	t.Parallel()
	if end := api.Import(anImport(func(im *importing.Import) { im.Ended = time.Time{} }), url).GetEndTime(); end != nil {
		t.Errorf("it ended at %v", end)
	}
}

func TestSummaryIsTheSameToTheByte(t *testing.T) {
	t.Parallel()
	const want = `{
  "import_id": "i1",
  "file": "orders/shop/may.csv",
  "source": "shop",
  "state": "IMPORT_STATE_FAILED",
  "problem": "the file has a header and no rows",
  "size": "12",
  "rejected_by_reason": {
    "a": "1",
    "b": "2"
  },
  "totals": [
    {
      "currency_code": "EUR",
      "minor_units": "1"
    },
    {
      "currency_code": "GBP",
      "minor_units": "2"
    }
  ],
  "create_time": "2026-01-02T03:04:05Z",
  "end_time": "2026-01-02T03:04:06Z",
  "summary_uri": "gs://reports/reports/i1/summary.json"
}
`
	for range 10 {
		got, err := api.ImportJSON(&importing.Import{
			ID: "i1", Source: "shop", Upload: importing.File{Name: "orders/shop/may.csv", Size: 12}, State: importing.Failed,
			Problem: "the file has a header and no rows", Created: at.AsTime(), Ended: later.AsTime(),
			Tally: importing.Tally{Reasons: map[string]int64{"b": 2, "a": 1}, Money: map[string]int64{"GBP": 2, "EUR": 1}},
		}, url)
		if diff := cmp.Diff(want, string(got)); err != nil || diff != "" {
			t.Fatalf("error %v, summary (-want +got):\n%s", err, diff)
		}
	}
}

// TestWhatPartnersWroteIsNoTrouble: a problem may quote a file, and names may be anything.
func TestWhatPartnersWroteIsNoTrouble(t *testing.T) {
	t.Parallel()
	got, err := api.ImportJSON(anImport(func(im *importing.Import) { im.Upload.Name, im.Problem = `orders/shop/"a"<b>.csv`, "a\nb\x01" }), url)
	if err != nil || !strings.Contains(string(got), `"file": "orders/shop/\"a\"<b>.csv"`) {
		t.Errorf("error %v: %s", err, got)
	}
}
