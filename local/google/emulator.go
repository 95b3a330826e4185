package google

import (
	"fmt"
	"os"
	"path/filepath"
)

// emulator is how one of the two is started and recognised.
type emulator struct {
	name  string // for people
	file  string // stem of its log and archive
	jar   string
	heap  string   // java's -Xmx
	flags []string // between the heap and the address
	// readyLine is what it logs once it serves.
	readyLine string
}

func emulators(in installation, o Options) (firestore, pubsub emulator) {
	firestore = emulator{
		name: Firestore, file: "firestore", jar: in.firestore, heap: o.FirestoreHeap,
		flags: []string{
			"-cp", in.firestore, "com.google.cloud.datastore.emulator.firestore.CloudFirestore", "start",
		},
		readyLine: "Dev App Server is now running",
	}
	pubsub = emulator{
		name: PubSub, file: "pubsub", jar: in.pubsub, heap: o.PubSubHeap,
		flags:     []string{"-jar", in.pubsub},
		readyLine: "Server started, listening on",
	}
	return firestore, pubsub
}

// args is the command line after java. The serial collector and an archive of
// loaded classes cut the start to a third; English keeps the log readable for
// this program.
func (e emulator) args(a archive, port int) []string {
	args := []string{"-XX:+UseSerialGC", "-Xmx" + e.heap, "-Duser.language=en"}
	args = append(args, a.flags()...)
	args = append(args, e.flags...)
	return append(args, "--host=127.0.0.1", fmt.Sprintf("--port=%d", port))
}

func (e emulator) logPath(dir string) string {
	return filepath.Join(dir, e.file+"-emulator.log")
}

// tail returns the last lines of a log for an error message.
func tail(path string) string {
	const size = 2 << 10
	data, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return string(data[max(0, len(data)-size):])
}
