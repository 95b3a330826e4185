// Package likeness holds Pub/Sub in this process against Google's emulator: its tests let both answer the same
// generated sequences of calls, and compare what they answer.
//
// A sequence that is answered differently is shrunk and printed with both answers. Where Google's emulator is unlike
// the real service, the difference is in a list, with its reason; anything else fails.
//
//	go test ./local/pubsub/likeness -v -rapid.checks 500 -rapid.seed 7
//	go test ./local/pubsub/likeness -run none -bench . -benchtime 1x
package likeness
