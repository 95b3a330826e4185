package order_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	orderv1 "orderflow.dev/gen/orderflow/order/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/order"
)

// lines are n lines of products of their own.
func lines(n int) []order.Line {
	out := make([]order.Line, n)
	for i := range out {
		out[i] = order.Line{SKU: fmt.Sprint("S", i), Quantity: 1}
	}
	return out
}

func address(change func(*order.Address)) *order.Address {
	a := &order.Address{Recipient: "Ada", Lines: []string{"1 High St"}, City: "Bath", PostalCode: "BA1", CountryCode: "GB"}
	change(a)
	return a
}

func TestEveryBadFieldIsNamed(t *testing.T) {
	t.Parallel()
	long := func(n int) string { return strings.Repeat("é", n) } // characters, not bytes
	of := func(line ...order.Line) func(*order.Request) {
		return func(r *order.Request) { r.Lines = line }
	}
	to := func(change func(*order.Address)) func(*order.Request) {
		return func(r *order.Request) { r.Address = address(change) }
	}
	for name, c := range map[string]struct {
		change func(*order.Request)
		want   []string
	}{
		"as it should be":          {func(*order.Request) {}, nil},
		"no key":                   {func(r *order.Request) { r.IdempotencyKey = "" }, []string{"Idempotency-Key"}},
		"longest key":              {func(r *order.Request) { r.IdempotencyKey = long(255) }, nil},
		"key too long":             {func(r *order.Request) { r.IdempotencyKey = long(256) }, []string{"Idempotency-Key"}},
		"no lines":                 {of(), []string{"lines"}},
		"most lines":               {func(r *order.Request) { r.Lines = lines(1000) }, nil},
		"too many lines":           {func(r *order.Request) { r.Lines = lines(1001) }, []string{"lines"}},
		"longest sku":              {of(order.Line{SKU: long(64), Quantity: 1}), nil},
		"sku too long, sku empty":  {of(order.Line{SKU: long(65), Quantity: 1}, order.Line{Quantity: 1}), []string{"lines[0].sku", "lines[1].sku"}},
		"sku not printable":        {of(order.Line{SKU: "A\x00", Quantity: 1}, order.Line{SKU: "A\n", Quantity: 1}), []string{"lines[0].sku", "lines[1].sku"}},
		"sku not UTF-8":            {of(order.Line{SKU: "A\xff", Quantity: 1}), []string{"lines[0].sku"}},
		"quantities at the edge":   {of(order.Line{SKU: "A", Quantity: 1}, order.Line{SKU: "B", Quantity: 10_000}), nil},
		"quantities over the edge": {of(order.Line{SKU: "A"}, order.Line{SKU: "B", Quantity: 10_001}, order.Line{SKU: "C", Quantity: -1}), []string{"lines[0].quantity", "lines[1].quantity", "lines[2].quantity"}},
		"adds up to the most":      {of(order.Line{SKU: "A", Quantity: 4000}, order.Line{SKU: "B", Quantity: 1}, order.Line{SKU: "A", Quantity: 6000}), nil},
		"adds up to too many":      {of(order.Line{SKU: "A", Quantity: 4001}, order.Line{SKU: "B", Quantity: 1}, order.Line{SKU: "A", Quantity: 6000}), []string{"lines"}},
		"no payment method":        {func(r *order.Request) { r.PaymentMethod = "" }, []string{"payment_method"}},
		"longest payment method":   {func(r *order.Request) { r.PaymentMethod = long(64) }, nil},
		"payment method too long":  {func(r *order.Request) { r.PaymentMethod = long(65) }, []string{"payment_method"}},
		"longest note, with lines": {func(r *order.Request) { r.Note = "a\n" + long(998) }, nil},
		"note too long":            {func(r *order.Request) { r.Note = long(1001) }, []string{"note"}},
		"note not printable":       {func(r *order.Request) { r.Note = "a\tb" }, []string{"note"}},
		"note not UTF-8":           {func(r *order.Request) { r.Note = "\xc3" }, []string{"note"}},
		"address": {to(func(a *order.Address) {
			a.Recipient, a.Lines, a.City, a.PostalCode = long(200), slices.Repeat([]string{long(200)}, 5), long(200), ""
		}), nil},
		"address, all wrong": {to(func(a *order.Address) { *a = order.Address{PostalCode: long(201)} }), []string{
			"shipping_address.recipient", "shipping_address.lines", "shipping_address.city", "shipping_address.postal_code", "shipping_address.country_code"}},
		"address, all too long": {to(func(a *order.Address) {
			a.Recipient, a.Lines, a.City, a.CountryCode = long(201), []string{"ok", long(201), "", "a\nb", "\xff", "sixth"}, long(201), "GBR"
		}), []string{"shipping_address.recipient", "shipping_address.lines", "shipping_address.lines[1]", "shipping_address.lines[2]",
			"shipping_address.lines[3]", "shipping_address.lines[4]", "shipping_address.city", "shipping_address.country_code"}},
		"country in small letters": {to(func(a *order.Address) { a.CountryCode = "gb" }), []string{"shipping_address.country_code"}},
		"country no letters":       {to(func(a *order.Address) { a.CountryCode = "É" }), []string{"shipping_address.country_code"}},
		"everything":               {func(r *order.Request) { *r = order.Request{Note: "\x00"} }, []string{"Idempotency-Key", "lines", "payment_method", "note"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := request("key")
			c.change(&r)
			err := r.Normalise()
			if c.want == nil && err != nil || c.want != nil && fault.Code(err) != codes.InvalidArgument {
				t.Fatalf("error %v", err)
			}
			if err != nil {
				same(t, "bad fields", c.want, fieldNames(err))
			}
		})
	}
}

func TestLinesOfOneProductAreAddedUpInOrderOfFirstMention(t *testing.T) {
	t.Parallel()
	given := []order.Line{{SKU: "B", Quantity: 1}, {SKU: "A", Quantity: 2}, {SKU: "B", Quantity: 3}, {SKU: "b", Quantity: 4}}
	r := request("key")
	r.Lines = slices.Clone(given)
	asked := r.Lines
	if err := r.Normalise(); err != nil {
		t.Fatal(err)
	}
	same(t, "lines", []order.Line{{SKU: "B", Quantity: 4}, {SKU: "A", Quantity: 2}, {SKU: "b", Quantity: 4}}, r.Lines)
	same(t, "the caller's lines", given, asked)
}

// small draws strings that are easily mistaken for one another.
func small() *rapid.Generator[string] { return rapid.StringMatching(`[ab12]{0,3}`) }

func TestOrderIDsDifferExactlyWhenCustomerOrKeyDo(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) order.Request {
			return order.Request{CustomerID: small().Draw(t, name+" customer"), IdempotencyKey: small().Draw(t, name+" key"), Note: small().Draw(t, name+" note")}
		}
		a, b := draw("a"), draw("b")
		equal := a.CustomerID == b.CustomerID && a.IdempotencyKey == b.IdempotencyKey
		if (a.OrderID() == b.OrderID()) != equal {
			t.Errorf("ids %s of %+v and %s of %+v", a.OrderID(), a, b.OrderID(), b)
		}
	})
}

func TestFingerprintsDifferExactlyWhenRequestsDo(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) order.Request {
			r := order.Request{PaymentMethod: small().Draw(t, name+" method"), Note: small().Draw(t, name+" note")}
			for i := range rapid.IntRange(0, 3).Draw(t, name+" lines") {
				r.Lines = append(r.Lines, order.Line{SKU: small().Draw(t, fmt.Sprint(name, " sku ", i)), Quantity: rapid.Int32Range(1, 12).Draw(t, fmt.Sprint(name, " quantity ", i))})
			}
			if rapid.Bool().Draw(t, name+" has address") {
				r.Address = &order.Address{Recipient: small().Draw(t, name+" recipient"), City: small().Draw(t, name+" city"),
					PostalCode: small().Draw(t, name+" code"), CountryCode: small().Draw(t, name+" country"),
					Lines: rapid.SliceOfN(small(), 1, 5).Draw(t, name+" address")}
			}
			return r
		}
		a, b := draw("a"), draw("b")
		if rapid.Bool().Draw(t, "alike") {
			b = a
			b.CustomerID, b.IdempotencyKey = "another", "key" // what it is kept under is not what is asked for
		}
		b2 := b
		b2.CustomerID, b2.IdempotencyKey = a.CustomerID, a.IdempotencyKey
		if equal := cmp.Equal(a, b2); bytes.Equal(a.Fingerprint(), b.Fingerprint()) != equal {
			t.Errorf("fingerprints of %+v and %+v, which are equal: %v", a, b, equal)
		}
	})
}

// What is accepted can be stored, and a second look changes nothing; what is refused is refused by name.
func FuzzNormalise(f *testing.F) {
	f.Add("key", "TEA", int32(1), "CUP", int32(2), "pm", "note\n", "Ada", "1 High St", "GB")
	f.Add("", "TEA", int32(5001), "TEA", int32(5000), "", "\x00", "\xff", "", "gb")
	f.Add("k", "\xc3\x28", int32(-1), "é", int32(1<<31-1), "\u2028", "\r\n", "\u202e", "\u0000", "É")
	f.Fuzz(func(t *testing.T, key, sku1 string, n1 int32, sku2 string, n2 int32, method, note, recipient, line, country string) {
		r := order.Request{CustomerID: customer, IdempotencyKey: key, PaymentMethod: method, Note: note,
			Lines:   []order.Line{{SKU: sku1, Quantity: n1}, {SKU: sku2, Quantity: n2}, {SKU: sku1, Quantity: n1}},
			Address: &order.Address{Recipient: recipient, Lines: []string{line}, City: recipient, PostalCode: line, CountryCode: country}}
		if err := r.Normalise(); err != nil {
			if fault.Code(err) != codes.InvalidArgument || len(fieldNames(err)) == 0 {
				t.Errorf("refused with %v", err)
			}
			return
		}
		first, print := r, r.Fingerprint()
		if err := r.Normalise(); err != nil || !cmp.Equal(first, r) || !bytes.Equal(print, r.Fingerprint()) {
			t.Errorf("a second look made %+v of %+v: %v", r, first, err)
		}
		created := &eventv1.OrderCreated{PaymentMethod: r.PaymentMethod}
		seen := map[string]bool{}
		for _, l := range r.Lines {
			if seen[l.SKU] || l.Quantity < 1 || l.Quantity > order.MaxQuantity {
				t.Errorf("lines are %+v", r.Lines)
			}
			seen[l.SKU] = true
			created.Lines = append(created.Lines, &typev1.OrderLine{Sku: l.SKU, Quantity: l.Quantity})
		}
		details := &orderv1.PlaceOrderRequest{Note: r.Note, ShippingAddress: &orderv1.Address{Recipient: recipient, Lines: r.Address.Lines, City: r.Address.City, PostalCode: line, CountryCode: country}}
		for _, m := range []proto.Message{created, details} {
			if _, err := proto.Marshal(m); err != nil {
				t.Errorf("what was accepted cannot be stored: %v", err)
			}
		}
	})
}
