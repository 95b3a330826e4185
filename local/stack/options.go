package stack

import (
	"io"
	"time"

	"orderflow.dev/local/chaos"
)

// Options configure a stack. The zero value is usable.
type Options struct {
	Dir   string       // state; a temporary folder, removed at the end, if empty
	Keep  bool         // keep everything in Dir, so that a stack goes on there after a restart, however this one ended
	Log   io.Writer    // the log lines of everything; Dir/log.jsonl has them in any case
	Port  int          // of the gateway; a free one if zero
	Steps func(string) // told what is being started

	Emulators string // of Firestore and Pub/Sub: cloud.Embedded or cloud.Google; see cloud.Options

	Register    bool // let other commands of this user find the stack (Running)
	Isolate     bool // a process for each function and service, with the roles of its file; the program calls BeUnit
	Inventories int  // so many inventory processes behind one address

	Chaos *chaos.Chaos // makes things go wrong, between its Start and Stop; wants Isolate

	SweepEvery      time.Duration // runs the sweeps this often instead of by their cron lines
	OrderExpiry     time.Duration // production's default if zero, as the following
	SagaPatience    time.Duration
	JournalGrace    time.Duration
	ProviderTimeout time.Duration
	WebhookDelay    time.Duration
	ImportPatience  time.Duration
	ImportRate      int    // orders a second
	StartsPerSecond int    // Workflows refuses more; no limit if zero
	FirestoreHeap   string // of Google's emulators, which keep all documents and messages in memory: java's -Xmx
	PubSubHeap      string
}
