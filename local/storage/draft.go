package storage

import (
	"crypto/md5"
	"encoding/base64"
	"hash"
	"hash/crc32"
	"io"
	"os"
	"strings"
)

// draft is content on its way in: a file, and its checksums so far.
type draft struct {
	file *os.File
	size int64 // bytes
	crc  hash.Hash32
	md5  hash.Hash
}

// newDraft is an empty one in a folder.
func newDraft(dir string) (*draft, error) {
	f, err := os.CreateTemp(dir, draftPrefix)
	if err != nil {
		return nil, err
	}
	return &draft{file: f, crc: crc32.New(crc32.MakeTable(crc32.Castagnoli)), md5: md5.New()}, nil
}

// openDraft goes on with one that an earlier process may have begun.
func openDraft(path string) (*draft, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	d := &draft{file: f, crc: crc32.New(crc32.MakeTable(crc32.Castagnoli)), md5: md5.New()}
	if d.size, err = io.Copy(io.MultiWriter(d.crc, d.md5), f); err != nil {
		f.Close()
		return nil, err
	}
	return d, nil
}

// Write keeps size and checksums those of what is in the file, also if that is less than p.
func (d *draft) Write(p []byte) (int, error) {
	n, err := d.file.Write(p)
	d.crc.Write(p[:n])
	d.md5.Write(p[:n])
	d.size += int64(n)
	return n, err
}

func (d *draft) crc32c() string  { return base64.StdEncoding.EncodeToString(d.crc.Sum(nil)) }
func (d *draft) md5Hash() string { return base64.StdEncoding.EncodeToString(d.md5.Sum(nil)) }

// verify compares the content with what the client says of it: crc32c=... and md5=..., in base64.
func (d *draft) verify(hashes []string) error {
	for _, h := range hashes {
		algorithm, want, _ := strings.Cut(h, "=")
		is := map[string]string{"crc32c": d.crc32c(), "md5": d.md5Hash()}[algorithm]
		if is == "" {
			return unsupported("the checksum %q", algorithm)
		}
		if is != want {
			return invalid("Provided %s %q doesn't match calculated %s %q.", algorithm, want, algorithm, is)
		}
	}
	return nil
}

// moveTo makes the draft a file of another name. It is none any more then.
func (d *draft) moveTo(path string) error {
	if err := d.file.Close(); err != nil {
		return err
	}
	return os.Rename(d.file.Name(), path)
}

// discard removes what is left of a draft; nothing if it was moved.
func (d *draft) discard() {
	d.file.Close()
	os.Remove(d.file.Name())
}
