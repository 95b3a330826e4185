package listorders_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	_ "orderflow.dev/functions/orders/list-orders"
	orderv1 "orderflow.dev/gen/orderflow/order/v1"
	"orderflow.dev/internal/order"
	"orderflow.dev/local/cloudtest"
)

func TestMain(m *testing.M) { cloudtest.Main(m, cloudtest.Issuer) }

func list(t *testing.T, person string, query url.Values) cloudtest.Answer {
	t.Helper()
	return cloudtest.Send(t, http.MethodGet, cloudtest.Function(t, "list-orders")+"?"+query.Encode(), cloudtest.Bearer(t, person), "")
}

// ids follows the pages of a list to its end.
func ids(t *testing.T, person string, query url.Values) (ids []string, pages int) {
	t.Helper()
	for {
		var page orderv1.ListOrdersResponse
		a := list(t, person, query)
		if a.Status != 200 {
			t.Fatalf("answer %d %s", a.Status, a.Body)
		}
		a.Read(t, &page)
		pages++
		for _, o := range page.GetOrders() {
			ids = append(ids, o.GetOrderId())
		}
		if page.GetNextPageToken() == "" || pages > 10 {
			return ids, pages
		}
		query.Set("page_token", page.GetNextPageToken())
	}
}

// placedAt is an order of a time, so that the order of the list is known; several share each time.
func placedAt(t *testing.T, customer string, at time.Time) string {
	return cloudtest.Placed(t, customer, func(o *order.Order) { o.Created().EventTime = timestamppb.New(at) }).ID
}

func TestPagesAreNewestFirstAndMissNothing(t *testing.T) {
	t.Parallel()
	person := cloudtest.NewID()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var want []string
	for i := range 5 {
		want = append([]string{placedAt(t, cloudtest.CustomerID(person), at.Add(time.Duration(i)*time.Minute))}, want...)
	}
	placedAt(t, cloudtest.CustomerID(person+"-neighbour"), at)
	for size, pages := range map[string]int{"": 1, "1": 5, "2": 3, "5": 1, "100": 1} {
		query := url.Values{}
		if size != "" {
			query.Set("page_size", size)
		}
		got, n := ids(t, person, query)
		if diff := cmp.Diff(want, got); diff != "" || n != pages {
			t.Errorf("page_size %q: %d pages, want %d; orders (-want +got):\n%s", size, n, pages, diff)
		}
	}
}

func TestOrdersOfOneMomentAreNeitherLostNorRepeated(t *testing.T) {
	t.Parallel()
	person := cloudtest.NewID()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	want := map[string]bool{}
	for range 5 {
		want[placedAt(t, cloudtest.CustomerID(person), at)] = true
	}
	got, _ := ids(t, person, url.Values{"page_size": {"2"}})
	for _, id := range got {
		delete(want, id)
	}
	if len(got) != 5 || len(want) != 0 {
		t.Errorf("listed %v, lost %v", got, want)
	}
}

func TestListByStatus(t *testing.T) {
	t.Parallel()
	person := cloudtest.NewID()
	customer := cloudtest.CustomerID(person)
	want := map[string]string{
		"PLACED": cloudtest.Placed(t, customer).ID, "CONFIRMED": cloudtest.Confirmed(t, customer).ID,
		"CANCELLING": cloudtest.Cancelling(t, customer).ID, "CANCELLED": "",
	}
	for status, id := range want {
		got, _ := ids(t, person, url.Values{"status": {status}})
		if id == "" && len(got) != 0 || id != "" && !cmp.Equal(got, []string{id}) {
			t.Errorf("%s: %v, want %s", status, got, id)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for name, query := range map[string]url.Values{
		"page size no number": {"page_size": {"many"}}, "page size zero": {"page_size": {"0"}}, "page size negative": {"page_size": {"-1"}},
		"page size too large": {"page_size": {"101"}}, "a status of nobody's": {"status": {"LOST"}}, "status in lower case": {"status": {"placed"}},
		"a token of nobody's": {"page_token": {"abc"}}, "a token that leads elsewhere": {"page_token": {"eyJ0IjoiMjAyNi0wMS0wMlQwMzowNDowNVoiLCJpIjoiLi4vYSJ9"}},
	} {
		if a := list(t, "alice", query); a.Status != 400 || cloudtest.Reason(t, a) != "invalid_request" {
			t.Errorf("%s: answer %d %s, want 400", name, a.Status, a.Body)
		}
	}
	if a := cloudtest.Send(t, http.MethodGet, cloudtest.Function(t, "list-orders"), nil, ""); a.Status != 401 {
		t.Errorf("nobody: answer %d %s, want 401", a.Status, a.Body)
	}
}
