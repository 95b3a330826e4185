package order

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"hash"
	"strings"
	"unicode"
	"unicode/utf8"

	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/fault"
)

// Limits of a request.
const (
	MaxLines    = 1000
	MaxSKU      = 64 // characters
	MaxQuantity = 10_000
	MaxKey      = 255 // characters of an idempotency key
	MaxNote     = 1000
	maxPart     = 200 // characters of a part of an address

	maxViolations = 100 // that are told at a time: of a thousand lines, all may be wrong
	maxMethod     = 64
)

// Line is how many of what.
type Line struct {
	SKU       string
	Quantity  int32
	UnitPrice *typev1.Money // nil: the catalogue's, as always but for files of partners whose prices are honoured
}

// Request is what a customer asks for.
type Request struct {
	CustomerID     string
	IdempotencyKey string
	Source         string // of a row in a file: whose. The key is then unique among that source's orders, not the customer's
	Origin         string // of a row in a file: which import and line, kept with the order
	Lines          []Line
	PaymentMethod  string
	Address        *Address
	Note           string
}

// OrderID is made from customer and idempotency key, or from source and key: the same request finds the same order.
func (r *Request) OrderID() string {
	h := sha256.New()
	if r.Source != "" {
		writeParts(h, "source", r.Source, r.IdempotencyKey)
	} else {
		writeParts(h, r.CustomerID, r.IdempotencyKey)
	}
	return strings.ToLower(base32.StdEncoding.EncodeToString(h.Sum(nil)[:20]))
}

// fingerprint is a hash of everything asked for, and of nothing else: not of prices, which change.
func (r *Request) fingerprint() []byte {
	h := sha256.New()
	for _, l := range r.Lines {
		parts := []string{l.SKU, fmt.Sprint(l.Quantity)}
		if l.UnitPrice != nil {
			parts = append(parts, l.UnitPrice.GetCurrencyCode(), fmt.Sprint(l.UnitPrice.GetMinorUnits()))
		}
		writeParts(h, parts...)
	}
	if r.Source != "" { // otherwise it is in the id
		writeParts(h, r.CustomerID)
	}
	writeParts(h, r.PaymentMethod, r.Note)
	if a := r.Address; a != nil {
		writeParts(h, a.Recipient, a.City, a.PostalCode, a.CountryCode)
		writeParts(h, a.Lines...)
	}
	return h.Sum(nil)
}

// writeParts hashes strings so that no two lists of them give the same bytes.
func writeParts(h hash.Hash, parts ...string) {
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(len(parts)))
	h.Write(n[:])
	for _, p := range parts {
		binary.BigEndian.PutUint64(n[:], uint64(len(p)))
		h.Write(n[:])
		h.Write([]byte(p))
	}
}

func (r *Request) skus() []string {
	skus := make([]string, 0, len(r.Lines))
	for _, l := range r.Lines {
		skus = append(skus, l.SKU)
	}
	return skus
}

// normalise adds up lines of one SKU and refuses what is not valid, naming every bad field.
func (r *Request) normalise() error {
	var v violations
	v.key(r.IdempotencyKey)
	v.lines(r.Lines)
	v.text("payment_method", r.PaymentMethod, 1, maxMethod)
	v.text("note", r.Note, 0, MaxNote)
	if r.Address != nil {
		v.address(r.Address)
	}
	if len(v) > 0 {
		return fault.Invalid(v)
	}
	v.prices(r.Lines)
	r.Lines = added(r.Lines)
	for _, l := range r.Lines {
		if l.Quantity > MaxQuantity {
			v.add("lines", "add up to %d of %s: the most is %d", l.Quantity, l.SKU, MaxQuantity)
		}
	}
	return fault.Invalid(v)
}

// added are the lines with each SKU once, in the order of first mention. MaxLines * MaxQuantity fits an int32.
func added(lines []Line) []Line {
	var out []Line
	at := map[string]int{}
	for _, l := range lines {
		i, ok := at[l.SKU]
		if !ok {
			at[l.SKU] = len(out)
			out = append(out, l)
			continue
		}
		out[i].Quantity += l.Quantity // rows of one product at two prices: see normalise
	}
	return out
}

type violations []fault.Field

func (v *violations) add(field, format string, args ...any) {
	*v = append(*v, fault.Field{Name: field, Message: fmt.Sprintf(format, args...)})
}

func (v *violations) key(key string) {
	switch {
	case key == "":
		v.add("Idempotency-Key", "header is missing: send a fresh unique value with each new order, and the same one when you retry, so that a retry never orders twice")
	case utf8.RuneCountInString(key) > MaxKey:
		v.add("Idempotency-Key", "header is over %d characters", MaxKey)
	}
}

func (v *violations) lines(lines []Line) {
	if n := len(lines); n < 1 || n > MaxLines {
		v.add("lines", "are %d: an order has 1 to %d", n, MaxLines)
		return
	}
	for i, l := range lines {
		if len(*v) >= maxViolations {
			v.add("lines", "may have more that is wrong: mend these first")
			return
		}
		v.text(fmt.Sprintf("lines[%d].sku", i), l.SKU, 1, MaxSKU)
		if l.Quantity < 1 || l.Quantity > MaxQuantity {
			v.add(fmt.Sprintf("lines[%d].quantity", i), "is %d: it may be 1 to %d", l.Quantity, MaxQuantity)
		}
	}
}

// prices refuses one product at two prices in one order: its lines are added up.
func (v *violations) prices(lines []Line) {
	of := map[string]*typev1.Money{}
	for _, l := range lines {
		if before, ok := of[l.SKU]; ok && (before.GetMinorUnits() != l.UnitPrice.GetMinorUnits() || before.GetCurrencyCode() != l.UnitPrice.GetCurrencyCode()) {
			v.add("lines", "have %s at two prices: an order has one price a product", l.SKU)
			return
		}
		of[l.SKU] = l.UnitPrice
	}
}

// text checks length in characters and that it is printable text: line breaks are for notes only.
func (v *violations) text(field, s string, least, most int) {
	n := utf8.RuneCountInString(s)
	switch {
	case n < least:
		v.add(field, "is missing")
	case n > most:
		v.add(field, "is %d characters long: the most is %d", n, most)
	case !utf8.ValidString(s):
		v.add(field, "is not UTF-8")
	case strings.IndexFunc(s, func(r rune) bool { return unicode.IsControl(r) && (field != "note" || r != '\n') }) >= 0:
		v.add(field, "has control characters")
	}
}

func (v *violations) address(a *Address) {
	v.text("shipping_address.recipient", a.Recipient, 1, maxPart)
	if n := len(a.Lines); n < 1 || n > 5 {
		v.add("shipping_address.lines", "are %d: an address has 1 to 5", n)
	}
	for i, l := range a.Lines {
		v.text(fmt.Sprintf("shipping_address.lines[%d]", i), l, 1, maxPart)
	}
	v.text("shipping_address.city", a.City, 1, maxPart)
	v.text("shipping_address.postal_code", a.PostalCode, 0, maxPart)
	if c := a.CountryCode; len(c) != 2 || strings.ToUpper(c) != c || c[0] < 'A' || c[0] > 'Z' || c[1] < 'A' || c[1] > 'Z' {
		v.add("shipping_address.country_code", "must be two capital letters (ISO 3166-1): GB")
	}
}
