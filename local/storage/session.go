package storage

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// In the folder of drafts: draft-… is an upload in one request, ID.part what came of a resumable one, ID.json what is
// known of it.
const (
	draftPrefix   = "draft-"
	partSuffix    = ".part"
	uploadSuffix  = ".json"
	sessionExpiry = 7 * 24 * time.Hour // production's
)

// session is a resumable upload under way. Its lock is held while a request of it is served.
type session struct {
	sync.Mutex
	upload upload
	draft  *draft
	ended  bool
}

// sessions are the resumable uploads under way. They survive the process, and end after a week.
type sessions struct {
	dir  string
	disk disk
	mu   sync.Mutex
	open map[string]*session
}

// openSessions removes the drafts that nobody can go on with.
func openSessions(st *store) (*sessions, error) {
	s := &sessions{dir: st.draftDir(), disk: st.disk, open: map[string]*session{}}
	files, err := os.ReadDir(s.dir)
	for _, f := range files {
		info, err := f.Info()
		if err != nil {
			return nil, err
		}
		id := strings.TrimSuffix(strings.TrimSuffix(f.Name(), partSuffix), uploadSuffix)
		if strings.HasPrefix(id, draftPrefix) || st.uploads[id] != nil || time.Since(info.ModTime()) > sessionExpiry {
			os.Remove(filepath.Join(s.dir, f.Name())) // tried again next time
		}
	}
	return s, err
}

func (s *sessions) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, se := range s.open {
		se.draft.file.Close()
	}
}

func (s *sessions) path(id, suffix string) string { return filepath.Join(s.dir, id+suffix) }

func (s *sessions) begin(u upload) (id string, err error) {
	id = rand.Text()
	text, err := json.Marshal(u)
	if err != nil {
		return "", err
	}
	path := s.path(id, uploadSuffix)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return "", err
	}
	return id, errors.Join(s.disk.syncPath(path), s.disk.syncPath(s.dir))
}

// get answers nil if there is no such session.
func (s *sessions) get(id string) (*session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if se := s.open[id]; se != nil {
		return se, nil
	}
	if id != filepath.Base(id) {
		return nil, nil
	}
	text, err := os.ReadFile(s.path(id, uploadSuffix))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	se := &session{}
	if err == nil {
		err = json.Unmarshal(text, &se.upload)
	}
	if err == nil {
		se.draft, err = openDraft(s.path(id, partSuffix))
	}
	if err == nil {
		err = s.disk.syncPath(s.dir)
	}
	if err != nil {
		return nil, err
	}
	s.open[id] = se
	return se, nil
}

// end needs the session's lock.
func (s *sessions) end(id string, se *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	se.ended = true
	se.draft.discard()
	os.Remove(s.path(id, uploadSuffix))
	delete(s.open, id)
}
