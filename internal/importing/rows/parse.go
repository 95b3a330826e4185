package rows

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"orderflow.dev/internal/fault"
)

// Longest texts, in characters.
const (
	maxRef    = 100
	maxID     = 100
	maxSKU    = 64
	maxMethod = 64
	maxNote   = 1000
	maxName   = 200
)

// The most that a product of the catalogue may cost, in minor units, and be there.
const (
	maxItemPrice = 1_000_000_000_000
	maxStock     = 1_000_000_000
)

// violations are all that is wrong with a row.
type violations []fault.Field

func (v *violations) add(c column, format string, args ...any) {
	*v = append(*v, fault.Field{Name: c.String(), Message: fmt.Sprintf(format, args...)})
}

// parseOrder makes a row of an order of its fields and says everything that is wrong with them.
func (row *Row) parseOrder(f *fields, l Limits) violations {
	var v violations
	row.OrderRef = v.text(f, orderRef, 1, maxRef)
	row.CustomerID = v.text(f, customerID, 1, maxID)
	row.SKU = v.text(f, sku, 1, maxSKU)
	row.Quantity = int32(v.whole(f, quantity, 1, int64(l.Quantity)))
	row.Currency = v.currency(f)
	row.UnitPrice = v.price(f, row.Currency)
	row.PaymentMethod = v.text(f, paymentMethod, 0, maxMethod)
	row.Note = v.text(f, note, 0, maxNote)
	return v
}

// parseItem makes a row of the catalogue of its fields and says everything that is wrong with them.
func (row *Row) parseItem(f *fields, _ Limits) violations {
	var v violations
	row.SKU = v.text(f, sku, 1, maxSKU)
	row.Name = v.text(f, name, 1, maxName)
	row.Currency = v.currency(f)
	row.UnitPrice = v.price(f, row.Currency)
	switch {
	case strings.TrimSpace(f[unitPrice]) == "":
		v.add(unitPrice, "is missing")
	case row.UnitPrice != nil && *row.UnitPrice > maxItemPrice:
		v.add(unitPrice, "is %s: it is more than we take", short(f[unitPrice]))
	}
	row.Stock = v.whole(f, stock, 0, maxStock)
	return v
}

// text checks length in characters and that people can read it: line breaks are for notes only.
func (v *violations) text(f *fields, c column, least, most int) string {
	s := strings.TrimSpace(f[c])
	n, control, lost := 0, false, false
	for _, r := range s {
		n++
		control = control || unicode.IsControl(r) && (c != note || r != '\n' && r != '\r')
		lost = lost || r == utf8.RuneError && c != note
	}
	switch {
	case n < least:
		v.add(c, "is missing")
	case n > most:
		v.add(c, "is %d characters long: the most is %d", n, most)
	case control:
		v.add(c, "is %s: control characters are not allowed", quote(s))
	case lost:
		v.add(c, "is %s: a character of it was lost on the way (U+FFFD)", quote(s))
	}
	return s
}

// whole is a whole number.
func (v *violations) whole(f *fields, c column, least, most int64) int64 {
	s := strings.TrimSpace(f[c])
	n, err := strconv.ParseInt(s, 10, 64) // out of range, n is the nearest that is in
	switch {
	case s == "":
		v.add(c, "is missing")
	case errors.Is(err, strconv.ErrSyntax):
		v.add(c, "is %s: it must be a whole number", quote(s))
	case n < least:
		v.add(c, "is %s: it must be at least %d", short(s), least)
	case n > most:
		v.add(c, "is %s: the most is %d", short(s), most)
	default:
		return n
	}
	return 0
}

func (v *violations) currency(f *fields) string {
	s := strings.TrimSpace(f[currency])
	if s == "" {
		return ""
	}
	if len(s) != 3 || strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		v.add(currency, "is %s: it must be three capital letters (ISO 4217), as GBP", quote(s))
		return ""
	}
	return s
}

// price is nil if there is none.
func (v *violations) price(f *fields, of string) *int64 {
	s := strings.TrimSpace(f[unitPrice])
	if s == "" {
		return nil
	}
	if of == "" {
		if f[currency] == "" {
			v.add(currency, "is missing: a unit_price needs one")
		}
		return nil
	}
	minor, err := minorUnits(s, decimals(of))
	if err != nil {
		v.add(unitPrice, "is %s: %v", quote(s), err)
		return nil
	}
	return &minor
}
