package store

import "time"

// At sets the clock by which the sweep later finds what is unpublished.
func (o *outbox) At(now func() time.Time) { o.now = now }

// At sets the clock of an upsert.
func (s *Items) At(now func() time.Time) { s.now = now }

// At sets the clock of a parking.
func (s *DeadLetters) At(now func() time.Time) { s.now = now }

// DocID is a SKU's document.
var DocID = docID
