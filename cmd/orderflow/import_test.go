package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	"orderflow.dev/e2e"
	importingv1 "orderflow.dev/gen/orderflow/importing/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/platform/problem"
)

func TestImportRefusesWhatItDoesNotUnderstand(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir()) // no stack is running
	rows := file(t, "o.csv", "order_ref,customer_id,sku,quantity\n")
	for _, tt := range []struct {
		args []string
		want string
	}{
		{nil, "import takes one FILE, or --follow ID; it got 0 files"},
		{[]string{rows, rows}, "it got 2 files"},
		{[]string{rows, "--follow", "abc"}, "leave out one of FILE and --follow"},
		{[]string{"--follow", "abc", "--source", "s"}, "if any flags in the group [follow source] are set none of the others can be"},
		{[]string{rows, "--catalog", "--source", "s"}, "if any flags in the group [source catalog] are set none of the others can be"},
		{[]string{rows, "--catalog", "--name", "columns.json"}, "an upload cannot be called catalog/columns.json"},
		{[]string{"nowhere.csv"}, "nowhere.csv: no such file"},
		{[]string{t.TempDir()}, "is no file"},
		{[]string{rows, "--source", "a/b"}, "an upload cannot be called orders/a/b/o.csv"},
		{[]string{rows, "--source", ""}, "an upload cannot be called orders//o.csv"},
		{[]string{rows, "--name", "columns.json"}, "but not columns.json"},
		{[]string{rows, "--columns", "nowhere.json"}, "nowhere.json: no such file"},
		{[]string{rows, "--columns", file(t, "c.json", `{"column": {}}`)}, "columns.json cannot be used"},
		{[]string{rows, "--columns", file(t, "c.json", `{"columns": {"`+strings.Repeat("a", maxMetadata)+`": "sku"}}`)}, "is too large to go along"},
		{[]string{rows}, "no local stack is running"},
		{[]string{"--follow", "abc"}, "no local stack is running"},
	} {
		c := importCommand()
		c.SetArgs(tt.args)
		c.SetOut(io.Discard)
		c.SetErr(io.Discard)
		if err := c.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%.80q: error %v, want %q in it", tt.args, err, tt.want)
		}
	}
}

func TestAnUploadIsNamedBySourceAndFile(t *testing.T) {
	t.Parallel()
	path := file(t, "may.csv", "0123456789")
	columns := file(t, "c.json", "{\n  \"columns\": {\"Order No\": \"order_ref\"}\n}\n")
	for _, tt := range []struct {
		flags importFlags
		want  upload
	}{
		{importFlags{source: "shop"}, upload{object: "orders/shop/may.csv"}},
		{importFlags{source: "shop", name: "2026/may.csv"}, upload{object: "orders/shop/2026/may.csv"}},
		{importFlags{source: "local", catalog: true}, upload{object: "catalog/may.csv"}},
		{importFlags{source: "s", columns: columns}, upload{object: "orders/s/may.csv", metadata: map[string]string{"columns": `{"columns":{"Order No":"order_ref"}}`}}},
	} {
		tt.want.path, tt.want.size = path, 10
		got, err := newUpload(path, tt.flags)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(&tt.want, got, cmp.AllowUnexported(upload{})); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", tt.flags, diff)
		}
	}
}

// done is an import that is done, 4 s after it was seen.
func done(change func(*importingv1.Import)) *importingv1.Import {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	im := &importingv1.Import{
		ImportId: "i1", File: "orders/shop/may.csv", Source: "shop", State: importingv1.ImportState_IMPORT_STATE_DONE,
		Size: 12345678, Done: 12345678, Chunks: 3, ChunksDone: 3, Rows: 200, Orders: 90, AlreadyThere: 10,
		Totals:     []*typev1.Money{{CurrencyCode: "EUR", MinorUnits: 5}, {CurrencyCode: "GBP", MinorUnits: 123456}},
		CreateTime: timestamppb.New(at), EndTime: timestamppb.New(at.Add(4 * time.Second)), SummaryUri: "gs://r/reports/i1/summary.json",
	}
	change(im)
	return im
}

func withRejects(im *importingv1.Import) {
	im.RejectedOrders, im.RejectedRows, im.RejectsUri = 3, 7, "gs://r/reports/i1/rejects.csv"
	im.RejectedByReason = map[string]int64{"unknown_sku": 2, "invalid_row": 1}
}

func TestTheTableSaysWhatBecameOfAnImport(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	printImport(&out, done(withRejects))
	const want = `import                i1  done
file                  orders/shop/may.csv  12.3 MB
rows                  200
orders made           90
orders already there  10
orders rejected       3 (7 rows)
  invalid_row         1
  unknown_sku         2
orders made cost      EUR 0.05, GBP 1234.56
took                  4s (50 rows/s)
chunks                3
summary               gs://r/reports/i1/summary.json
rejected rows         gs://r/reports/i1/rejects.csv
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}

func TestTheTableOfProductsSpeaksOfProducts(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	im := done(func(im *importingv1.Import) {
		im.File, im.Source, im.Orders, im.AlreadyThere, im.Totals = "catalog/may.csv", "", 0, 0, nil
		im.Items, im.Superseded, im.RejectedRows = 150, 45, 5
		im.RejectedByReason, im.RejectsUri = map[string]int64{"bad_row": 5}, "gs://r/reports/i1/rejects.csv"
	})
	if err := conclude(t.Context(), &out, im, ""); err != nil {
		t.Fatal(err)
	}
	const want = `import                         i1  done
file                           catalog/may.csv  12.3 MB
rows                           200
products set                   150
left as a newer file has them  45
rejected                       5 rows
  bad_row                      5
took                           4s (50 rows/s)
chunks                         3
summary                        gs://r/reports/i1/summary.json
rejected rows                  gs://r/reports/i1/rejects.csv

✗ rejected: 5 rows. To see them with the reasons:
  orderflow import --follow i1 --rejects rejects.csv
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}

func TestTheEndSaysWhatToDo(t *testing.T) {
	t.Parallel()
	failed := func(im *importingv1.Import) {
		im.State, im.Problem = importingv1.ImportState_IMPORT_STATE_FAILED, "the file has a header and no rows"
	}
	cut := func(im *importingv1.Import) {
		im.Problem, im.Sequential = "the gzip file is cut off", "the file is gzip"
	}
	for name, tt := range map[string]struct {
		change  func(*importingv1.Import)
		rejects string
		want    string // in what is printed
		not     string
		err     string
	}{
		"all good":             {func(*importingv1.Import) {}, "", "✓ every row is part of an order", "✗", ""},
		"all good, no rejects": {func(*importingv1.Import) {}, "r.csv", "no row was rejected: r.csv was not written", "✗", ""},
		"rejects":              {withRejects, "", "✗ rejected: 3 (7 rows). To see them with the reasons:\n  orderflow import --follow i1 --rejects rejects.csv", "✓", ""},
		"failed":               {failed, "", "import                i1  failed", "✓", "the import failed: the file has a header and no rows"},
		"failed, no rejects":   {failed, "r.csv", "r.csv was not written", "✓", "the import failed"},
		"cut off":              {cut, "", "3: the file is gzip", "✓", "could not be read to its end: the gzip file is cut off"},
	} {
		var out bytes.Buffer
		err := conclude(t.Context(), &out, done(tt.change), tt.rejects)
		if !strings.Contains(out.String(), tt.want) || strings.Contains(out.String(), tt.not) {
			t.Errorf("%s: printed\n%s\nwant %q in it, and no %s", name, &out, tt.want, tt.not)
		}
		if tt.err == "" != (err == nil) || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: error %v, want %q", name, err, tt.err)
		}
	}
	var out bytes.Buffer
	if printVerdict(&out, done(withRejects), "r.csv"); !strings.Contains(out.String(), "They are in r.csv, with the reasons: correct them, then\n  orderflow import r.csv --source shop\n") {
		t.Errorf("printed %s", &out)
	}
}

func notThere() error {
	return &e2e.Refused{Problem: problem.Problem{Status: 404, Reason: "import_not_found"}}
}

func TestAnImportIsFollowedThroughTroubleToItsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		answers := []any{
			notThere(), refused(503), &importingv1.Import{State: importingv1.ImportState_IMPORT_STATE_PLANNING},
			&importingv1.Import{State: importingv1.ImportState_IMPORT_STATE_WORKING, Done: 5}, done(withRejects),
		}
		var shown []int64
		got, err := follower{id: "i1", grace: time.Minute}.await(t.Context(), func() (*importingv1.Import, error) {
			next := answers[0]
			answers = answers[1:]
			if err, ok := next.(error); ok {
				return nil, err
			}
			return next.(*importingv1.Import), nil
		}, func(im *importingv1.Import) { shown = append(shown, im.GetDone()) })
		if err != nil || got.GetImportId() != "i1" || !cmp.Equal(shown, []int64{0, 5, 12345678}) {
			t.Errorf("import %v, error %v, shown %v", got, err, shown)
		}
	})
}

func TestFollowingEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		never := func() (*importingv1.Import, error) { return nil, notThere() }
		if _, err := (follower{id: "i1"}).await(t.Context(), never, nil); !unknownImport(err) {
			t.Errorf("an id of nobody's: error %v", err)
		}
		_, err := follower{id: "i1", grace: time.Minute}.await(t.Context(), never, nil)
		if err == nil || !strings.Contains(err.Error(), "nobody made it an import within 1m0s; look again: orderflow import --follow i1") {
			t.Errorf("an upload that nobody takes up: error %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		f := follower{id: "i1"}
		_, err = f.await(ctx, func() (*importingv1.Import, error) { return &importingv1.Import{}, ctx.Err() }, func(*importingv1.Import) {})
		const want = "the import goes on; look again: orderflow import --follow i1"
		if got := afterCtrlC(f.interrupted(ctx, err)); err == nil || got != want {
			t.Errorf("Ctrl-C: error %v, told %q", err, got)
		}
		if got := afterCtrlC(errors.New("canceled")); got != "everything that was started has been stopped" {
			t.Errorf("Ctrl-C elsewhere: told %q", got)
		}
	})
}

func TestBytesAreForPeople(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{
		0: "0 B", 999: "999 B", 1000: "1.0 kB", 12345678: "12.3 MB", 999_949: "999.9 kB", 999_950: "1.0 MB", 5_000_000_000: "5.0 GB",
	} {
		if got := bytesText(n); got != want {
			t.Errorf("%d bytes are %q, want %q", n, got, want)
		}
	}
}

func TestImportHelpHasExamples(t *testing.T) {
	t.Parallel()
	for _, want := range []string{"orderflow import orders.csv", "--columns columns.json", "--rejects rejects.csv", "--follow ID"} {
		if !strings.Contains(importCommand().Example, want) {
			t.Errorf("the help has no example of %s", want)
		}
	}
}
