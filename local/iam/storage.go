package iam

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"

	"google.golang.org/grpc/status"

	"orderflow.dev/internal/unit"
)

// openStorage passes requests to Cloud Storage on.
func (g *Guard) openStorage() error {
	target, err := url.Parse(g.options.Storage)
	if err != nil {
		return err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableCompression = true // what is stored compressed stays so
	transport.MaxIdleConnsPerHost = 100
	proxy := &httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host // an upload's session is continued here too
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			http.Error(w, err.Error(), http.StatusBadGateway)
		},
	}
	l, err := listen()
	if err != nil {
		return err
	}
	server := &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, n := range g.bucketNeeds(r) {
			if err := g.permit(n); err != nil {
				forbid(w, r, status.Convert(err).Message())
				return
			}
		}
		answered := false
		err := g.between(r.Method+" "+r.URL.Path, nil, nil, func() error {
			answered = true
			proxy.ServeHTTP(w, r)
			return nil
		})
		switch {
		case err != nil && answered:
			panic(http.ErrAbortHandler) // the answer is lost
		case err != nil:
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		}
	})}
	go server.Serve(l)
	g.closers = append(g.closers, func() { server.Close(); transport.CloseIdleConnections() })
	g.set["STORAGE_EMULATOR_HOST"] = "http://" + l.Addr().String()
	return nil
}

// bucketNeeds is what a request takes: by the JSON API on /storage/v1/b/BUCKET/o/OBJECT, by the XML API on /BUCKET/OBJECT.
// Copying reads one object and writes another. What is a bucket's own, such as its settings, no unit may see.
func (g *Guard) bucketNeeds(r *http.Request) []need {
	path := strings.TrimPrefix(strings.TrimPrefix(r.URL.EscapedPath(), "/upload"), "/download")
	inJSON, ok := strings.CutPrefix(path, "/storage/v1/b/")
	if !ok {
		bucket, object, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
		return []need{g.objectNeed(permissionOf(r.Method, object), bucket)}
	}
	parts := strings.Split(inJSON, "/") // BUCKET o OBJECT rewriteTo b BUCKET o OBJECT
	switch {
	case len(parts) < 2 || parts[1] != "o":
		return []need{g.objectNeed("", parts[0])}
	case len(parts) > 5 && (parts[3] == "rewriteTo" || parts[3] == "copyTo"):
		return []need{g.objectNeed("get", parts[0]), g.objectNeed("create", parts[5])}
	}
	return []need{g.objectNeed(permissionOf(r.Method, strings.Join(parts[2:], "/")), parts[0])}
}

// permissionOf is what a method needs, without storage.objects.: of an object, or of all of them if that has no name.
func permissionOf(method, object string) string {
	switch {
	case method == http.MethodDelete:
		return "delete"
	case method == http.MethodPatch:
		return "update"
	case method != http.MethodGet && method != http.MethodHead:
		return "create"
	case object == "":
		return "list"
	}
	return "get"
}

// objectNeed is what it takes to use a bucket's objects; without a permission, what no unit has.
func (g *Guard) objectNeed(permission, bucket string) need {
	email := g.options.Unit.Name + "@" + g.options.Project + ".iam.gserviceaccount.com"
	if permission == "" {
		const buckets = "storage.buckets"
		return need{action: buckets, refusal: email + " does not have " + buckets + " access to the Google Cloud Storage bucket."}
	}
	access := unit.Access("write")
	if permission == "get" || permission == "list" {
		access = "read"
	}
	n := need{action: "storage.objects." + permission, refusal: fmt.Sprintf("%s does not have storage.objects.%s access to the Google Cloud Storage object. "+
		"Permission 'storage.objects.%[2]s' denied on resource (or it may not exist).", email, permission)}
	if name, ok := strings.CutPrefix(bucket, unit.BucketName(g.options.Project, "")); ok {
		n.grant = Grant{"buckets", name, access}
	}
	return n
}

// forbid answers as Cloud Storage does.
func forbid(w http.ResponseWriter, r *http.Request, why string) {
	if !strings.Contains(r.URL.Path, "/storage/v1/") {
		w.Header().Set("Content-Type", "application/xml; charset=UTF-8")
		w.WriteHeader(http.StatusForbidden)
		_ = xml.NewEncoder(w).Encode(struct { // the client may be gone
			XMLName                xml.Name `xml:"Error"`
			Code, Message, Details string
		}{Code: "AccessDenied", Message: "Access denied.", Details: why})
		return
	}
	type item struct {
		Message string `json:"message"`
		Domain  string `json:"domain"`
		Reason  string `json:"reason"`
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(http.StatusForbidden)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{
		"code": http.StatusForbidden, "message": why, "errors": []item{{why, "global", "forbidden"}},
	}})
}
