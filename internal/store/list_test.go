package store_test

import (
	"encoding/base64"
	"errors"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/store"
	"orderflow.dev/internal/store/memory"
)

func page(t *testing.T, s *store.Orders, q order.ListQuery) ([]string, string) {
	t.Helper()
	found, next, err := s.List(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return idsOf(found), next
}

func TestListIsNewestFirstAndOnlyTheCustomersOwn(t *testing.T) {
	t.Parallel()
	s, _, _ := orders()
	for i := range 5 {
		create(t, s, placed(idOf(i), moment.Add(time.Duration(i)*time.Second)))
	}
	other := placed("other", moment)
	other.Created().CustomerId = "somebody else"
	create(t, s, other)
	update(t, s, idOf(1), confirm)
	update(t, s, idOf(3), cancel)
	for status, want := range map[order.Status][]string{
		"":               {idOf(4), idOf(3), idOf(2), idOf(1), idOf(0)},
		order.Placed:     {idOf(4), idOf(2), idOf(0)},
		order.Confirmed:  {idOf(1)},
		order.Cancelling: {idOf(3)},
		order.Cancelled:  nil,
	} {
		got, next := page(t, s, order.ListQuery{CustomerID: "customer", Status: status, PageSize: 10})
		same(t, "orders "+string(status), want, got)
		same(t, "next page", "", next)
	}
}

// Pages are of one listing though orders come in between, and orders of one moment are neither lost nor doubled.
func TestPagesAreStableUnderInserts(t *testing.T) {
	t.Parallel()
	s, _, _ := orders()
	var want []string
	for i := range 10 {
		create(t, s, placed(idOf(i), moment.Add(time.Duration(i/4)*time.Second))) // four of a moment
		want = append(want, idOf(i))
	}
	slices.Reverse(want)
	var got []string
	q := order.ListQuery{CustomerID: "customer", PageSize: 3}
	for n := 0; ; n++ {
		ids, next := page(t, s, q)
		got = append(got, ids...)
		if next == "" {
			break
		}
		if len(ids) != q.PageSize {
			t.Errorf("page %d has %d orders and a next page", n, len(ids))
		}
		q.PageToken = next
		create(t, s, placed(idOf(100+n), moment.Add(time.Hour)))
	}
	same(t, "all pages", want, got)
}

func TestFullLastPageHasNoNext(t *testing.T) {
	t.Parallel()
	s, _, _ := orders()
	for i := range 3 {
		create(t, s, placed(idOf(i), moment))
	}
	if ids, next := page(t, s, order.ListQuery{CustomerID: "customer", PageSize: 3}); len(ids) != 3 || next != "" {
		t.Errorf("page %v, next %q", ids, next)
	}
}

func TestPageTokenThatIsNotOursIsRefusedByName(t *testing.T) {
	t.Parallel()
	s, _, _ := orders()
	encode := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	for name, token := range map[string]string{
		"not base64": "?", "not JSON": encode("x"), "no id": encode("{}"), "a path": encode(`{"i":"../x"}`), "no time": encode(`{"t":"x","i":"o1"}`),
	} {
		_, _, err := s.List(t.Context(), order.ListQuery{CustomerID: "customer", PageSize: 3, PageToken: token})
		f := fault.Of(err)
		if f.Code != codes.InvalidArgument || len(f.Fields) != 1 || f.Fields[0].Name != "page_token" {
			t.Errorf("%s: error %v, want InvalidArgument of page_token", name, err)
		}
	}
}

func TestScanReadsEveryOrderOnceByID(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 299, 300, 301, 650} {
		s, db, _ := orders()
		var want, got []string
		for i := range n {
			create(t, s, placed(idOf(i), moment))
			want = append(want, idOf(i))
		}
		err := store.Scan(t.Context(), db, func(o *order.Order) { got = append(got, o.ID) })
		if err != nil {
			t.Fatal(err)
		}
		same(t, "scanned", want, got)
	}
}

func TestReadAllAnswersInTheOrderAskedAndNilForWhatIsNot(t *testing.T) {
	t.Parallel()
	s, db, _ := orders()
	var ids []string
	for i := range 650 {
		if i%3 > 0 {
			create(t, s, placed(idOf(i), moment))
		}
		ids = append(ids, idOf(i))
	}
	slices.Reverse(ids)
	found, err := store.ReadAll(t.Context(), db, ids)
	if err != nil || len(found) != len(ids) {
		t.Fatalf("%d orders, %v, want %d", len(found), err, len(ids))
	}
	for i, o := range found {
		if missing := (649-i)%3 == 0; (o == nil) != missing || o != nil && o.ID != ids[i] {
			t.Errorf("order %d is %+v, asked for %s", i, o, ids[i])
		}
	}
}

func TestScanSaysWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	s, db, _ := orders()
	create(t, s, placed("o1", moment))
	corrupt(t, db, "orders/broken", store.Fields{"customer_id": "customer", "create_time": moment})
	_, errAll := store.ReadAll(t.Context(), db, []string{"o1", "broken"})
	_, errGet := s.Get(t.Context(), "broken")
	_, _, errList := s.List(t.Context(), order.ListQuery{CustomerID: "customer", PageSize: 5})
	for what, err := range map[string]error{
		"scan": store.Scan(t.Context(), db, func(*order.Order) {}), "read all": errAll, "get": errGet, "list": errList,
	} {
		if fault.Code(err) != codes.DataLoss {
			t.Errorf("%s: error %v, want DataLoss", what, err)
		}
	}
	away := &memory.Database{Before: func(string, []store.Write) error { return memory.ErrUnavailable }}
	if err := store.Scan(t.Context(), away, nil); !errors.Is(err, memory.ErrUnavailable) {
		t.Errorf("scan of a database that is away: %v", err)
	}
	if _, err := store.ReadAll(t.Context(), away, []string{"a"}); !errors.Is(err, memory.ErrUnavailable) {
		t.Errorf("read all of a database that is away: %v", err)
	}
	if _, err := store.JournalOf(t.Context(), away, "orders", "a"); !errors.Is(err, memory.ErrUnavailable) {
		t.Errorf("journal of a database that is away: %v", err)
	}
	if j := journalOf(t, db, "payments", "none"); j.Next() != 1 {
		t.Errorf("the journal of nothing is %+v", j)
	}
}

// FuzzPageToken: a page token that somebody made up is refused as his fault, or names a place in his own list.
func FuzzPageToken(f *testing.F) {
	s, _, _ := orders()
	o := placed(idOf(1), moment)
	if err := s.Create(f.Context(), o); err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{"", "abc", "W10", "e30", base64.RawURLEncoding.EncodeToString([]byte(`{"t":"2026-01-01T00:00:00Z","i":"../x"}`)), base64.RawURLEncoding.EncodeToString([]byte(`{"t":"9999-12-31T23:59:59Z","i":"` + idOf(1) + `"}`))} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		for _, customer := range []string{o.CustomerID(), "mallory"} {
			found, _, err := s.List(t.Context(), order.ListQuery{CustomerID: customer, PageSize: 10, PageToken: token})
			if err != nil && fault.Code(err) != codes.InvalidArgument || customer == "mallory" && len(found) > 0 {
				t.Errorf("%q of %s: %d orders, %v", token, customer, len(found), err)
			}
		}
	})
}
