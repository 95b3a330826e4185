package getimport_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	_ "orderflow.dev/functions/imports/get-import"
	importingv1 "orderflow.dev/gen/orderflow/importing/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/importing"
	"orderflow.dev/internal/importing/rows"
	"orderflow.dev/internal/store"
	"orderflow.dev/local/cloudtest"
)

func TestMain(m *testing.M) {
	cloudtest.Main(m, cloudtest.Issuer, cloudtest.Setenv("REPORTS_BUCKET", "p-reports"))
}

func get(t *testing.T, id string, scopes ...string) cloudtest.Answer {
	t.Helper()
	return cloudtest.Send(t, http.MethodGet, cloudtest.Function(t, "get-import")+"?id="+id, cloudtest.Bearer(t, "partner", scopes...), "")
}

var at = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// stored is an import at work, of two chunks: one is done, one is on its way.
func stored(t *testing.T, change ...func(*importing.Import)) *importing.Import {
	t.Helper()
	im := &importing.Import{
		ID: cloudtest.NewID(), Source: "shop", Upload: importing.File{Name: "orders/shop/may.csv", Size: 1000}, State: importing.Working,
		Layout: rows.Layout{Format: rows.CSV}, Planned: rows.Span{Offset: 500, End: 1000}, Chunks: 2, ChunksDone: 1, Read: 480,
		Tally:   importing.Tally{Rows: 20, Orders: 9, RejectedOrders: 1, RejectedRows: 2, Reasons: map[string]int64{"unknown_sku": 1}, Money: map[string]int64{"GBP": 900}},
		Created: at,
	}
	for _, c := range change {
		c(im)
	}
	err := store.NewImports(cloudtest.Database(t, "imports")).Save(t.Context(), im,
		&importing.Chunk{ImportID: im.ID, Number: 0, Span: rows.Span{Offset: 20, End: 500}, Done: true, Tally: im.Tally},
		&importing.Chunk{
			ImportID: im.ID, Number: 1, Span: rows.Span{Offset: 500, End: 1000}, At: rows.Span{Offset: 600, End: 1000},
			Tally: importing.Tally{Rows: 4, Orders: 2, Money: map[string]int64{"GBP": 100, "EUR": 1}},
		})
	if err != nil {
		t.Fatal(err)
	}
	return im
}

func TestProgressCountsWhatChunksHaveDoneSoFar(t *testing.T) {
	t.Parallel()
	im := stored(t)
	want := &importingv1.Import{
		ImportId: im.ID, File: "orders/shop/may.csv", Source: "shop", State: importingv1.ImportState_IMPORT_STATE_WORKING,
		Size: 1000, Done: 580, Chunks: 2, ChunksDone: 1, Rows: 24, Orders: 11, RejectedOrders: 1, RejectedRows: 2,
		RejectedByReason: map[string]int64{"unknown_sku": 1}, CreateTime: timestamppb.New(at),
		Totals: []*typev1.Money{{CurrencyCode: "EUR", MinorUnits: 1}, {CurrencyCode: "GBP", MinorUnits: 1000}},
	}
	a := get(t, im.ID, "imports.read")
	var got importingv1.Import
	a.Read(t, &got)
	if diff := cmp.Diff(want, &got, protocmp.Transform()); a.Status != 200 || diff != "" {
		t.Errorf("status %d, import (-want +got):\n%s", a.Status, diff)
	}
}

func TestTheReportIsNamedOnceItIsThere(t *testing.T) {
	t.Parallel()
	im := stored(t, func(im *importing.Import) { im.State, im.ChunksDone, im.Ended = importing.Done, 2, at.Add(time.Second) })
	var got importingv1.Import
	get(t, im.ID, "imports.read").Read(t, &got)
	folder := "gs://p-reports/reports/" + im.ID
	if got.GetSummaryUri() != folder+"/summary.json" || got.GetRejectsUri() != folder+"/rejects.csv" || got.GetEndTime().AsTime() != at.Add(time.Second) {
		t.Errorf("import %v", &got)
	}
}

func TestImportThatThereIsNotIsNotFound(t *testing.T) {
	t.Parallel()
	for name, id := range map[string]string{"nobody's": cloudtest.NewID(), "none": "", "a path": "..%2Fchunks%2Fa", "upper case": "ABC"} {
		if a := get(t, id, "imports.read"); a.Status != 404 || cloudtest.Reason(t, a) != "import_not_found" {
			t.Errorf("%s: answer %d %s, want 404", name, a.Status, a.Body)
		}
	}
}

func TestCustomersAreRefusedWhateverTheyAskFor(t *testing.T) {
	t.Parallel()
	for _, id := range []string{stored(t).ID, cloudtest.NewID()} {
		if a := get(t, id, "orders.read", "imports.reader"); a.Status != 403 || cloudtest.Reason(t, a) != "missing_scope" {
			t.Errorf("answer %d %s, want 403", a.Status, a.Body)
		}
	}
	if a := cloudtest.Send(t, http.MethodGet, cloudtest.Function(t, "get-import")+"?id=a", nil, ""); a.Status != 401 {
		t.Errorf("nobody: answer %d %s, want 401", a.Status, a.Body)
	}
}
