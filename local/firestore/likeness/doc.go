// Package likeness holds Firestore in this process against Google's emulator: its tests let both answer the same
// generated sequences of requests, and compare what they answer.
//
// A sequence that is answered differently is shrunk and printed with both answers. Where Google's emulator is unlike the
// real service, the difference is in a list, with its reason; anything else fails.
//
//	go test ./local/firestore/likeness -v -ops 100000 -rapid.seed 7
package likeness
