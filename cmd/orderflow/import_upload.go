package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"orderflow.dev/internal/importing"
	"orderflow.dev/internal/importing/rows"
	"orderflow.dev/internal/platform/bucket"
	"orderflow.dev/internal/unit"
	"orderflow.dev/local/stack"
)

// upload is a file that is to be uploaded.
type upload struct {
	path     string
	size     int               // bytes
	object   string            // its name in the bucket
	metadata map[string]string // of the object
}

// newUpload checks all that can be checked before anything is uploaded.
func newUpload(path string, f importFlags) (*upload, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no file", path)
	}
	u := &upload{path: path, size: int(info.Size())}
	if u.object, err = uploadName(path, f); err != nil {
		return nil, err
	}
	if f.columns != "" {
		kind, _ := importing.KindOf(u.object)
		u.metadata, err = columnsMetadata(kind, f.columns)
	}
	return u, err
}

// uploadName is the object's name. What would not be taken as an upload of that source, or of the catalogue, is refused.
func uploadName(path string, f importFlags) (string, error) {
	name := f.name
	if name == "" {
		name = filepath.Base(path)
	}
	if f.catalog {
		object := "catalog/" + name
		if _, ok := importing.KindOf(object); !ok {
			return "", fmt.Errorf("an upload cannot be called %s: --name is a file, but not columns.json", object)
		}
		return object, nil
	}
	object := "orders/" + f.source + "/" + name
	if source, ok := importing.Source(object); !ok || source != f.source {
		return "", fmt.Errorf("an upload cannot be called %s: --source is a folder without a slash, and --name a file in it, but not columns.json", object)
	}
	return object, nil
}

// maxMetadata is what Cloud Storage keeps of an object's own metadata, names included. In bytes.
const maxMetadata = 8 << 10

// columnsMetadata reads a columns.json, which goes along with the upload as its metadata.
func columnsMetadata(kind rows.Kind, path string) (map[string]string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if _, err := rows.ParseColumns(kind, data); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var b bytes.Buffer
	if err := json.Compact(&b, data); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if n := len(importing.ColumnsKey) + b.Len(); n > maxMetadata {
		return nil, fmt.Errorf("%s is too large to go along with an upload: %d bytes, and at most %d can", path, n, maxMetadata)
	}
	return map[string]string{importing.ColumnsKey: b.String()}, nil
}

// send uploads the file and answers its import's id. Nothing is there before all of it is.
func (u *upload) send(ctx context.Context, bar *progress) (id string, err error) {
	defer bar.Done()
	f, err := os.Open(u.path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	bucket, err := bucket.Open(ctx, unit.BucketName(stack.Project, "uploads"))
	if err != nil {
		return "", err
	}
	defer bucket.Close()
	w := bucket.Replace(ctx, u.object, "application/octet-stream", u.metadata) // what it is, shows when it is read
	defer w.Abort()
	if _, err = io.Copy(w, io.TeeReader(f, &meter{bar: bar})); err == nil {
		err = w.Close()
	}
	switch {
	case ctx.Err() != nil && err != nil:
		return "", left("the upload was broken off before it was known to be complete")
	case err != nil:
		return "", fmt.Errorf("upload %s: %w", u.path, err)
	}
	o := w.Object()
	return importing.ID(o.Bucket, o.Name, o.Generation), nil
}

// meter shows how many bytes were written to it.
type meter struct {
	bar *progress
	n   int
}

func (m *meter) Write(p []byte) (int, error) {
	m.n += len(p)
	m.bar.Say(m.n, "uploaded")
	return len(p), nil
}

// download writes an object, which a gs:// address names, to a file.
func download(ctx context.Context, address, path string) error {
	bucketName, name, _ := strings.Cut(strings.TrimPrefix(address, "gs://"), "/")
	bucket, err := bucket.Open(ctx, bucketName)
	if err != nil {
		return err
	}
	defer bucket.Close()
	r, err := bucket.Read(ctx, name, 0, 0, -1)
	if err != nil {
		return err
	}
	defer r.Close()
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := io.Copy(f, r); err != nil {
		return fmt.Errorf("download %s: %w", address, err)
	}
	return f.Close()
}
