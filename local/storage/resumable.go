package storage

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
)

// chunkUnit divides the length of every chunk but the last, in bytes.
const chunkUnit = 256 << 10

// chunk is what a Content-Range says. All are bytes.
type chunk struct {
	first  int64
	length int64 // 0: a question what is there; -1: all that follows
	total  int64 // -1: not known yet
}

var contentRange = regexp.MustCompile(`^bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)$`)

func chunkOf(r *http.Request) (chunk, error) {
	text := r.Header.Get("Content-Range")
	if text == "" {
		return chunk{length: -1, total: -1}, nil
	}
	m := contentRange.FindStringSubmatch(text)
	if m == nil {
		return chunk{}, invalid("Content-Range is %q, want bytes first-last/total with * for what is not known", text)
	}
	c := chunk{total: -1}
	if m[3] != "*" {
		c.total, _ = strconv.ParseInt(m[3], 10, 64) // digits; too large a number is too large below
	}
	if m[1] != "" {
		c.first, _ = strconv.ParseInt(m[1], 10, 64)
		last, _ := strconv.ParseInt(m[2], 10, 64)
		c.length = last - c.first + 1
		if c.length < 1 || c.total >= 0 && last >= c.total {
			return c, invalid("Content-Range %q ends before it begins, or after the total", text)
		}
	}
	return c, c.check(r.ContentLength)
}

func (c chunk) check(bodyLength int64) error {
	if bodyLength != c.length {
		return invalid("Content-Range says %d bytes and Content-Length %d", c.length, bodyLength)
	}
	if last := c.first+c.length == c.total; !last && c.length%chunkUnit != 0 {
		return invalid("the chunk has %d bytes; all but the last must be a multiple of %d", c.length, chunkUnit)
	}
	return nil
}

// resume takes a chunk of a resumable upload in, or answers how much is there.
func (s *Server) resume(w http.ResponseWriter, r *http.Request) error {
	id := r.URL.Query().Get("upload_id")
	se, err := s.sessions.get(id)
	if err != nil {
		return err
	}
	if se != nil {
		se.Lock()
		defer se.Unlock()
	}
	if o := s.store.madeBy(id); o != nil { // it was the answer that did not arrive
		writeJSON(w, http.StatusOK, o)
		return nil
	}
	if se == nil || se.ended {
		return notFound("there is no resumable upload %q: begin another", id)
	}
	c, err := chunkOf(r)
	if err != nil {
		return err
	}
	total, err := se.receive(c, r.Body)
	if err != nil {
		return err
	}
	if total != se.draft.size {
		if err := s.store.disk.sync(se.draft.file); err != nil {
			return err
		}
		incomplete(w, r, se.draft.size)
		return nil
	}
	return s.complete(w, r, id, se)
}

// receive adds a chunk to the draft. What is already there is passed over, as in production: clients send a chunk again
// when they do not know how much of it arrived. Of a chunk that breaks off, what came is kept.
func (se *session) receive(c chunk, body io.Reader) (total int64, err error) {
	d := se.draft
	if c.first > d.size || c.total >= 0 && c.total < d.size {
		return 0, invalid("the chunk is at byte %d of %d, and %d bytes are there: ask with Content-Range: bytes */*", c.first, c.total, d.size)
	}
	if c.length == 0 {
		return c.total, nil
	}
	if _, err = io.CopyN(io.Discard, body, d.size-c.first); err == nil {
		_, err = io.Copy(d, body)
	} else if errors.Is(err, io.EOF) {
		err = nil // all of it is there
	}
	if err != nil {
		return 0, &failure{http.StatusServiceUnavailable, "backendError", fmt.Sprintf("the chunk broke off; %d bytes are there: %v", d.size, err)}
	}
	if c.length < 0 {
		return d.size, nil
	}
	return c.total, nil
}

func (s *Server) complete(w http.ResponseWriter, r *http.Request, id string, se *session) error {
	defer s.sessions.end(id, se)
	u := se.upload
	u.Hashes = append(u.Hashes, headerHashes(r)...)
	if u.Length > 0 && u.Length != se.draft.size {
		return invalid("X-Upload-Content-Length announced %d bytes, %d came", u.Length, se.draft.size)
	}
	o, err := s.store.commit(se.draft, u, id)
	if err == nil {
		writeJSON(w, http.StatusOK, o)
	}
	return err
}

// incomplete tells how much is there: with 308, or in the way of clients whose HTTP library takes that for a redirect.
func incomplete(w http.ResponseWriter, r *http.Request, size int64) {
	if size > 0 {
		w.Header().Set("Range", fmt.Sprintf("bytes=0-%d", size-1))
	}
	if r.Header.Get("X-Guploader-No-308") == "yes" {
		w.Header().Set("X-Http-Status-Code-Override", "308")
		return
	}
	w.WriteHeader(http.StatusPermanentRedirect)
}

// cancel ends a resumable upload. 499 is production's answer.
func (s *Server) cancel(w http.ResponseWriter, r *http.Request) error {
	id := r.URL.Query().Get("upload_id")
	se, err := s.sessions.get(id)
	if err != nil {
		return err
	}
	if se == nil {
		return notFound("there is no resumable upload %q", id)
	}
	se.Lock()
	defer se.Unlock()
	if !se.ended {
		s.sessions.end(id, se)
	}
	w.WriteHeader(499)
	return nil
}
