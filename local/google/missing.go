package google

import (
	"fmt"
	"strings"
)

// The parts that have to be installed, as Missing names them.
const (
	Java      = "java"
	Firestore = "Firestore emulator"
	PubSub    = "Pub/Sub emulator"
)

var install = map[string]string{
	Java: "install a JRE 17 or newer (Debian package default-jre-headless) and have it on PATH or set JAVA_HOME",
	Firestore: "run `gcloud components install cloud-firestore-emulator`" +
		" or install the Debian package google-cloud-cli-firestore-emulator",
	PubSub: "run `gcloud components install pubsub-emulator`" +
		" or install the Debian package google-cloud-cli-pubsub-emulator",
}

// Missing says which parts are not installed on this machine. It is returned as
// *Missing; find it with errors.As.
type Missing struct {
	// Parts holds Java, Firestore or PubSub, sorted.
	Parts []string
}

// Error names every missing part and how to install it.
func (m *Missing) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "not installed: %s", strings.Join(m.Parts, ", "))
	for _, part := range m.Parts {
		fmt.Fprintf(&b, "\n  %s: %s", part, install[part])
	}
	return b.String()
}
