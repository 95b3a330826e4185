package psp

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// failure is the body of every answer that is not a success.
type failure struct {
	Error string `json:"error"`
}

func (s *Server) answer(w http.ResponseWriter, c Charge, err error) {
	if err != nil {
		writeJSON(w, statusOf(err), failure{message(err)})
		return
	}
	writeJSON(w, http.StatusOK, c)
}

// message drops the class of the error, which the status code already says.
func message(err error) string {
	return strings.TrimPrefix(err.Error(), ErrInvalid.Error()+": ")
}

func statusOf(err error) int {
	switch {
	case errors.Is(err, ErrNotFound):
		return http.StatusNotFound
	case errors.Is(err, ErrConflict):
		return http.StatusConflict
	case errors.Is(err, ErrMethod):
		return http.StatusPaymentRequired
	case errors.Is(err, ErrUnavailable):
		return http.StatusServiceUnavailable
	}
	return http.StatusUnprocessableEntity
}

// readJSON reads the body to its end: net/http notices that a client went away
// only after that.
func readJSON(w http.ResponseWriter, r *http.Request, v any) error {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return fmt.Errorf("read body: %w", err)
	}
	if err := json.Unmarshal(body, v); err != nil {
		return fmt.Errorf("body is not the expected JSON: %w", err)
	}
	return nil
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client may be gone
}
