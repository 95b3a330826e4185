package archive

import (
	"context"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"orderflow.dev/internal/platform/bucket"
	"orderflow.dev/internal/platform/object"
)

// nameFormat is the time in a file's name: Pub/Sub's YYYY-MM-DD/hh_mm_ssZ. Names are so in the order of time.
const nameFormat = "2006-01-02/15_04_05Z"

// OpenTime is how long a file may be open before it is written: Pub/Sub's longest max_duration. Its name may say when it
// was begun.
const OpenTime = 10 * time.Minute

// Prefix begins the names of a topic's files.
func Prefix(topic string) string { return "events/" + topic + "/" }

// Name is a file's name: of a topic, made at a time, with an id of its own.
func Name(topic string, made time.Time, id string) string {
	return Prefix(topic) + made.UTC().Format(nameFormat) + "_" + id + ".avro"
}

// madeAt is the time in a file's name.
func madeAt(topic, name string) (time.Time, error) {
	rest := strings.TrimPrefix(name, Prefix(topic))
	at, err := time.Parse(nameFormat, rest[:min(len(nameFormat), len(rest))])
	if err != nil {
		return at, fmt.Errorf("%s is no name of an archive file: %w", name, err)
	}
	return at, nil
}

// Window is a time in which events were published: From ≤ t < To.
type Window struct {
	From, To time.Time
	// Late is how long after its publication an event may have been written. Files of a later time are not read.
	Late time.Duration
}

// Contains says whether t is in the window.
func (w Window) Contains(t time.Time) bool { return !t.Before(w.From) && t.Before(w.To) }

// page is how many names one call lists.
const page = 1000

// Files are the files of a topic that may have events of the window, oldest first. Errors: those of bucket.List; a file
// whose name says no time.
func Files(ctx context.Context, b *bucket.Bucket, topic string, w Window) (files []object.Object, err error) {
	last := w.To.Add(OpenTime + w.Late)
	after := Prefix(topic) + w.From.Add(-OpenTime).UTC().Format(nameFormat)
	for more := true; more; {
		var found []object.Object
		if found, after, err = b.List(ctx, Prefix(topic), after, page); err != nil {
			return nil, err
		}
		for _, o := range found {
			made, err := madeAt(topic, o.Name)
			if err != nil {
				return nil, err
			}
			if made.After(last) {
				return files, nil
			}
			files = append(files, o)
		}
		more = after != ""
	}
	return files, nil
}

// Read calls f with every record of a file. The error names the file.
func Read(ctx context.Context, b *bucket.Bucket, o object.Object, f func(Record) error) error {
	r, err := b.Read(ctx, o.Name, o.Generation, 0, -1)
	if err != nil {
		return err
	}
	defer r.Close()
	if err := Decode(r, f); err != nil {
		return fmt.Errorf("%s: %w", o.URL(), err)
	}
	return nil
}

// File is a file of the archive, and of which topic.
type File struct {
	Topic string
	object.Object
}

// FilesOf are the files of several topics that may have events of the window.
func FilesOf(ctx context.Context, b *bucket.Bucket, topics []string, w Window) (files []File, err error) {
	for _, t := range topics {
		found, err := Files(ctx, b, t, w)
		if err != nil {
			return nil, err
		}
		for _, o := range found {
			files = append(files, File{t, o})
		}
	}
	return files, nil
}

// readers is how many files are read at once.
const readers = 8

// ReadAll reads files, several at once: f is called with every record of each, and done at each one's end, concurrently.
// The first error ends it.
func ReadAll(ctx context.Context, b *bucket.Bucket, files []File, f func(context.Context, File, Record) error, done func(File)) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(readers)
	for _, file := range files {
		group.Go(func() error {
			defer done(file)
			return Read(ctx, b, file.Object, func(r Record) error { return f(ctx, file, r) })
		})
	}
	return group.Wait()
}
