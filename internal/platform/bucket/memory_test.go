package bucket_test

import (
	"context"
	"io"
	"os"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

// zeros is an endless content.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// TestMemoryDoesNotGrowWithContent sends content through client and server, both in this process. ORDERFLOW_TEST_MIB
// makes it larger.
func TestMemoryDoesNotGrowWithContent(t *testing.T) {
	const most = 48 * mib
	size := int64(64 * mib)
	if n := os.Getenv("ORDERFLOW_TEST_MIB"); n == "1024" {
		size = 1024 * mib
	}
	b := newBucket(t)
	peak := peakHeap(t)
	began := time.Now()
	w := b.Create(t.Context(), "large", "application/octet-stream", nil)
	defer w.Abort()
	if _, err := io.Copy(w, io.LimitReader(zeros{}, size)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	sent := time.Since(began)
	r, err := b.Read(t.Context(), "large", 0, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if n, err := io.Copy(io.Discard, r); err != nil || n != size {
		t.Errorf("read %d bytes, error %v", n, err)
	}
	t.Logf("%d MiB: sent in %s, read in %s, heap at most %d MiB", size/mib, sent, time.Since(began)-sent, peak()/mib)
	if p := peak(); p > most {
		t.Errorf("the heap had %d MiB, want at most %d", p/mib, most/mib)
	}
}

// peakHeap watches the heap, beyond what is there already.
func peakHeap(t *testing.T) func() uint64 {
	t.Helper()
	var peak atomic.Uint64
	measure := func() uint64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	runtime.GC()
	before := measure()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	go func() {
		for ctx.Err() == nil {
			peak.Store(max(peak.Load(), measure()))
			time.Sleep(5 * time.Millisecond)
		}
	}()
	return func() uint64 { return max(peak.Load(), before) - before }
}
