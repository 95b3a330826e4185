package planimport_test

import (
	"fmt"
	"net/http"
	"testing"

	_ "orderflow.dev/functions/imports/plan-import"
	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	"orderflow.dev/internal/importing"
	"orderflow.dev/internal/importing/rows"
	"orderflow.dev/internal/platform/object"
	"orderflow.dev/internal/store"
	"orderflow.dev/local/cloudtest"

	"google.golang.org/protobuf/proto"
)

func TestMain(m *testing.M) { cloudtest.Main(m, cloudtest.Storage) }

// finalized sends the event of an object.
func finalized(t *testing.T, o object.Object) cloudtest.Answer {
	t.Helper()
	body := fmt.Sprintf(`{"bucket": %q, "name": %q, "generation": "%d", "size": "%d"}`, o.Bucket, o.Name, o.Generation, o.Size)
	return cloudtest.Send(t, http.MethodPost, cloudtest.Function(t, "plan-import"), cloudtest.Header{"ce-type": object.FinalizedType}, body)
}

func TestAnUploadIsKeptCutAndAskedFor(t *testing.T) {
	tap := cloudtest.NewTap(t, "orderflow.event.v1.ImportChunk")
	o := cloudtest.Upload(t, "orders/acme/a.csv", "order_ref,customer_id,sku,quantity\n1,c,TEA,1\n2,c,TEA,1\n")
	for range 2 { // the second finds that all is done
		if a := finalized(t, o); a.Status != 204 {
			t.Fatalf("answer %d %s", a.Status, a.Body)
		}
	}
	id := importing.ID(o.Bucket, o.Name, o.Generation)
	im, err := store.NewImports(cloudtest.Database(t, "imports")).Get(t.Context(), id)
	if err != nil || im.State != importing.Working || im.Chunks != 1 || im.Source != "acme" {
		t.Errorf("import %+v, error %v", im, err)
	}
	asked := tap.About(id + "-000000")
	var chunk eventv1.ImportChunk
	if len(asked) != 1 || proto.Unmarshal(asked[0].Data, &chunk) != nil || chunk.GetImportId() != id || chunk.GetChunk() != 0 {
		t.Errorf("asked %v, want once for the one chunk", asked)
	}
	if _, err := cloudtest.Bucket(t, "uploads").Stat(t.Context(), o.Name, 0); err == nil {
		t.Error("the upload is still where it was dropped")
	}
}

func TestACatalogueIsPlannedToo(t *testing.T) {
	o := cloudtest.Upload(t, "catalog/a.csv", "sku,name,unit_price,currency,stock\nTEA,Tea,1.00,GBP,5\n")
	if a := finalized(t, o); a.Status != 204 {
		t.Fatalf("answer %d %s", a.Status, a.Body)
	}
	im, err := store.NewImports(cloudtest.Database(t, "imports")).Get(t.Context(), importing.ID(o.Bucket, o.Name, o.Generation))
	if err != nil || im.State != importing.Working || im.Chunks != 1 || im.Kind != rows.Catalogue {
		t.Errorf("import %+v, error %v", im, err)
	}
}

func TestWhatIsNoUploadIsLeftAlone(t *testing.T) {
	for _, name := range []string{"readme.txt", "orders/acme/columns.json", "catalog/columns.json", "orders/a.csv", "done/x/a.csv"} {
		o := cloudtest.Upload(t, name, "x")
		if a := finalized(t, o); a.Status != 204 {
			t.Errorf("%s: answer %d %s", name, a.Status, a.Body)
		}
		uploads := cloudtest.Bucket(t, "uploads")
		if _, err := uploads.Stat(t.Context(), name, o.Generation); err != nil {
			t.Errorf("%s is gone: %v", name, err)
		}
		if err := uploads.Delete(t.Context(), name, o.Generation); err != nil { // other tests' uploads would have these columns
			t.Error(err)
		}
	}
}

func TestWhatIsNoEventIsDropped(t *testing.T) {
	for name, body := range map[string]string{"no JSON": "<", "no object": "{}"} {
		a := cloudtest.Send(t, http.MethodPost, cloudtest.Function(t, "plan-import"), cloudtest.Header{"ce-type": object.FinalizedType}, body)
		if a.Status != 204 {
			t.Errorf("%s: answer %d %s, want that it never comes again", name, a.Status, a.Body)
		}
	}
}
