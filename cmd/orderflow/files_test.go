package main

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func file(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if strings.HasSuffix(name, ".gz") {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write([]byte(content))
		z.Close()
		content = b.String()
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const basketsHeader = "order_ref,customer_id,sku,quantity\n"

func TestBasketsAreNeighbouringRows(t *testing.T) {
	t.Parallel()
	rows := basketsHeader + "A,c1,x,1\nA,c1,y,2\nB,c2,x,3\nC,c1,z,1\n"
	for _, name := range []string{"b.csv", "b.csv.gz"} {
		for count, want := range map[int][]string{0: {"A c1 x×1 y×2", "B c2 x×3", "C c1 z×1"}, 2: {"A c1 x×1 y×2", "B c2 x×3"}, 9: {"A c1 x×1 y×2", "B c2 x×3", "C c1 z×1"}} {
			var got []string
			err := baskets(file(t, name, rows), count, func(b basket) error {
				s := b.ref + " " + b.customer
				for _, l := range b.lines {
					s += " " + l.GetSku() + "×" + string('0'+rune(l.GetQuantity()))
				}
				got = append(got, s)
				return nil
			})
			if err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, count %d (-want +got):\n%s", name, count, diff)
			}
		}
	}
}

func TestBadFilesSayWhatIsWrong(t *testing.T) {
	t.Parallel()
	ignore := func(basket) error { return nil }
	for name, tt := range map[string]struct{ rows, want string }{
		"header":   {"ref,sku\n", "must begin with the header order_ref,customer_id,sku,quantity"},
		"empty":    {"", "must begin with the header"},
		"quantity": {basketsHeader + "A,c,x,many\n", `line 2: quantity "many" is no number`},
		"columns":  {basketsHeader + "A,c,x\n", "wrong number of fields"},
	} {
		if err := baskets(file(t, "b.csv", tt.rows), 0, ignore); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q in it", name, err, tt.want)
		}
	}
	for name, tt := range map[string]struct{ rows, want string }{
		"no price column": {"sku,name,currency,stock\n", `has no column unit_price. It has "sku", "name", "currency" and "stock"`},
		"price":           {"sku,name,unit_price,currency,stock\nx,X,1.234,GBP,1\n", `line 2: the row is not valid: unit_price is "1.234"`},
		"stock":           {"sku,name,unit_price,currency,stock\nx,X,1.23,GBP,lots\n", "line 2"},
	} {
		if _, err := readCatalogue(file(t, "c.csv", tt.rows)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q in it", name, err, tt.want)
		}
	}
}

func TestPricesAreReadWithoutFloatingPoint(t *testing.T) {
	t.Parallel()
	read := func(price string) (int64, error) {
		items, err := readCatalogue(file(t, "c.csv", "sku,name,unit_price,currency,stock\nx,X,\""+price+"\",GBP,1\n"))
		if err != nil {
			return 0, err
		}
		return items[0].GetUnitPrice().GetMinorUnits(), nil
	}
	for s, want := range map[string]int64{"0.85": 85, "11.96": 1196, "3": 300, "3.1": 310, "0": 0, "4.35": 435, " 2.50 ": 250} {
		if got, err := read(s); err != nil || got != want {
			t.Errorf("%q is %d, %v; want %d", s, got, err, want)
		}
	}
	for _, s := range []string{"", "-1", "+1", "1.234", "1,50", "£1", "1e3", ".", "99999999999999999999"} {
		if got, err := read(s); err == nil {
			t.Errorf("%q is %d, want an error", s, got)
		}
	}
}

func TestTheViewShowsALinePerInvocation(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	v := newView(&out)
	log := `{"time":"2026-01-02T03:04:05.678Z","severity":"INFO","function":"place-order","outcome":"ok","order_id":"abcdefghijkl","ms":12.34,"writes":1,"publishes":1}
{"time":"2026-01-02T03:04:06Z","severity":"INFO","function":"sweep-orders","outcome":"ok","ms":3,"reads":4}
{"time":"2026-01-02T03:04:07Z","severity":"ERROR","function":"inventory","method":"ReserveStock","outcome":"unknown","ms":1,"error":"panic: boom\nstack"}
`
	for _, part := range []string{log[:50], log[50:]} { // lines come in pieces
		if _, err := v.Write([]byte(part)); err != nil {
			t.Fatal(err)
		}
	}
	want := `03:04:05.678  abcdefgh  place-order              ok                  12.3 ms  1 writes  1 published
03:04:07.000  -         inventory.ReserveStock   unknown              1.0 ms  ERROR: panic: boom
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("view (-want +got):\n%s", diff)
	}
}
