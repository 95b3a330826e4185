package wal

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
)

// BenchmarkAppendAndWait keeps records of 500 bytes, by several goroutines, against an fsync for each.
func BenchmarkAppendAndWait(b *testing.B) {
	record := make([]byte, 500)
	for _, writers := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("log/%d", writers), func(b *testing.B) {
			c := recovered(b, b.TempDir())
			s := c.sets[0].stream
			spread(b, writers, func() error { return s.Wait(b.Context(), s.Append(record)) })
		})
		b.Run(fmt.Sprintf("fsync/%d", writers), func(b *testing.B) {
			f, err := os.Create(filepath.Join(b.TempDir(), "file"))
			if err != nil {
				b.Fatal(err)
			}
			defer f.Close()
			var mu sync.Mutex
			spread(b, writers, func() error {
				mu.Lock()
				defer mu.Unlock()
				if _, err := f.Write(record); err != nil {
					return err
				}
				return syncData(f)
			})
		})
	}
}

// spread runs do b.N times in all.
func spread(b *testing.B, goroutines int, do func() error) {
	b.Helper()
	var n atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	for range goroutines {
		wg.Go(func() {
			for n.Add(1) <= int64(b.N) {
				if err := do(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "appends/s")
}
