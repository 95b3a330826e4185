package store

import "embed"

// Indexes are indexes.yaml and fields.yaml: what Terraform tells Firestore to index. Firestore refuses a query that it has
// no index for, its emulator does not; the database in memory does.
//
//go:embed indexes.yaml fields.yaml
var Indexes embed.FS
