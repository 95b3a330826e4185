package storage

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// record is one change of what is stored: what is in one record happened together.
type record struct {
	Generation int64           `json:"generation,omitempty"` // the last that was given away
	Bucket     *bucketResource `json:"bucket,omitempty"`     // created
	Drop       string          `json:"drop,omitempty"`       // a bucket
	Put        *object         `json:"put,omitempty"`
	Upload     string          `json:"upload,omitempty"` // the resumable upload that made Put
	Delete     *objectKey      `json:"delete,omitempty"`
	Events     []event         `json:"events,omitempty"` // to be delivered
	Done       *event          `json:"done,omitempty"`   // delivered, or given up; its object only by generation
}

type objectKey struct {
	Bucket string `json:"bucket"`
	Name   string `json:"name"`
}

// journal is a file of records, one a line.
type journal struct {
	file *os.File
	size int64 // bytes
}

// replay reads a journal. Its last line may have broken off with the process: nobody was told of that record.
func replay(path string, apply func(record)) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewReader(f)
	for n := 1; ; n++ {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		var r record
		if err := json.Unmarshal(line, &r); err != nil {
			return fmt.Errorf("%s, line %d, is damaged (remove the folder to start anew): %w", path, n, err)
		}
		apply(r)
	}
}

// newJournal replaces the journal at path by one of some records.
func newJournal(path string, records []record, to disk) (*journal, error) {
	draft := path + ".new"
	f, err := os.Create(draft)
	if err != nil {
		return nil, err
	}
	j := &journal{file: f}
	for _, r := range records {
		if err := j.append(r, nil); err != nil {
			f.Close()
			return nil, err
		}
	}
	if err := errors.Join(to.sync(f), f.Close()); err != nil {
		return nil, err
	}
	if err := os.Rename(draft, path); err != nil {
		return nil, err
	}
	if err := to.syncPath(filepath.Dir(path)); err != nil {
		return nil, err
	}
	j.file, err = os.OpenFile(path, os.O_WRONLY, 0o600)
	return j, err
}

// append adds a record, or nothing.
func (j *journal) append(r record, to disk) error {
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	line = append(line, '\n')
	_, err = j.file.WriteAt(line, j.size)
	if err == nil {
		err = to.sync(j.file)
	}
	if err != nil {
		return errors.Join(err, j.file.Truncate(j.size))
	}
	j.size += int64(len(line))
	return nil
}
