package psp

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"
)

const (
	defaultWebhookDelay = 300 * time.Millisecond
	// maxHold bounds how long a request without an answer keeps its connection.
	maxHold = 60 * time.Second
	maxBody = 64 << 10
)

// Options configures a Server.
type Options struct {
	// Ledger decides the charges; a new one if nil.
	Ledger *Ledger
	// APIKey is the bearer token every request must carry. An empty key refuses
	// every request.
	APIKey string
	// WebhookURL receives the events; it may be set later.
	WebhookURL string
	// WebhookSecret signs the events, see Sign.
	WebhookSecret []byte
	// WebhookDelay is how long a pending charge stays so; 300 ms if zero.
	WebhookDelay time.Duration
	// Client sends the webhooks; one with a time-out of 10 s if nil.
	Client *http.Client
}

// Server is the provider's HTTP API.
type Server struct {
	ledger  *Ledger
	keyHash [sha256.Size]byte
	hasKey  bool
	hooks   *webhooks
	ctx     context.Context
	cancel  context.CancelFunc
	handler http.Handler
}

// NewServer returns a server that must be closed.
func NewServer(o Options) *Server {
	if o.Ledger == nil {
		o.Ledger = NewLedger(LedgerOptions{})
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &Server{
		ledger: o.Ledger, keyHash: sha256.Sum256([]byte(o.APIKey)), hasKey: o.APIKey != "",
		hooks: newWebhooks(ctx, o), ctx: ctx, cancel: cancel,
	}
	s.handler = s.authorize(s.routes())
	return s
}

// Handler serves the API under /v1/.
func (s *Server) Handler() http.Handler { return s.handler }

// SetWebhookURL sends all further attempts to deliver events there.
func (s *Server) SetWebhookURL(url string) { s.hooks.setURL(url) }

// Resume goes on, after the log's Recover, with what an earlier process left:
// pending charges are settled after the delay, and events that were not accepted
// are sent again.
func (s *Server) Resume() { s.hooks.resume() }

// Close lets go of held requests, gives up undelivered webhooks (a log keeps them
// for the next process) and waits until none is running. It may be called twice.
func (s *Server) Close() {
	s.cancel()
	s.hooks.close()
}

func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/charges", s.charge)
	mux.HandleFunc("GET /v1/charges/{key}", s.get)
	mux.HandleFunc("POST /v1/charges/{key}/void", s.void)
	mux.HandleFunc("POST /v1/charges/{key}/refund", s.refund)
	mux.HandleFunc("POST /v1/charges/{key}/refunds", s.refundAmount)
	mux.HandleFunc("GET /v1/ledger", s.movements)
	mux.HandleFunc("GET /v1/ledger/summary", s.summary)
	return mux
}

// authorize compares hashes, so that neither length nor content of the key is
// told by the time it takes.
func (s *Server) authorize(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		hash := sha256.Sum256([]byte(token))
		if !ok || !s.hasKey || subtle.ConstantTimeCompare(hash[:], s.keyHash[:]) != 1 {
			w.Header().Set("WWW-Authenticate", "Bearer")
			writeJSON(w, http.StatusUnauthorized, failure{"missing or wrong API key"})
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) charge(w http.ResponseWriter, r *http.Request) {
	var req ChargeRequest
	if err := readJSON(w, r, &req); err != nil {
		writeJSON(w, http.StatusBadRequest, failure{err.Error()})
		return
	}
	c, err := s.ledger.Charge(req)
	if errors.Is(err, ErrNoAnswer) {
		s.hold(r.Context())
	}
	if c.Status == Pending {
		// Settling is idempotent, so a repeated request does no harm here.
		s.hooks.settleLater(req.IdempotencyKey)
	}
	s.answer(w, c, err)
}

// hold never answers: it waits until the client has gone away and then drops
// the connection.
func (s *Server) hold(ctx context.Context) {
	timer := time.NewTimer(maxHold)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-s.ctx.Done():
	case <-timer.C:
	}
	panic(http.ErrAbortHandler)
}

func (s *Server) get(w http.ResponseWriter, r *http.Request) {
	c, err := s.ledger.Get(r.PathValue("key"))
	s.answer(w, c, err)
}

func (s *Server) void(w http.ResponseWriter, r *http.Request) {
	c, err := s.ledger.Void(r.PathValue("key"))
	s.answer(w, c, err)
}

func (s *Server) refund(w http.ResponseWriter, r *http.Request) {
	var req struct {
		Amount int64 `json:"amount"`
	}
	if err := readJSON(w, r, &req); err != nil {
		writeJSON(w, http.StatusBadRequest, failure{err.Error()})
		return
	}
	c, err := s.ledger.Refund(r.PathValue("key"), req.Amount)
	s.answer(w, c, err)
}

func (s *Server) refundAmount(w http.ResponseWriter, r *http.Request) {
	var req struct {
		IdempotencyKey string `json:"idempotency_key"`
		Amount         int64  `json:"amount"`
		Currency       string `json:"currency"`
	}
	if err := readJSON(w, r, &req); err != nil {
		writeJSON(w, http.StatusBadRequest, failure{err.Error()})
		return
	}
	c, err := s.ledger.RefundAmount(r.PathValue("key"), req.IdempotencyKey, req.Amount, req.Currency)
	s.answer(w, c, err)
}

// movements answers the ledger, or the part that since, until (RFC 3339), after
// (a seq) and limit select, one movement a line.
func (s *Server) movements(w http.ResponseWriter, r *http.Request) {
	window, err := readWindow(r.URL.Query())
	if err != nil {
		writeJSON(w, http.StatusBadRequest, failure{err.Error()})
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	enc := json.NewEncoder(w)
	for _, m := range s.ledger.MovementsIn(window) {
		if err := enc.Encode(m); err != nil {
			return // the client is gone
		}
	}
}

func (s *Server) summary(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, s.ledger.Summary())
}
