// Command emulators says whether Google's emulators are on this machine, so that a run of the tests can say what it has not
// tested.
package main

import (
	"flag"
	"fmt"
	"os"

	"orderflow.dev/local/google"
)

const usage = `emulators exits with 0 if Google's Firestore and Pub/Sub emulators are on this machine, and a java to run them.
Otherwise it says what is missing, and what is therefore not tested, and exits with 1. Nothing else needs them.

Example:
  go run ./scripts/emulators && ORDERFLOW_EMULATORS=google go test ./e2e
`

func main() {
	flag.Usage = func() { fmt.Fprint(flag.CommandLine.Output(), usage) }
	flag.Parse()
	if err := google.Installed(); err != nil {
		fmt.Printf(`
!!! NOT TESTED: that the embedded Firestore and Pub/Sub are as Google's, and that the pipeline runs on Google's
!!! emulators. They are not on this machine, and only these tests need them:
%v
`, err)
		os.Exit(1)
	}
}
