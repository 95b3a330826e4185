package database

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// A record of the log is a protobuf message, of a commit or of a part of a snapshot:
//
//	string database = 1; int64 time = 2 (Unix microseconds); bool snapshot = 3; repeated Version version = 4;
//
// with Version { string path = 1; int64 created = 2; int64 updated = 3; bytes fields = 4 }, which has a path only
// if the document was deleted.
const (
	fieldDatabase = 1
	fieldTime     = 2
	fieldSnapshot = 3
	fieldVersion  = 4

	fieldPath    = 1
	fieldCreated = 2
	fieldUpdated = 3
	fieldFields  = 4
)

// record is what a record says.
type record struct {
	database string
	time     time.Time
	snapshot bool // part of what there is at that time, not what happened then
	versions []version
}

// version is a document, or the path of one that was deleted.
type version struct {
	path string
	*Document
}

func appendRecord(b []byte, database string, at time.Time, changes []Change) []byte {
	b = appendHead(b, database, at)
	for _, c := range changes {
		b = appendVersion(b, c.path(), c.After)
	}
	return b
}

func appendHead(b []byte, database string, at time.Time) []byte {
	b = appendString(b, fieldDatabase, database)
	return appendTime(b, fieldTime, at)
}

func appendString[T string | []byte](b []byte, n protowire.Number, s T) []byte {
	b = protowire.AppendTag(b, n, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(len(s)))
	return append(b, s...)
}

func appendTime(b []byte, n protowire.Number, t time.Time) []byte {
	b = protowire.AppendTag(b, n, protowire.VarintType)
	return protowire.AppendVarint(b, uint64(t.UnixMicro()))
}

func appendVersion(b []byte, path string, d *Document) []byte {
	var v []byte
	v = appendString(v, fieldPath, path)
	if d != nil {
		v = appendTime(v, fieldCreated, d.CreateTime)
		v = appendTime(v, fieldUpdated, d.UpdateTime)
		v = appendString(v, fieldFields, d.fields)
	}
	return appendString(b, fieldVersion, v)
}

var errRecord = errors.New("database: malformed record of the log")

// parseFields calls each with every field of a protobuf message: number is its value if it is a varint, content if
// it is bytes.
func parseFields(b []byte, each func(n protowire.Number, number uint64, content []byte) error) error {
	for len(b) > 0 {
		n, kind, size := protowire.ConsumeTag(b)
		if size < 0 {
			return errRecord
		}
		b = b[size:]
		var number uint64
		var content []byte
		switch kind {
		case protowire.VarintType:
			number, size = protowire.ConsumeVarint(b)
		case protowire.BytesType:
			content, size = protowire.ConsumeBytes(b)
		default:
			return errRecord
		}
		if size < 0 {
			return errRecord
		}
		if err := each(n, number, content); err != nil {
			return err
		}
		b = b[size:]
	}
	return nil
}

func parseRecord(b []byte) (r record, err error) {
	err = parseFields(b, func(n protowire.Number, number uint64, content []byte) error {
		switch n {
		case fieldDatabase:
			r.database = string(content)
		case fieldTime:
			r.time = time.UnixMicro(int64(number)).UTC()
		case fieldSnapshot:
			r.snapshot = number != 0
		case fieldVersion:
			v, err := parseVersion(content)
			r.versions = append(r.versions, v)
			return err
		}
		return nil
	})
	return r, err
}

func parseVersion(b []byte) (v version, err error) {
	d := &Document{}
	err = parseFields(b, func(n protowire.Number, number uint64, content []byte) error {
		switch n {
		case fieldPath:
			v.path, d.Path = string(content), string(content)
		case fieldCreated:
			d.CreateTime = time.UnixMicro(int64(number)).UTC()
		case fieldUpdated:
			d.UpdateTime = time.UnixMicro(int64(number)).UTC()
			v.Document = d
		case fieldFields:
			d.fields = slices.Clone(content)
		}
		return nil
	})
	return v, err
}

// Replay applies a record of the log. What a snapshot knows already is left out, by its time.
func (s *Store) Replay(b []byte) error {
	r, err := parseRecord(b)
	if err != nil {
		return err
	}
	db, err := s.Database(r.database)
	if err != nil {
		return fmt.Errorf("a record of the log: %w", err)
	}
	db.replay(r)
	return nil
}

func (db *Database) replay(r record) {
	db.mu.Lock()
	defer db.mu.Unlock()
	if !r.snapshot && !r.time.After(db.clock) {
		return
	}
	for _, v := range r.versions {
		set(db.docs, keyOf(v.path), v.Document)
	}
	db.clock, db.copied = r.time, nil
	db.history = history{limit: db.history.limit, floor: r.time}
}

// chunk is how much of a snapshot is one record.
const chunk = 1 << 20

// Snapshot emits what there is, each database at one moment.
func (s *Store) Snapshot(emit func(record []byte) error) error {
	for _, db := range s.all() {
		if err := db.snapshot(emit); err != nil {
			return err
		}
	}
	return nil
}

func (db *Database) snapshot(emit func(record []byte) error) error {
	db.commits.Lock() // what is in the log is in the view
	v := db.latest()
	db.commits.Unlock()
	head := appendHead(nil, db.name, v.time)
	head = protowire.AppendVarint(protowire.AppendTag(head, fieldSnapshot, protowire.VarintType), 1)
	b := slices.Clone(head)
	for d := range withPrefix(v.docs, "") {
		if b = appendVersion(b, d.Path, d); len(b) < chunk {
			continue
		}
		if err := emit(b); err != nil {
			return err
		}
		b = append(b[:0], head...)
	}
	return emit(b) // even if it has no documents: what is gone stays gone
}
