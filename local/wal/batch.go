package wal

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
)

const (
	headerSize = 8 + 8 + 4 + 4
	maxName    = 255 // bytes: its length is one byte
	maxSpare   = 4 << 20
)

var (
	castagnoli   = crc32.MakeTable(crc32.Castagnoli)
	errMalformed = errors.New("a record that is longer than its batch")
)

// batch is what goes to the disk in one write: a header (position, length, the records' checksum, the header's own) and
// records (the part's name and the record, each with its length). The next batch is written only after this one is on the
// disk, so a batch that is broken was either the last, or was damaged later.
type batch struct {
	bytes []byte // room for the header, then records
	from  Position
	end   Position
	done  chan struct{} // closed when the batch is on the disk, or never will be
}

func newBatch(from Position, spare []byte) *batch {
	return &batch{bytes: append(spare[:0], make([]byte, headerSize)...), from: from, end: from, done: make(chan struct{})}
}

func (b *batch) add(name string, record []byte) {
	b.bytes = append(b.bytes, byte(len(name)))
	b.bytes = append(b.bytes, name...)
	b.bytes = binary.AppendUvarint(b.bytes, uint64(len(record)))
	b.bytes = append(b.bytes, record...)
	b.end = b.from + Position(len(b.bytes)-headerSize)
}

func (b *batch) empty() bool { return b.from == b.end }

// size is in bytes of records.
func (b *batch) size() int { return int(b.end - b.from) }

// sealed is the batch as it is written.
func (b *batch) sealed() []byte {
	head, records := b.bytes[:headerSize], b.bytes[headerSize:]
	binary.LittleEndian.PutUint64(head, uint64(b.from))
	binary.LittleEndian.PutUint64(head[8:], uint64(len(records)))
	binary.LittleEndian.PutUint32(head[16:], crc32.Checksum(records, castagnoli))
	binary.LittleEndian.PutUint32(head[20:], crc32.Checksum(head[:20], castagnoli))
	return b.bytes
}

// spare is the batch's memory for another one, if it is worth no more than to be kept.
func (b *batch) spare() []byte {
	if cap(b.bytes) > maxSpare {
		return nil
	}
	return b.bytes
}

// header is a batch's header, read.
type header struct {
	from   Position
	length uint64 // bytes of records
	sum    uint32
}

func parseHeader(b []byte) (h header, ok bool) {
	h = header{
		from: Position(binary.LittleEndian.Uint64(b)), length: binary.LittleEndian.Uint64(b[8:]),
		sum: binary.LittleEndian.Uint32(b[16:]),
	}
	return h, h.from >= 0 && binary.LittleEndian.Uint32(b[20:]) == crc32.Checksum(b[:20], castagnoli)
}

// cut takes the first record off a batch's records.
func cut(records []byte) (name, record, rest []byte, err error) {
	n := 1 + int(records[0])
	if n > len(records) {
		return nil, nil, nil, errMalformed
	}
	name, rest = records[1:n], records[n:]
	size, n := binary.Uvarint(rest)
	if n <= 0 || size > uint64(len(rest)-n) {
		return nil, nil, nil, errMalformed
	}
	return name, rest[n : n+int(size)], rest[n+int(size):], nil
}
