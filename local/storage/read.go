package storage

import (
	"fmt"
	"net/http"
	"net/textproto"
	"net/url"
	"os"
	"strconv"
	"strings"
)

// get answers an object's metadata, or its content if alt=media.
func (s *Server) get(w http.ResponseWriter, r *http.Request) error {
	at, err := objectOf(r, "generation")
	if err != nil {
		return err
	}
	p, err := preconditionsOf(r.URL.Query(), "if")
	if err != nil {
		return err
	}
	o, f, err := s.store.open(at, p, http.StatusNotModified)
	if err != nil {
		return err
	}
	defer f.Close()
	if r.URL.Query().Get("alt") == "media" {
		return serveContent(w, r, o, f)
	}
	writeJSON(w, http.StatusOK, o)
	return nil
}

// readXML is the XML API's GET and HEAD of an object, by which the Go client reads by default.
func (s *Server) readXML(w http.ResponseWriter, r *http.Request) error {
	bucket, name, err := splitPath(r.URL)
	if err != nil {
		return err
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead || name == "" {
		return unsupported("%s %s of the XML API", r.Method, r.URL.Path)
	}
	generation, err := number(r.URL.Query(), "generation")
	if err != nil {
		return err
	}
	q := url.Values{}
	for _, kind := range []string{"Generation", "Metageneration"} {
		if v := r.Header.Get("X-Goog-If-" + kind + "-Match"); v != "" {
			q.Set("if"+kind+"Match", v)
		}
	}
	p, err := preconditionsOf(q, "if")
	if err != nil {
		return err
	}
	o, f, err := s.store.open(ref{bucket, name, generation}, p, http.StatusNotModified)
	if err != nil {
		return err
	}
	defer f.Close()
	return serveContent(w, r, o, f)
}

// splitPath takes /bucket/object apart. Slashes of the object's name may be escaped.
func splitPath(u *url.URL) (bucket, name string, err error) {
	bucket, name, _ = strings.Cut(strings.TrimPrefix(u.EscapedPath(), "/"), "/")
	if name, err = url.PathUnescape(name); err != nil {
		return "", "", invalid("the path %s: %v", u.EscapedPath(), err)
	}
	return bucket, name, nil
}

// serveContent answers content, or the part that the header Range asks for.
func serveContent(w http.ResponseWriter, r *http.Request, o *object, f *os.File) error {
	if strings.Contains(r.Header.Get("Range"), ",") {
		return unsupported("several ranges at once: %s", r.Header.Get("Range"))
	}
	stored := "identity"
	if o.ContentEncoding != "" {
		stored = o.ContentEncoding
	}
	if stored == "gzip" && !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") && !strings.Contains(o.CacheControl, "no-transform") {
		return unsupported("decompressive transcoding: %s/%s is stored with gzip; read it with Accept-Encoding: gzip, as ReadCompressed(true) does", o.Bucket, o.Name)
	}
	h := w.Header()
	if o.ContentEncoding != "" {
		h.Set("Content-Encoding", o.ContentEncoding)
		if r.Header.Get("Range") == "" {
			h.Set("Content-Length", strconv.FormatInt(o.Size, 10)) // ServeContent leaves it out of encoded answers
		}
	}
	setContentHeaders(h, o, stored)
	http.ServeContent(w, r, "", o.modified(), f)
	return nil
}

func setContentHeaders(h http.Header, o *object, stored string) {
	for name, value := range map[string]string{
		"Content-Type": o.ContentType, "Content-Language": o.ContentLanguage, "Content-Disposition": o.ContentDisposition,
		"Cache-Control": o.CacheControl, "ETag": fmt.Sprintf("%q", o.ETag),
		"X-Goog-Generation": strconv.FormatInt(o.Generation, 10), "X-Goog-Metageneration": strconv.FormatInt(o.Metageneration, 10),
		"X-Goog-Storage-Class": o.StorageClass, "X-Goog-Stored-Content-Encoding": stored,
		"X-Goog-Stored-Content-Length": strconv.FormatInt(o.Size, 10), "X-Goog-Hash": "crc32c=" + o.CRC32C,
	} {
		if value != "" {
			h.Set(name, value)
		}
	}
	if o.MD5Hash != "" {
		h.Add("X-Goog-Hash", "md5="+o.MD5Hash)
	}
	for k, v := range o.Metadata {
		h.Set("X-Goog-Meta-"+textproto.TrimString(k), v)
	}
}
