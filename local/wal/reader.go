package wal

import (
	"bufio"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
)

// remedy is what to do about damage.
const remedy = "bring the folder back from a copy, or remove it to begin with nothing"

// damaged is a place where a batch should be and is not.
type damaged struct {
	file   string
	offset int64
	what   string
	last   bool // as far as can be told, nothing follows it
}

func (d *damaged) Error() string {
	return fmt.Sprintf("%s is damaged at byte %d: %s: %s", d.file, d.offset, d.what, remedy)
}

// reader reads a file's batches.
type reader struct {
	file   *os.File
	in     *bufio.Reader
	size   int64
	offset int64    // of the next batch
	at     Position // of the next batch
	buffer []byte
}

func openReader(path string, at Position) (*reader, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &reader{file: f, in: bufio.NewReaderSize(f, 256<<10), size: info.Size(), at: at}, nil
}

func (r *reader) damage(what string) *damaged {
	return &damaged{file: r.file.Name(), offset: r.offset, what: what}
}

func (r *reader) cutOff(what string) error {
	d := r.damage(what)
	d.last = true
	return d
}

// next is the next batch's records, valid until the next call; io.EOF at the end, damaged if there is something else.
func (r *reader) next() ([]byte, error) {
	left := r.size - r.offset
	if left == 0 {
		return nil, io.EOF
	}
	if left < headerSize {
		return nil, r.cutOff("a batch's header is cut off")
	}
	var head [headerSize]byte
	if _, err := io.ReadFull(r.in, head[:]); err != nil {
		return nil, fmt.Errorf("read %s at byte %d: %w", r.file.Name(), r.offset, err)
	}
	h, ok := parseHeader(head[:])
	switch {
	case !ok:
		return nil, r.cutOff("a batch's header has another checksum")
	case h.from != r.at:
		return nil, r.damage(fmt.Sprintf("the batch of position %d is in the place of %d", h.from, r.at))
	case h.length > uint64(left-headerSize):
		return nil, r.cutOff("a batch is cut off")
	}
	return r.records(h)
}

func (r *reader) records(h header) ([]byte, error) {
	if uint64(cap(r.buffer)) < h.length {
		r.buffer = make([]byte, h.length)
	}
	records := r.buffer[:h.length]
	if _, err := io.ReadFull(r.in, records); err != nil {
		return nil, fmt.Errorf("read %s at byte %d: %w", r.file.Name(), r.offset, err)
	}
	end := r.offset + headerSize + int64(h.length)
	if crc32.Checksum(records, castagnoli) != h.sum {
		d := r.damage("a batch's records have another checksum")
		d.last = end == r.size
		return nil, d
	}
	r.offset = end
	r.at += Position(h.length)
	return records, nil
}

// torn says that an error is a batch that broke off: no batch begins after it, so it never was on the disk as a whole.
// A crash of the machine may leave any pieces of it.
func (r *reader) torn(err error) bool {
	var d *damaged
	if !errors.As(err, &d) || !d.last {
		return false
	}
	rest := bufio.NewReader(io.NewSectionReader(r.file, r.offset+1, r.size-r.offset-1))
	for {
		head, err := rest.Peek(headerSize)
		if err != nil {
			return errors.Is(err, io.EOF)
		}
		if h, ok := parseHeader(head); ok && h.from > r.at {
			return false
		}
		_, _ = rest.Discard(1) // it was peeked at
	}
}
