package listimports_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	_ "orderflow.dev/functions/imports/list-imports"
	importingv1 "orderflow.dev/gen/orderflow/importing/v1"
	"orderflow.dev/internal/importing"
	"orderflow.dev/internal/store"
	"orderflow.dev/local/cloudtest"
)

func TestMain(m *testing.M) {
	cloudtest.Main(m, cloudtest.Issuer, cloudtest.Setenv("REPORTS_BUCKET", "p-reports"))
}

func list(t *testing.T, query url.Values, scopes ...string) cloudtest.Answer {
	t.Helper()
	return cloudtest.Send(t, http.MethodGet, cloudtest.Function(t, "list-imports")+"?"+query.Encode(), cloudtest.Bearer(t, "partner", scopes...), "")
}

// pages follows a list to its end.
func pages(t *testing.T, query url.Values) (all []*importingv1.Import, n int) {
	t.Helper()
	for {
		a := list(t, query, "imports.read")
		if a.Status != 200 {
			t.Fatalf("answer %d %s", a.Status, a.Body)
		}
		var page importingv1.ListImportsResponse
		a.Read(t, &page)
		all, n = append(all, page.GetImports()...), n+1
		if page.GetNextPageToken() == "" || n > 10 {
			return all, n
		}
		query.Set("page_token", page.GetNextPageToken())
	}
}

// storedAt is the id of an import that is done. Several share a time.
func storedAt(t *testing.T, at time.Time) string {
	t.Helper()
	im := &importing.Import{ID: cloudtest.NewID(), Source: "shop", State: importing.Done, Created: at, Ended: at.Add(time.Second)}
	if err := store.NewImports(cloudtest.Database(t, "imports")).Create(t.Context(), im); err != nil {
		t.Fatal(err)
	}
	return im.ID
}

// TestPagesAreNewestFirstAndMissNothing is the only test that writes imports: a list is of all that there are.
func TestPagesAreNewestFirstAndMissNothing(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var want []string
	for i := range 5 { // two of each time, the last alone
		want = append(want, storedAt(t, at.Add(-time.Duration(i/2)*time.Minute)))
	}
	for i := 0; i < 4; i += 2 {
		slices.SortFunc(want[i:i+2], func(a, b string) int { return strings.Compare(b, a) })
	}
	for size, n := range map[string]int{"": 1, "1": 5, "2": 3, "5": 1, "100": 1} {
		query := url.Values{}
		if size != "" {
			query.Set("page_size", size)
		}
		var got []string
		imports, read := pages(t, query)
		for _, im := range imports {
			got = append(got, im.GetImportId())
		}
		if diff := cmp.Diff(want, got); diff != "" || read != n {
			t.Errorf("page_size %q: %d pages, want %d; imports (-want +got):\n%s", size, read, n, diff)
		}
		if uri := "gs://p-reports/reports/" + want[0] + "/summary.json"; imports[0].GetSummaryUri() != uri {
			t.Errorf("the report is at %q, want %q", imports[0].GetSummaryUri(), uri)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for name, query := range map[string]url.Values{
		"page size no number": {"page_size": {"many"}}, "page size zero": {"page_size": {"0"}}, "page size negative": {"page_size": {"-1"}},
		"page size too large": {"page_size": {"101"}}, "a token of nobody's": {"page_token": {"abc"}},
	} {
		if a := list(t, query, "imports.read"); a.Status != 400 || cloudtest.Reason(t, a) != "invalid_request" {
			t.Errorf("%s: answer %d %s, want 400", name, a.Status, a.Body)
		}
	}
}

func TestImportsAreNotForEveryCustomer(t *testing.T) {
	t.Parallel()
	if a := list(t, nil, "orders.read"); a.Status != 403 || cloudtest.Reason(t, a) != "missing_scope" {
		t.Errorf("a customer: answer %d %s, want 403", a.Status, a.Body)
	}
	if a := cloudtest.Send(t, http.MethodGet, cloudtest.Function(t, "list-imports"), nil, ""); a.Status != 401 {
		t.Errorf("nobody: answer %d %s, want 401", a.Status, a.Body)
	}
}
