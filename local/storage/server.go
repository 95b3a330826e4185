package storage

import (
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Options configure a server.
type Options struct {
	Dir      string    // what is stored is in this folder, and only there; one server at a time uses it
	Buckets  []string  // created if they are not there
	Triggers []Trigger // who is told of finalized objects: see Events
	Durable  bool      // what is answered survives a loss of power
}

// Server is the API over a folder.
type Server struct {
	store    *store
	sessions *sessions
	json     *http.ServeMux
}

// Open serves what is in the folder, as an earlier server left it. It must be closed.
func Open(o Options) (*Server, error) {
	if o.Durable {
		return open(o, (*os.File).Sync)
	}
	return open(o, nil)
}

func open(o Options, d disk) (*Server, error) {
	st, err := openStore(o.Dir, o.Triggers, d)
	if err != nil {
		return nil, err
	}
	s := &Server{store: st, json: http.NewServeMux()}
	if s.sessions, err = openSessions(st); err != nil {
		return nil, err
	}
	for _, name := range o.Buckets {
		if _, err := st.createBucket(name, "US"); err != nil && failureOf(err).status != http.StatusConflict {
			return nil, err
		}
	}
	s.routes()
	return s, nil
}

// Close lets go of the folder. Requests under way fail.
func (s *Server) Close() error {
	s.sessions.close()
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	return s.store.journal.file.Close()
}

// Handler serves the JSON API, and reads by the XML API.
func (s *Server) Handler() http.Handler {
	xml := inXML(checked(s.readXML, "generation"))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, api := range []string{"/storage/", "/upload/", "/download/", "/batch/"} {
			if strings.HasPrefix(r.URL.Path, api) {
				s.json.ServeHTTP(w, r)
				return
			}
		}
		xml.ServeHTTP(w, r)
	})
}

func (s *Server) routes() {
	const (
		bucket  = "/storage/v1/b/{bucket}"
		object  = bucket + "/o/{object}"
		uploads = "/upload" + bucket + "/o"
		to      = "/b/{toBucket}/o/{toObject}"
	)
	s.route("GET /storage/v1/b", s.listBuckets, "project", "prefix", "maxResults")
	s.route("POST /storage/v1/b", s.insertBucket, "project")
	s.route("GET "+bucket, s.getBucket)
	s.route("DELETE "+bucket, s.deleteBucket)

	ifs := parameters("if")
	s.route("GET "+bucket+"/o", s.list, "prefix", "delimiter", "startOffset", "endOffset", "pageToken", "maxResults")
	s.route("GET "+object, s.get, append(ifs, "generation")...)
	s.route("GET /download"+object, s.get, append(ifs, "generation")...)
	s.route("DELETE "+object, s.delete, append(ifs, "generation")...)
	s.route("PATCH "+object, s.patch, append(ifs, "generation")...)
	s.route("PUT "+object, s.update, append(ifs, "generation")...)

	s.route("POST "+uploads, s.insert, append(ifs, "uploadType", "name", "contentEncoding", "upload_id")...)
	s.route("PUT "+uploads, s.resume, append(ifs, "uploadType", "name", "contentEncoding", "upload_id")...)
	s.route("DELETE "+uploads, s.cancel, append(ifs, "uploadType", "name", "contentEncoding", "upload_id")...)

	copies := slices.Concat(ifs, parameters("ifSource"), []string{"sourceGeneration"})
	s.route("POST "+object+"/rewriteTo"+to, s.rewrite, copies...)
	s.route("POST "+object+"/copyTo"+to, s.copy, copies...)
	s.route("POST "+object+"/compose", s.compose, "ifGenerationMatch", "ifMetagenerationMatch")

	s.json.Handle("/", inJSON(func(_ http.ResponseWriter, r *http.Request) error {
		return unsupported("%s %s", r.Method, r.URL.Path)
	}))
}

func (s *Server) route(pattern string, h handler, parameters ...string) {
	s.json.Handle(pattern, inJSON(checked(h, parameters...)))
}

// everywhere are parameters of all methods. None of them changes what is done.
var everywhere = []string{"alt", "prettyPrint", "projection", "key", "quotaUser"}

// harmless are the headers of Google's own that may be ignored, or that are read.
var harmless = []string{
	"X-Goog-Api-Client", "X-Goog-Gcs-Idempotency-Token", "X-Goog-Request-Params", "X-Goog-Hash",
	"X-Goog-If-Generation-Match", "X-Goog-If-Metageneration-Match",
}

// checked refuses what a request asks for beyond what its handler understands, so that nothing is silently ignored.
// Parameters that say what holds in any case pass.
func checked(h handler, parameters ...string) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		for name, values := range r.URL.Query() {
			if value := values[0]; value != "" && value != "false" && !slices.Contains(parameters, name) && !slices.Contains(everywhere, name) {
				return unsupported("the parameter %s of %s %s", name, r.Method, r.URL.Path)
			}
		}
		for name := range r.Header {
			if strings.HasPrefix(name, "X-Goog-") && !slices.Contains(harmless, name) {
				return unsupported("the header %s", name)
			}
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead && (r.Header.Get("If-Match") != "" || r.Header.Get("If-None-Match") != "") {
			return unsupported("the headers If-Match and If-None-Match of %s", r.Method)
		}
		return h(w, r)
	}
}

// object is what a request's path and its parameter of a name, if any, refer to.
func objectOf(r *http.Request, generationParameter string) (ref, error) {
	g, err := number(r.URL.Query(), generationParameter)
	return ref{r.PathValue("bucket"), r.PathValue("object"), g}, err
}

// number is 0 if the parameter is not given.
func number(q url.Values, parameter string) (int64, error) {
	text := q.Get(parameter)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, invalid("%s is %q, want a number", parameter, text)
	}
	return n, nil
}
