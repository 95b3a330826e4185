package store

import "time"

// At sets the clock of an upsert.
func (s *Items) At(now func() time.Time) { s.now = now }

// DocID is a SKU's document.
var DocID = docID
