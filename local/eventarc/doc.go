// Package eventarc delivers Pub/Sub messages to functions over HTTP exactly as a
// production push subscription with payload unwrapping and metadata does: data
// is the body, attributes are headers. A CloudEvent in the Pub/Sub binding so
// arrives as a binary-mode CloudEvent.
//
// Redelivery, backoff, attempts and dead letters are left to the Pub/Sub server,
// which knows them from the subscription. Only what servers on a laptop lack is
// done here: filters, the acknowledging status codes, and a time-out.
//
// Events of Google's own services (Trigger) come from a Source, such as the local
// Cloud Storage, which keeps them until they are delivered; redelivery and backoff
// are done here then.
package eventarc
