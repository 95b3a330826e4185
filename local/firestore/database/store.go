package database

import (
	"context"
	"sync"
	"time"

	"orderflow.dev/local/wal"
)

// Options configure a Store. The zero value keeps everything in memory.
type Options struct {
	Log *wal.Log         // keeps it across restarts; memory only if nil
	Now func() time.Time // time.Now if nil
}

// Store is all databases of all projects.
type Store struct {
	now    func() time.Time
	stream *wal.Stream

	mu        sync.Mutex
	databases map[string]*Database
}

// NewStore returns an empty one. If it has a log, it is filled by the log's Recover.
func NewStore(o Options) *Store {
	s := &Store{now: o.Now, databases: map[string]*Database{}}
	if s.now == nil {
		s.now = time.Now
	}
	s.stream = o.Log.Attach("firestore", s)
	return s
}

// Database is the one of that name, projects/P/databases/D. A database is there once it is named, as with Google's
// emulator. INVALID_ARGUMENT for a malformed name.
func (s *Store) Database(name string) (*Database, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if db := s.databases[name]; db != nil {
		return db, nil
	}
	if err := checkDatabaseName(name); err != nil {
		return nil, err
	}
	db := newDatabase(name, s.now, s.stream)
	s.databases[name] = db
	return db, nil
}

// all are the databases, those that come later apart.
func (s *Store) all() []*Database {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*Database
	for _, db := range s.databases {
		all = append(all, db)
	}
	return all
}

// Reset empties all databases. Watchers see every document go.
func (s *Store) Reset() {
	for _, db := range s.all() {
		at := db.clear()
		_ = s.stream.Wait(context.Background(), at) // the next commit says that the log failed
	}
}
