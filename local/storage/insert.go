package storage

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
)

// insert takes an object in, or begins a resumable upload, or goes on with one: some clients do that by POST.
func (s *Server) insert(w http.ResponseWriter, r *http.Request) error {
	if e := r.Header.Get("Content-Encoding"); e != "" {
		return unsupported("uploads whose request is encoded with %s", e)
	}
	if r.URL.Query().Has("upload_id") {
		return s.resume(w, r)
	}
	switch kind := r.URL.Query().Get("uploadType"); kind {
	case "media":
		return s.insertMedia(w, r)
	case "multipart":
		return s.insertMultipart(w, r)
	case "resumable":
		return s.beginResumable(w, r)
	default:
		return unsupported("the uploadType %q: use media, multipart or resumable", kind)
	}
}

// uploadOf is what the request and a document say of an object to come. The parameter name goes before the document's.
func uploadOf(r *http.Request, d document, contentType string) (upload, error) {
	name, _ := d["name"].(string)
	if q := r.URL.Query().Get("name"); q != "" {
		name = q
	}
	u, err := describedUpload(r, r.PathValue("bucket"), name, d)
	if u.Attributes.ContentType == "" {
		u.Attributes.ContentType = contentType
	}
	if e := r.URL.Query().Get("contentEncoding"); e != "" {
		u.Attributes.ContentEncoding = e
	}
	u.Hashes = append(u.Hashes, headerHashes(r)...)
	return u, err
}

// headerHashes are the checksums of the header X-Goog-Hash.
func headerHashes(r *http.Request) (hashes []string) {
	for _, line := range r.Header.Values("X-Goog-Hash") {
		for h := range strings.SplitSeq(line, ",") {
			hashes = append(hashes, strings.TrimSpace(h))
		}
	}
	return hashes
}

func (s *Server) insertMedia(w http.ResponseWriter, r *http.Request) error {
	u, err := uploadOf(r, document{}, r.Header.Get("Content-Type"))
	if err != nil {
		return err
	}
	return s.receive(w, u, r.Body, func() error { return nil })
}

// insertMultipart reads the metadata, the content, and then to the end of the body: a client that gives up in the
// middle closes the last part properly, and only the connection breaks off.
func (s *Server) insertMultipart(w http.ResponseWriter, r *http.Request) error {
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/related" {
		return invalid("the content type of a multipart upload is %q, want multipart/related", r.Header.Get("Content-Type"))
	}
	parts := multipart.NewReader(r.Body, params["boundary"])
	metadata, err := parts.NextRawPart()
	if err != nil {
		return invalid("the multipart upload has no metadata: %v", err)
	}
	d, err := readDocument(metadata)
	if err != nil {
		return err
	}
	content, err := parts.NextRawPart()
	if err != nil {
		return invalid("the multipart upload has no content: %v", err)
	}
	u, err := uploadOf(r, d, content.Header.Get("Content-Type"))
	if err != nil {
		return err
	}
	return s.receive(w, u, content, func() error {
		if _, err := parts.NextRawPart(); !errors.Is(err, io.EOF) {
			return invalid("the multipart upload does not end after its content: %v", err)
		}
		_, err := io.Copy(io.Discard, r.Body)
		return err
	})
}

// receive takes content in and makes it an object, if it came whole.
func (s *Server) receive(w http.ResponseWriter, u upload, content io.Reader, whole func() error) error {
	d, err := newDraft(s.store.draftDir())
	if err != nil {
		return err
	}
	defer d.discard()
	if _, err = io.Copy(d, content); err == nil {
		err = whole()
	}
	if err != nil {
		return invalid("the upload broke off after %d bytes: %v", d.size, err)
	}
	o, err := s.store.commit(d, u, "")
	if err == nil {
		writeJSON(w, http.StatusOK, o)
	}
	return err
}

func (s *Server) beginResumable(w http.ResponseWriter, r *http.Request) error {
	d, err := readDocument(r.Body)
	if err != nil {
		return err
	}
	u, err := uploadOf(r, d, r.Header.Get("X-Upload-Content-Type"))
	if err != nil {
		return err
	}
	if length := r.Header.Get("X-Upload-Content-Length"); length != "" {
		if u.Length, err = strconv.ParseInt(length, 10, 64); err != nil {
			return invalid("X-Upload-Content-Length is %q, want a number", length)
		}
	}
	if err := s.store.admit(u); err != nil {
		return err
	}
	id, err := s.sessions.begin(u)
	if err != nil {
		return err
	}
	q := r.URL.Query()
	q.Set("upload_id", id)
	w.Header().Set("Location", "http://"+r.Host+r.URL.EscapedPath()+"?"+q.Encode())
	w.Header().Set("X-Guploader-Uploadid", id)
	return nil
}
