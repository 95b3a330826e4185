package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"orderflow.dev/internal/importing"
)

// Imports is importing.Store: imports/{id}, and chunks/{id}-{number}.
type Imports struct {
	db Database
}

// NewImports keeps imports in db.
func NewImports(db Database) *Imports { return &Imports{db} }

const (
	fieldRecord = "record" // JSON of an importing.Import or importing.Chunk
	fieldImport = "import"
	fieldNumber = "number"
)

func importPath(id string) string            { return "imports/" + id }
func chunkPath(id string, number int) string { return fmt.Sprintf("chunks/%s-%06d", id, number) }

// Create implements importing.Store.
func (s *Imports) Create(ctx context.Context, im *importing.Import) error {
	err := s.Save(ctx, im)
	if errors.Is(err, importing.ErrConflict) {
		return importing.ErrExists
	}
	return err
}

// Get implements importing.Store.
func (s *Imports) Get(ctx context.Context, id string) (*importing.Import, error) {
	if !validID(id) {
		return nil, importing.ErrNotFound
	}
	documents, err := s.db.Get(ctx, importPath(id))
	if err != nil {
		return nil, err
	}
	if !documents[0].Exists() {
		return nil, importing.ErrNotFound
	}
	return readImport(documents[0])
}

// Save implements importing.Store.
func (s *Imports) Save(ctx context.Context, im *importing.Import, chunks ...*importing.Chunk) error {
	record, err := json.Marshal(im)
	if err != nil {
		return fmt.Errorf("save import %s: %w", im.ID, err)
	}
	as := version(im.Version)
	fields := Fields{fieldRecord: record}
	switch {
	case !im.NextLook.IsZero():
		fields[fieldSweepShard], fields[fieldNextAttempt] = shardOf(im.ID), im.NextLook
	case !as.IsZero():
		fields[fieldSweepShard], fields[fieldNextAttempt] = Delete, Delete
	}
	if as.IsZero() {
		fields[fieldCreated] = im.Created
	}
	writes := []Write{{Path: importPath(im.ID), Fields: fields, As: as}}
	for _, c := range chunks {
		w, err := chunkWrite(c)
		if err != nil {
			return err
		}
		writes = append(writes, w)
	}
	at, err := s.commit(ctx, writes...)
	if err != nil {
		return err
	}
	im.Version = at
	for _, c := range chunks {
		c.Version = at
	}
	return nil
}

// commit answers the commit's time, which is the update time of everything it changed.
func (s *Imports) commit(ctx context.Context, writes ...Write) (time.Time, error) {
	at, err := commit(ctx, s.db, writes...)
	if errors.Is(err, ErrConflict) {
		return at, importing.ErrConflict
	}
	return at, err
}

func chunkWrite(c *importing.Chunk) (Write, error) {
	record, err := json.Marshal(c)
	if err != nil {
		return Write{}, fmt.Errorf("save chunk %d of import %s: %w", c.Number, c.ImportID, err)
	}
	return Write{Path: chunkPath(c.ImportID, c.Number), As: version(c.Version), Fields: Fields{
		fieldImport: c.ImportID, fieldNumber: int64(c.Number), fieldRecord: record,
	}}, nil
}

// SaveChunk implements importing.Store.
func (s *Imports) SaveChunk(ctx context.Context, c *importing.Chunk) error {
	w, err := chunkWrite(c)
	if err != nil {
		return err
	}
	c.Version, err = s.commit(ctx, w)
	return err
}

// Chunk implements importing.Store.
func (s *Imports) Chunk(ctx context.Context, id string, number int) (*importing.Chunk, error) {
	if !validID(id) {
		return nil, importing.ErrNotFound
	}
	documents, err := s.db.Get(ctx, chunkPath(id, number))
	if err != nil {
		return nil, err
	}
	if !documents[0].Exists() {
		return nil, importing.ErrNotFound
	}
	return readChunk(documents[0])
}

// ChunksOf implements importing.Store. It runs on the index (import, number).
func (s *Imports) ChunksOf(ctx context.Context, id string, from, limit int) ([]*importing.Chunk, error) {
	documents, err := s.db.Query(ctx, Query{
		Collection: "chunks", Limit: limit,
		Where:   []Where{{fieldImport, "==", id}, {fieldNumber, ">=", int64(from)}},
		OrderBy: []Order{{Field: fieldNumber}},
	})
	if err != nil {
		return nil, err
	}
	chunks := make([]*importing.Chunk, len(documents))
	for i, d := range documents {
		if chunks[i], err = readChunk(d); err != nil {
			return nil, err
		}
	}
	return chunks, nil
}

// List implements importing.Store.
func (s *Imports) List(ctx context.Context, pageSize int, token string) ([]*importing.Import, string, error) {
	query := Query{Collection: "imports", Limit: pageSize + 1, OrderBy: []Order{{fieldCreated, true}, {DocumentID, true}}}
	if token != "" {
		after, err := readToken(token)
		if err != nil {
			return nil, "", err
		}
		query.After = after
	}
	documents, err := s.db.Query(ctx, query)
	if err != nil {
		return nil, "", err
	}
	next := ""
	if len(documents) > pageSize {
		documents = documents[:pageSize]
		next = pageToken(documents[pageSize-1])
	}
	imports, err := readImports(documents)
	return imports, next, err
}

// Due implements importing.Store. It runs on the index (sweep_shard, next_attempt_time).
func (s *Imports) Due(ctx context.Context, now time.Time, limit int) ([]*importing.Import, error) {
	var (
		due    []*importing.Import
		failed []error
	)
	for shard := range int64(shards) {
		documents, err := s.db.Query(ctx, Query{
			Collection: "imports", Limit: max(limit/shards, 1),
			Where:   []Where{{fieldSweepShard, "==", shard}, {fieldNextAttempt, "<=", now}},
			OrderBy: []Order{{Field: fieldNextAttempt}},
		})
		failed = append(failed, err)
		for _, d := range documents {
			im, err := readImport(d)
			if err != nil { // it must not keep the others from their end
				failed = append(failed, err)
				continue
			}
			due = append(due, im)
		}
	}
	return due, errors.Join(failed...)
}

func readImports(documents []Document) (imports []*importing.Import, err error) {
	for _, d := range documents {
		im, err := readImport(d)
		if err != nil {
			return imports, err
		}
		imports = append(imports, im)
	}
	return imports, nil
}

func readImport(d Document) (*importing.Import, error) {
	im := &importing.Import{}
	if err := json.Unmarshal(d.bytes(fieldRecord), im); err != nil {
		return nil, corrupt(d, err)
	}
	im.Version = d.UpdateTime
	return im, nil
}

func readChunk(d Document) (*importing.Chunk, error) {
	c := &importing.Chunk{}
	if err := json.Unmarshal(d.bytes(fieldRecord), c); err != nil {
		return nil, corrupt(d, err)
	}
	c.Version = d.UpdateTime
	return c, nil
}
