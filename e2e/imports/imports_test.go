// Package imports drops files into the bucket of a running stack and follows them to their reports.
package imports

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	"orderflow.dev/e2e"
	importingv1 "orderflow.dev/gen/orderflow/importing/v1"
	"orderflow.dev/internal/importing"
	"orderflow.dev/internal/platform/bucket"
	"orderflow.dev/internal/platform/object"
	"orderflow.dev/internal/unit"
	"orderflow.dev/local/stack"
)

var (
	local            *stack.Stack
	look             *stack.Inspector
	uploads, reports *bucket.Bucket
)

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e/imports:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (int, error) {
	ctx := context.Background()
	for name, value := range map[string]string{
		"IMPORT_RATE": "0", "IMPORT_CHUNK_BYTES": "2000", "IMPORT_TRUSTED_SOURCES": "retailer",
	} {
		os.Setenv(name, value)
	}
	var err error
	if local, err = stack.Start(ctx, stack.Options{SweepEvery: time.Second}); err != nil {
		return 0, err
	}
	defer local.Stop()
	if look, err = stack.Inspect(ctx, local.Endpoints); err != nil {
		return 0, err
	}
	if err := e2e.LoadCatalogue(ctx, local.Endpoints, e2e.Catalogue, nil); err != nil {
		return 0, err
	}
	if uploads, err = bucket.Open(ctx, unit.BucketName(stack.Project, "uploads")); err != nil {
		return 0, err
	}
	defer uploads.Close()
	if reports, err = bucket.Open(ctx, unit.BucketName(stack.Project, "reports")); err != nil {
		return 0, err
	}
	defer reports.Close()
	return m.Run(), nil
}

// upload drops a file and answers its import's id.
func upload(t *testing.T, name, text string, metadata map[string]string) (id string, o object.Object) {
	t.Helper()
	w := uploads.Replace(t.Context(), name, "text/csv", metadata)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	o = w.Object()
	return importing.ID(o.Bucket, o.Name, o.Generation), o
}

// report waits for an import's report.
func report(t *testing.T, id string) *importingv1.Import {
	t.Helper()
	for {
		if text, ok := read(t, importing.SummaryName(id)); ok {
			im := &importingv1.Import{}
			if err := protojson.Unmarshal([]byte(text), im); err != nil {
				t.Fatalf("%v in %s", err, text)
			}
			return im
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-t.Context().Done():
			t.Fatal("no report")
		}
	}
}

func read(t *testing.T, name string) (string, bool) {
	t.Helper()
	r, err := reports.Read(t.Context(), name, 0, 0, -1)
	if err != nil {
		return "", false
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(data), true
}

// file is a canonical one of n orders of two lines.
func file(prefix string, n int) string {
	var b strings.Builder
	b.WriteString("order_ref,customer_id,sku,quantity,payment_method\n")
	for i := range n {
		for _, sku := range []string{e2e.Plenty, "tea-darjeeling"} {
			fmt.Fprintf(&b, "%s-%d,c%d,%s,1,pm_approve\n", prefix, i, i%5, sku)
		}
	}
	return b.String()
}

func TestAFileBecomesOrders(t *testing.T) {
	t.Parallel()
	id, o := upload(t, "orders/acme/march.csv", file("m", 100), nil)
	im := report(t, id)
	if im.GetState() != importingv1.ImportState_IMPORT_STATE_DONE || im.GetRows() != 200 || im.GetOrders() != 100 || im.GetChunks() < 2 ||
		len(im.GetTotals()) != 1 || im.GetTotals()[0].GetMinorUnits() != 100*(950+1275) || im.GetRejectedRows() != 0 {
		t.Errorf("report %v", im)
	}
	if _, err := uploads.Stat(t.Context(), o.Name, 0); err == nil {
		t.Error("the upload is still where it was dropped")
	}
	id2, _ := upload(t, "orders/acme/march again.csv", file("m", 100), nil)
	if im := report(t, id2); im.GetOrders() != 0 || im.GetAlreadyThere() != 100 || im.GetRejectedOrders() != 0 {
		t.Errorf("the same file again: %v", im)
	}
}

// TestTheSameUploadThreeTimesAtOnce delivers the event of an upload again and again while it is worked on.
func TestTheSameUploadThreeTimesAtOnce(t *testing.T) {
	t.Parallel()
	id, o := upload(t, "orders/thrice/a.csv", file("t", 60), nil)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() { redeliver(t, o) })
	}
	wg.Wait()
	if im := report(t, id); im.GetOrders() != 60 || im.GetRows() != 120 || im.GetAlreadyThere() != 0 || im.GetRejectedOrders() != 0 {
		t.Errorf("report %v", im)
	}
}

func redeliver(t *testing.T, o object.Object) {
	body, err := json.Marshal(map[string]any{
		"bucket": o.Bucket, "name": o.Name, "generation": fmt.Sprint(o.Generation), "size": fmt.Sprint(o.Size), "timeCreated": o.Created,
	})
	if err != nil {
		t.Error(err)
		return
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, local.UnitURL("plan-import"), bytes.NewReader(body))
	if err != nil {
		t.Error(err)
		return
	}
	r.Header.Set("ce-type", object.FinalizedType)
	if resp, err := http.DefaultClient.Do(r); err != nil {
		t.Error(err)
	} else {
		resp.Body.Close()
	}
}

const retailRows = `InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
1001,mug-blue,"BLUE MUG, LARGE",6,12/1/10 8:26,2.55,17850,United Kingdom
1001,tea-darjeeling,TEA,2,12/1/10 8:26,3.39,17850,United Kingdom
C1002,tea-darjeeling,TEA,-2,12/1/10 9:41,3.39,17850,United Kingdom
1003,nonsense,?,1,12/1/10 9:42,1.00,17850,United Kingdom
1004,mug-blue,MUG,1,12/1/10 9:43,2.10,13047,United Kingdom
`

var retailColumns = map[string]string{"columns": `{"columns": {"InvoiceNo": "order_ref", "StockCode": "sku", "Quantity": "quantity",
	"UnitPrice": "unit_price", "CustomerID": "customer_id"}, "defaults": {"payment_method": "pm_approve", "currency": "GBP"}}`}

// TestARetailersExportGoesInAsItIs also corrects the rejects and uploads them: that makes what was missing, and no other.
func TestARetailersExportGoesInAsItIs(t *testing.T) {
	t.Parallel()
	id, _ := upload(t, "orders/retailer/export.csv", retailRows, retailColumns)
	im := report(t, id)
	if im.GetRows() != 5 || im.GetOrders() != 2 || im.GetRejectedOrders() != 2 || im.GetRejectedRows() != 2 ||
		im.GetTotals()[0].GetMinorUnits() != 6*255+2*339+210 {
		t.Errorf("report %v", im)
	}
	text, ok := read(t, strings.TrimPrefix(im.GetRejectsUri(), "gs://"+reports.Name()+"/"))
	if !ok {
		t.Fatalf("no rejects at %s", im.GetRejectsUri())
	}
	rejects, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(rejects) != 3 || rejects[1][8] != "4" || rejects[2][8] != "5" {
		t.Fatalf("rejects %q, error %v: want the rows of lines 4 and 5 with their reasons", rejects, err)
	}
	corrected := strings.NewReplacer("-2,12/1/10", "2,12/1/10", "nonsense", "mug-blue").Replace(text)
	id, _ = upload(t, "orders/retailer/corrected.csv", corrected, retailColumns)
	if im := report(t, id); im.GetOrders() != 2 || im.GetAlreadyThere() != 0 || im.GetRejectedRows() != 0 {
		t.Errorf("the corrected rejects: %v", im)
	}
}

func TestWhatCannotBeReadGetsAReportThatSaysWhy(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"empty":        {"", "empty"},
		"header only":  {"order_ref,customer_id,sku,quantity\n", "no rows"},
		"wrong header": {"a,b,c\n1,2,3\n", "order_ref"},
		"binary":       {"\x00\x01\x02PNG\xff\xfe", ""},
		"broken gzip":  {"\x1f\x8b\x08\x00junk", ""},
	} {
		id, _ := upload(t, "orders/broken/"+name+".csv", c.text, nil)
		im := report(t, id)
		if im.GetState() != importingv1.ImportState_IMPORT_STATE_FAILED || im.GetProblem() == "" || !strings.Contains(im.GetProblem(), c.want) {
			t.Errorf("%s: %v", name, im)
		}
	}
}
