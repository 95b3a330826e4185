package storage

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
)

// failure is an answer that is no success.
type failure struct {
	status  int
	reason  string // the JSON API's
	message string
}

func (f *failure) Error() string { return f.message }

func invalid(format string, args ...any) error {
	return &failure{http.StatusBadRequest, "invalid", fmt.Sprintf(format, args...)}
}

func notFound(format string, args ...any) error {
	return &failure{http.StatusNotFound, "notFound", fmt.Sprintf(format, args...)}
}

func conflict(format string, args ...any) error {
	return &failure{http.StatusConflict, "conflict", fmt.Sprintf(format, args...)}
}

// unsupported names what production may know and this server does not.
func unsupported(format string, args ...any) error {
	return &failure{http.StatusNotImplemented, "notImplemented", "the local storage server does not support " + fmt.Sprintf(format, args...)}
}

func failureOf(err error) *failure {
	if f, ok := errors.AsType[*failure](err); ok {
		return f
	}
	return &failure{http.StatusInternalServerError, "backendError", err.Error()}
}

type handler func(http.ResponseWriter, *http.Request) error

// inJSON answers failures as the JSON API does.
func inJSON(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := h(w, r)
		if err == nil {
			return
		}
		f := failureOf(err)
		if f.status == http.StatusNotModified {
			w.WriteHeader(f.status)
			return
		}
		type item struct {
			Domain  string `json:"domain"`
			Reason  string `json:"reason"`
			Message string `json:"message"`
		}
		type body struct {
			Code    int    `json:"code"`
			Message string `json:"message"`
			Errors  []item `json:"errors"`
		}
		writeJSON(w, f.status, map[string]body{"error": {f.status, f.message, []item{{"global", f.reason, f.message}}}})
	})
}

// xmlCodes are the XML API's names of failures.
var xmlCodes = map[int]string{
	http.StatusBadRequest: "InvalidArgument", http.StatusNotFound: "NoSuchKey", http.StatusPreconditionFailed: "PreconditionFailed",
	http.StatusNotImplemented: "NotImplemented", http.StatusInternalServerError: "InternalError",
}

// inXML answers failures as the XML API does.
func inXML(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := h(w, r)
		if err == nil {
			return
		}
		f := failureOf(err)
		w.Header().Set("Content-Type", "application/xml; charset=UTF-8")
		w.WriteHeader(f.status)
		_ = xml.NewEncoder(w).Encode(struct { // the client may be gone
			XMLName xml.Name `xml:"Error"`
			Code    string
			Message string
		}{Code: xmlCodes[f.status], Message: f.message})
	})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.Header().Set("Cache-Control", "no-cache, no-store, max-age=0, must-revalidate")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client may be gone
}
