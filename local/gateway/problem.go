package gateway

import (
	"encoding/json"
	"net/http"
	"strings"
)

// problem answers with an RFC 9457 body.
func problem(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{ // the client may be gone
		"type": "about:blank", "title": http.StatusText(status), "status": status, "detail": detail,
	})
}

// clipped is what an answer repeats of a path, however long that is.
func clipped(path string) string {
	const most = 100
	if len(path) > most {
		path = strings.ToValidUTF8(path[:most], "") + "…"
	}
	return path
}
