package storage

import (
	"net/http"
	"os"
	"time"
)

// patch changes what it is sent of an object's metadata (RFC 7396).
func (s *Server) patch(w http.ResponseWriter, r *http.Request) error {
	return s.describe(w, r, patched)
}

// update replaces an object's metadata by what it is sent.
func (s *Server) update(w http.ResponseWriter, r *http.Request) error {
	return s.describe(w, r, func(_ attributes, d document) (attributes, error) { return d.attributes() })
}

func (s *Server) describe(w http.ResponseWriter, r *http.Request, change func(attributes, document) (attributes, error)) error {
	d, err := readDocument(r.Body)
	if err != nil {
		return err
	}
	var o *object
	err = s.change(r, func(before *object) error {
		a, err := change(before.attributes, d)
		if err != nil {
			return err
		}
		o = before.described(a, time.Now())
		return s.store.write(record{Put: o, Upload: o.upload})
	})
	if err == nil {
		writeJSON(w, http.StatusOK, o)
	}
	return err
}

func (s *Server) delete(w http.ResponseWriter, r *http.Request) error {
	err := s.change(r, func(o *object) error {
		if err := s.store.write(record{Delete: &objectKey{o.Bucket, o.Name}}); err != nil {
			return err
		}
		os.Remove(s.store.dataPath(o.Generation)) // readers that have it open go on; sweep tries again
		return nil
	})
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

// change does something to the object that a request names, under the lock, if the request's preconditions hold.
func (s *Server) change(r *http.Request, do func(*object) error) error {
	at, err := objectOf(r, "generation")
	if err != nil {
		return err
	}
	p, err := preconditionsOf(r.URL.Query(), "if")
	if err != nil {
		return err
	}
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	o, err := s.store.find(at, p, http.StatusPreconditionFailed)
	if err != nil {
		return err
	}
	return do(o)
}
