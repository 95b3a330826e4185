package main

import (
	"context"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	gcs "cloud.google.com/go/storage"

	"orderflow.dev/local/storage"
)

// compareUpload uploads bytes by the official client, beside writing the same to a file. Google has no emulator of Cloud
// Storage; docs/decisions/0008 has the numbers of others.
func compareUpload(ctx context.Context, size int64) error {
	dir, err := os.MkdirTemp("", "compare-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	began := time.Now()
	if err := writeFile(filepath.Join(dir, "alone"), size); err != nil {
		return err
	}
	alone := time.Since(began)
	began = time.Now()
	if err := upload(ctx, filepath.Join(dir, "server"), size); err != nil {
		return err
	}
	took := time.Since(began)
	fmt.Printf("Upload of %d MB: %.1f s, %.1f times as long as writing a file alone; client and server had at most %d MB of memory\n\n",
		size>>20, took.Seconds(), took.Seconds()/alone.Seconds(), peakMB())
	return nil
}

func writeFile(path string, size int64) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer os.Remove(path)
	defer f.Close()
	_, err = io.CopyN(f, zeros{}, size)
	return err
}

func upload(ctx context.Context, dir string, size int64) error {
	server, err := storage.Open(storage.Options{Dir: dir, Buckets: []string{"bucket"}})
	if err != nil {
		return err
	}
	defer server.Close()
	door := httptest.NewServer(server.Handler())
	defer door.Close()
	os.Setenv("STORAGE_EMULATOR_HOST", door.URL)
	client, err := gcs.NewClient(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	w := client.Bucket("bucket").Object("file").NewWriter(ctx)
	w.ChunkSize = 4 << 20
	if _, err := io.CopyN(w, zeros{}, size); err != nil {
		return err
	}
	return w.Close()
}

// zeros is endless.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// peakMB is the most memory that this process has had (VmHWM), where the system tells; 0 where not.
func peakMB() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	if fields := strings.Fields(rest); len(fields) > 0 {
		kb, _ := strconv.ParseInt(fields[0], 10, 64)
		return kb >> 10
	}
	return 0
}
