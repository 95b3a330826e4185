// Package database is Firestore's storage: documents with their history, atomic commits, optimistic transactions (the
// first committer wins, nobody waits for a lock), indexes that are made when a query first needs them.
//
// Documents and indexes are B-trees that copy on write: a view of one moment is such a copy, so it costs next to
// nothing, nobody waits for its reader, and it stays as it is for as long as it is used.
package database
