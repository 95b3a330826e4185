package rows_test

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"testing"

	"orderflow.dev/internal/importing/rows"
)

// big is a file of about n bytes: orders of ten rows.
func big(n int, row func(order, line int) string) string {
	var b strings.Builder
	b.Grow(n + 200)
	for i := 0; b.Len() < n; i++ {
		b.WriteString(row(i/10, i))
	}
	return b.String()
}

var files = []struct{ name, file string }{
	{"plain", head + big(32<<20, func(order, line int) string {
		return fmt.Sprintf("UCI-%06d,C%05d,SKU%04d,%d\n", order, order%4000, line%4000, 1+line%9)
	})},
	{"retail", "order_ref,sku,Description,quantity,InvoiceDate,unit_price,customer_id,Country,currency\n" + big(32<<20, func(order, line int) string {
		return fmt.Sprintf("%d,%05d,WHITE HANGING HEART T-LIGHT HOLDER,%d,12/1/10 8:26,2.55,%d,United Kingdom,GBP\n", 536365+order, line%4000, 1+line%9, order%4000)
	})},
	{"quoted", head + big(32<<20, func(order, line int) string {
		return fmt.Sprintf("\"UCI-%06d\",\"C%05d\",\"SKU \"\"%04d\"\"\",\"%d\"\n", order, order%4000, line%4000, 1+line%9)
	})},
	{"ndjson", big(32<<20, func(order, line int) string {
		return fmt.Sprintf("{\"order_ref\":\"UCI-%06d\",\"customer_id\":\"C%05d\",\"sku\":\"SKU%04d\",\"quantity\":%d}\n", order, order%4000, line%4000, 1+line%9)
	})},
}

// plainReader hides what lets io.Copy not read at all.
type plainReader struct{ io.Reader }

func forEachFile(b *testing.B, read func(b *testing.B, file string)) {
	for _, f := range files {
		b.Run(f.name, func(b *testing.B) {
			b.SetBytes(int64(len(f.file)))
			b.ReportAllocs()
			for b.Loop() {
				read(b, f.file)
			}
		})
	}
}

// BenchmarkCopy is the baseline for Split: the file read, not looked at.
func BenchmarkCopy(b *testing.B) {
	buf := make([]byte, rows.BufferSize)
	forEachFile(b, func(b *testing.B, file string) {
		if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, plainReader{strings.NewReader(file)}, buf); err != nil {
			b.Fatal(err)
		}
	})
}

func BenchmarkSplit(b *testing.B) {
	forEachFile(b, func(b *testing.B, file string) {
		if n := len(parts(b, open(b, file, rows.Limits{}), 1<<20)); n < 30 {
			b.Fatalf("%d parts", n)
		}
	})
}

// BenchmarkEncodingCSV is the baseline for reading: the fields of each row, and no more.
func BenchmarkEncodingCSV(b *testing.B) {
	forEachFile(b, func(b *testing.B, file string) {
		if file[0] == '{' {
			b.Skip("not CSV")
		}
		r := csv.NewReader(plainReader{strings.NewReader(file)})
		r.ReuseRecord = true
		for {
			if _, err := r.Read(); err == io.EOF {
				break
			} else if err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkNext(b *testing.B) {
	forEachFile(b, func(b *testing.B, file string) {
		r := open(b, file, rows.Limits{})
		for {
			row, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil || row.Err != nil {
				b.Fatal(err, row.Err)
			}
		}
	})
}

func BenchmarkGroups(b *testing.B) {
	forEachFile(b, func(b *testing.B, file string) {
		for g, err := range open(b, file, rows.Limits{}).Groups() {
			if err != nil || g.Err() != nil {
				b.Fatal(err, g.Err())
			}
		}
	})
}
