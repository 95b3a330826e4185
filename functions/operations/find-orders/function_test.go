package findorders_test

import (
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	_ "orderflow.dev/functions/operations/find-orders"
	operationsv1 "orderflow.dev/gen/orderflow/operations/v1"
	"orderflow.dev/internal/order"
	"orderflow.dev/local/cloudtest"
)

func TestMain(m *testing.M) { cloudtest.Main(m, cloudtest.Issuer) }

func find(t *testing.T, query url.Values, scopes ...string) cloudtest.Answer {
	t.Helper()
	return cloudtest.Send(t, http.MethodGet, cloudtest.Function(t, "find-orders")+"?"+query.Encode(), cloudtest.Bearer(t, "olga", scopes...), "")
}

// ids follows the pages of a search to its end.
func ids(t *testing.T, query url.Values) (ids []string) {
	t.Helper()
	for {
		var page operationsv1.FindOrdersResponse
		a := find(t, query, "operator")
		if a.Status != 200 {
			t.Fatalf("answer %d %s", a.Status, a.Body)
		}
		a.Read(t, &page)
		for _, o := range page.GetOrders() {
			ids = append(ids, o.GetOrderId())
		}
		if page.GetNextPageToken() == "" {
			return ids
		}
		query.Set("page_token", page.GetNextPageToken())
	}
}

func TestEachWayFindsTheOrder(t *testing.T) {
	t.Parallel()
	customer := cloudtest.NewID()
	long := time.Now().Add(-3 * time.Hour)
	stuck := cloudtest.Placed(t, customer, func(o *order.Order) {
		o.Created().EventTime, o.Origin = timestamppb.New(long), "import-"+customer+"/1"
	}).ID
	confirmed, cancelling := cloudtest.Confirmed(t, customer).ID, cloudtest.Cancelling(t, customer).ID
	for name, c := range map[string]struct {
		query url.Values
		want  []string // of this customer's
	}{
		"a customer's":          {url.Values{"customer": {customer}}, []string{stuck, confirmed, cancelling}},
		"by pages":              {url.Values{"customer": {customer}, "page_size": {"1"}}, []string{stuck, confirmed, cancelling}},
		"stuck":                 {url.Values{"stuck": {"2h"}}, []string{stuck}},
		"unended":               {url.Values{"unended": {"true"}}, []string{stuck, cancelling}},
		"a status and a reason": {url.Values{"status": {"CANCELLING"}, "reason": {"out_of_stock"}}, []string{cancelling}},
		"an import's":           {url.Values{"origin": {"import-" + customer}}, []string{stuck}},
		"a time":                {url.Values{"to": {long.Add(time.Minute).Format(time.RFC3339)}}, []string{stuck}},
		"since":                 {url.Values{"from": {long.Add(time.Minute).Format(time.RFC3339)}, "status": {"CONFIRMED"}}, []string{confirmed}},
	} {
		got := slices.DeleteFunc(ids(t, c.query), func(id string) bool { return !slices.Contains([]string{stuck, confirmed, cancelling}, id) })
		slices.Sort(got)
		slices.Sort(c.want)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for name, query := range map[string]url.Values{
		"a status of nobody's": {"status": {"LOST"}}, "a reason of nobody's": {"reason": {"weather"}}, "no time": {"from": {"yesterday"}},
		"no duration": {"stuck": {"long"}}, "a negative one": {"stuck": {"-1m"}}, "page size": {"page_size": {"101"}}, "token": {"page_token": {"x"}},
		"an empty time": {"from": {"2026-01-02T00:00:00Z"}, "to": {"2026-01-01T00:00:00Z"}},
	} {
		if a := find(t, query, "operator"); a.Status != 400 || cloudtest.Reason(t, a) != "invalid_request" {
			t.Errorf("%s: answer %d %s, want 400", name, a.Status, a.Body)
		}
	}
	if a := find(t, nil); a.Status != 403 {
		t.Errorf("a customer: answer %d %s, want 403", a.Status, a.Body)
	}
}
