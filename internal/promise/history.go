package promise

import "time"

// History is what happened in a run, as somebody saw it who sees everything: what stores alone cannot show. Times are of
// one clock, the observer's. The simulation records it; docs/promises.md says what is promised of it.
type History struct {
	Answers       []Answer
	Readings      []Reading
	Levels        []Level
	Refusals      []Refusal
	Committed     []Happened // every event of a journal, when the write that made it true was applied
	Published     []Happened // every event that Pub/Sub took, as often as it took it
	Subscriptions []Subscription
	Deliveries    []Delivery
	Messages      []Message
	Excused       map[string]int // by message id: how often a sender died, or was slower than its lease, between sending and recording
	Poison        []Letter
	Parked        []Letter
	GivenUp       []Letter // what Pub/Sub itself gave up on, after too many attempts
	Undone        []Undone
	Asked         []Asked
	Replay        *Replay // nil: nothing was replayed
}

// Answer is what a customer was told who placed an order. A request without any answer has status 0: it may have made the
// order all the same.
type Answer struct {
	CustomerID, IdempotencyKey string
	Request                    string // what was asked for: the same text is the same request
	Status                     int    // HTTP; 0: none came
	Reason                     string // of a problem: idempotency_key_reused
	Body                       string // of a 201
	OrderID                    string // of a 201
	Asked, Answered            time.Time
}

// Reading is an order as a customer saw it: by asking for it, in a list, or as the answer to a cancellation.
type Reading struct {
	CustomerID, OrderID string
	Status              string // PLACED, CONFIRMED, CANCELLING, CANCELLED; empty: there was no such order
	Asked, Answered     time.Time
}

// Level is how much of a product was free from a moment on.
type Level struct {
	SKU       string
	Available int64
	At        time.Time
}

// Refusal is an order refused as out_of_stock: when it was asked for and when that was decided.
type Refusal struct {
	OrderID, SKU   string
	Wanted         int64
	Asked, Decided time.Time
}

// Happened is an event of a journal at a moment.
type Happened struct {
	EventID string // orders/{id}/1
	Content string // the same text is the same event
	At      time.Time
}

// Subscription is who gets which events.
type Subscription struct {
	Consumer, Type string // start-fulfilment, OrderCreated
	ResumeOnly     bool
}

// Delivery is an event that came to a consumer, and whether it took it.
type Delivery struct {
	Consumer, EventID string
	Acknowledged      bool
	At                time.Time
}

// Message is a notification as the system that sends it out got it.
type Message struct {
	ID, OrderID string
	Ending      string // CONFIRMED, CANCELLED
	At          time.Time
}

// Letter is a message that a consumer could not handle.
type Letter struct {
	Consumer, EventID string
}

// Undone is a step that was undone: refund or release.
type Undone struct {
	OrderID, Step string
	At            time.Time
}

// Asked is a request that an order be cancelled, by its customer or by an operator.
type Asked struct {
	OrderID, CustomerID string
	Operator            string // who acts, if it is one
	At                  time.Time
}

// Replay is everything there was before all events were published again, and after that came to rest: a text by path.
// Money that moved and messages that were sent are in it like documents.
type Replay struct {
	Before, After map[string]string
}
