//go:build unix

package iam_test

import (
	"io"
	"syscall"
	"testing"

	"orderflow.dev/internal/store"
	"orderflow.dev/internal/unit"
	"orderflow.dev/local/cloudtest"
)

// BenchmarkGuard is what a guard adds to what units do most: each directly, and then the same through a guard. cpu-us/op is
// this process's processor time: the client's and the guard's, and of objects the store's.
func BenchmarkGuard(b *testing.B) {
	o := cloudtest.Upload(b, cloudtest.NewID(), "text")
	for _, op := range []struct {
		name string
		open func(*testing.B) (do func() error)
	}{
		{"get", func(b *testing.B) func() error {
			db := database(b, "orders")
			return func() error { _, err := db.Get(b.Context(), "c/none"); return err }
		}},
		{"commit", func(b *testing.B) func() error {
			db := database(b, "orders")
			return func() error {
				_, err := db.Commit(b.Context(), store.Write{Path: "c/" + cloudtest.NewID(), Fields: store.Fields{"n": int64(1)}})
				return err
			}
		}},
		{"publish", func(b *testing.B) func() error {
			p := newPublisher(b)
			return func() error { return p.Publish(b.Context(), created()) }
		}},
		{"read object", func(b *testing.B) func() error {
			bucket := cloudtest.Bucket(b, "uploads")
			return func() error {
				r, err := bucket.Read(b.Context(), o.Name, o.Generation, 0, -1)
				if err != nil {
					return err
				}
				defer r.Close()
				_, err = io.Copy(io.Discard, r)
				return err
			}
		}},
	} {
		b.Run(op.name+"/direct", func(b *testing.B) { measure(b, op.open(b)) })
		b.Run(op.name+"/guarded", func(b *testing.B) {
			behind(b, unit.Unit{
				Databases: map[string]unit.Access{"orders": "write"}, Publishes: []string{"OrderCreated"}, Buckets: map[string]unit.Access{"uploads": "read"},
			})
			measure(b, op.open(b))
		})
	}
}

func measure(b *testing.B, do func() error) {
	if err := do(); err != nil { // connects
		b.Fatal(err)
	}
	b.ReportAllocs()
	before := processor(b)
	for b.Loop() {
		if err := do(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(processor(b)-before)/float64(b.N), "cpu-us/op")
}

// processor is the processor time of this process so far, in microseconds.
func processor(b *testing.B) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return (u.Utime.Nano() + u.Stime.Nano()) / 1000
}
