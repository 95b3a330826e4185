// Package firestore is Cloud Firestore in this process: the gRPC API google.firestore.v1.Firestore, as the official
// clients use it by FIRESTORE_EMULATOR_HOST. Who asks is not checked, so it belongs on a loopback address.
//
// # What it does
//
// Documents: Commit with all kinds of writes, masks, preconditions and transforms, atomic; BatchWrite;
// BatchGetDocuments, GetDocument, CreateDocument, UpdateDocument, DeleteDocument, ListDocuments, ListCollectionIds.
// Names, limits and error codes are the service's.
//
// Transactions are optimistic and serializable: the first that commits wins, the others are ABORTED, nobody waits for
// a lock. Read-only transactions and reads of the past work as far back as the history goes: an hour, or some tens of
// megabytes of overwritten versions.
//
// Queries (RunQuery, RunAggregationQuery, PartitionQuery) run on indexes that are made when they are first needed. With
// Options.Indexes, a query that production would refuse for want of a composite index is refused here, too, and names
// the index.
//
// Listeners (Listen): targets of queries and of documents, any number on a stream. A commit is one snapshot, and
// reaches only the streams that listen where it wrote: a query is not run again, unless it has a limit or an offset
// that the commit may have moved. A client that is slow holds up nobody: what it misses is merged. A client that
// comes back with a resume token or a read time is told what has changed since; if the history does not go back that
// far, or the server is another one, its target is reset and told anew.
//
// Databases and projects are there once they are named, each for itself.
//
// # What it does not
//
// ExecutePipeline and the stream Write answer UNIMPLEMENTED, as do explain_options and listening to a search of the
// nearest. Security rules, TTL policies and triggers are not Firestore's API, and not here. A target
// that resumes is told exactly what has changed, so existence filters are never sent. A listener may be told of a
// commit before it is on the disk.
package firestore
