package database

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
)

// something is a document of about 300 bytes.
func something(i int) fields {
	return fields{
		"state": "PLACED", "n": i, "customer": fmt.Sprint("customer-", i%1000), "total": fields{"units": 12, "currency": "EUR"},
		"lines": []any{fields{"sku": "sku-1", "quantity": 2}, fields{"sku": "sku-2", "quantity": 1}}, "note": strings.Repeat("x", 100),
	}
}

func BenchmarkCommitOfTwo(b *testing.B) {
	for _, indexed := range []int{0, 3} {
		b.Run(fmt.Sprint(indexed, " indexes"), func(b *testing.B) {
			db := open(b, nil)
			for i := range indexed {
				index := byName(Scope{Collection: "orders"})
				index.Name = fmt.Sprint(i)
				paths(db.Latest(), index)
			}
			writes := make([][]*pb.Write, b.N)
			for i := range writes {
				writes[i] = []*pb.Write{
					exists(put(fmt.Sprint("orders/", i), something(i)), false), put(fmt.Sprint("outbox/", i), fields{"order": i}),
				}
			}
			b.ReportAllocs()
			b.ResetTimer()
			for _, w := range writes {
				must(b, db, w...)
			}
		})
	}
}

func BenchmarkTransactionOnOneDocument(b *testing.B) {
	db := open(b, nil)
	must(b, db, put("c/n", something(0)))
	b.ReportAllocs()
	for b.Loop() {
		tx := begin(b, db)
		f := tx.Read("c/n").Fields()
		f["n"] = val(int(f["n"].GetIntegerValue()) + 1)
		w := put("c/n", nil)
		w.GetUpdate().Fields = f
		if _, err := db.Commit(background, tx, []*pb.Write{w}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkScanOfTwentyAmongMany(b *testing.B) {
	db := open(b, nil)
	for i := range 20_000 {
		must(b, db, put(fmt.Sprintf("orders/%05d", i), something(i)))
	}
	index := byName(Scope{Collection: "orders"})
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for range db.Latest().Scan(index, []byte("orders/10000"), nil, false) {
			if n++; n == 20 {
				break
			}
		}
	}
}

// BenchmarkMemory says how many bytes a document takes, more than its fields do.
func BenchmarkMemory(b *testing.B) {
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		db := open(b, nil)
		const n = 50_000
		bytes := 0
		for i := range n {
			f := something(i)
			f["more"] = strings.Repeat("y", 1200)
			must(b, db, put(fmt.Sprint("orders/", i), f))
		}
		for d := range withPrefix(db.docs, "") {
			bytes += len(d.fields)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		runtime.KeepAlive(db)
		b.ReportMetric(float64(bytes)/n, "field-B/doc")
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/n, "heap-B/doc")
	}
}
