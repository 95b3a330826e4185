package sweepuploads_test

import (
	"net/http"
	"testing"

	_ "orderflow.dev/functions/platform/sweep-uploads"
	"orderflow.dev/internal/importing"
	"orderflow.dev/internal/store"
	"orderflow.dev/local/cloudtest"
)

func TestMain(m *testing.M) {
	cloudtest.Main(m, cloudtest.Storage, cloudtest.Setenv("UPLOAD_GRACE", "0s"))
}

func TestAnUploadWhoseEventWasLostIsPlanned(t *testing.T) {
	o := cloudtest.Upload(t, "orders/acme/a.csv", "order_ref,customer_id,sku,quantity\n1,c,TEA,1\n")
	other := cloudtest.Upload(t, "elsewhere.csv", "x")
	tap := cloudtest.NewTap(t, "orderflow.event.v1.ImportChunk")
	for range 2 {
		if a := cloudtest.Send(t, http.MethodPost, cloudtest.Function(t, "sweep-uploads"), nil, ""); a.Status != 204 {
			t.Fatalf("answer %d %s", a.Status, a.Body)
		}
	}
	id := importing.ID(o.Bucket, o.Name, o.Generation)
	im, err := store.NewImports(cloudtest.Database(t, "imports")).Get(t.Context(), id)
	if err != nil || im.State != importing.Working {
		t.Errorf("import %+v, error %v", im, err)
	}
	if asked := tap.About(id + "-000000"); len(asked) != 1 {
		t.Errorf("its chunk was asked for %d times, want once", len(asked))
	}
	if _, err := cloudtest.Bucket(t, "uploads").Stat(t.Context(), other.Name, other.Generation); err != nil {
		t.Errorf("what is no upload is gone: %v", err)
	}
}
