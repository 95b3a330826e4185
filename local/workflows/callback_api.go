package workflows

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// maxPageCallbacks is both default and maximum of a page (API reference).
const maxPageCallbacks = 100

// callbackView is a Callback of the Executions API.
type callbackView struct {
	Name              string   `json:"name"` // the id within an execution, the resource name in an answer
	Method            string   `json:"method"`
	AvailablePayloads []string `json:"availablePayloads,omitempty"` // as JSON
	Waiters           int64    `json:"waiters,omitempty,string"`
}

// callbackRoutes adds the endpoints of callbacks and the method that lists them.
func (a *api) callbackRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+collection+"/{execution}/callbacks", a.listCallbacks)
	mux.HandleFunc(collection+"/{execution}/callbacks/{callback}", a.sendCallback)
}

// sendCallback takes a request to a callback and answers nothing, once it is kept.
func (a *api) sendCallback(w http.ResponseWriter, r *http.Request) {
	err := a.receiveCallback(r)
	if err != nil {
		writeStatus(w, err)
	}
}

func (a *api) receiveCallback(r *http.Request) error {
	ex, err := a.find(parent(r) + "/executions/" + r.PathValue("execution"))
	if err != nil {
		return err
	}
	if ex.snapshot().State.finished() {
		return status.Errorf(codes.NotFound, "execution %s has ended", ex.state.Name)
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequestBytes+1))
	switch {
	case err != nil:
		return status.Errorf(codes.InvalidArgument, "request body: %v", err)
	case len(body) > maxRequestBytes:
		return status.Errorf(codes.InvalidArgument, "request exceeds %d bytes", maxRequestBytes)
	}
	header := r.Header.Clone()
	header.Set("Host", r.Host)
	err = ex.callbacks.receive(&received{
		Callback: r.PathValue("callback"), Method: r.Method, URL: r.URL.RequestURI(),
		Header: header, Body: body, Time: ex.clock.Now(),
	})
	if err != nil {
		return err
	}
	return a.engine.journal.kept(r.Context())
}

// listCallbacks lists the callbacks of an execution by their ids; one that has ended has none.
func (a *api) listCallbacks(w http.ResponseWriter, r *http.Request) {
	page, err := a.callbackPage(r)
	if err != nil {
		writeStatus(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	_ = json.NewEncoder(w).Encode(page) // the client may be gone
}

// callbackList is the answer of listCallbacks. The token of a page is the name of its last callback.
type callbackList struct {
	Callbacks     []callbackView `json:"callbacks,omitempty"`
	NextPageToken string         `json:"nextPageToken,omitempty"`
}

func (a *api) callbackPage(r *http.Request) (out callbackList, err error) {
	ex, err := a.find(parent(r) + "/executions/" + r.PathValue("execution"))
	if err != nil {
		return out, err
	}
	size, err := callbackPageSize(r.URL.Query().Get("pageSize"))
	if err != nil || ex.snapshot().State.finished() {
		return out, err
	}
	after := r.URL.Query().Get("pageToken")
	out.Callbacks = slices.DeleteFunc(ex.callbacks.list(), func(c callbackView) bool { return strings.Compare(c.Name, after) <= 0 && after != "" })
	if len(out.Callbacks) > size {
		out.Callbacks = out.Callbacks[:size]
		out.NextPageToken = out.Callbacks[size-1].Name
	}
	for i := range out.Callbacks {
		out.Callbacks[i].Name = ex.state.Name + "/callbacks/" + out.Callbacks[i].Name
	}
	return out, nil
}

func callbackPageSize(text string) (int, error) {
	if text == "" {
		return maxPageCallbacks, nil
	}
	n, err := strconv.Atoi(text)
	switch {
	case err != nil || n < 0:
		return 0, status.Errorf(codes.InvalidArgument, "pageSize %q is not a number from 0", text)
	case n == 0:
		return maxPageCallbacks, nil
	}
	return min(n, maxPageCallbacks), nil
}

// writeStatus writes an error in the form of Google APIs.
func writeStatus(w http.ResponseWriter, err error) {
	code, body := errorJSON(err)
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(code)
	_, _ = w.Write(body) // the client may be gone
}
