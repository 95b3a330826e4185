package archive_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orderflow.dev/internal/archive"
	"orderflow.dev/internal/platform/bucket"
	"orderflow.dev/local/cloudtest"
)

func TestMain(m *testing.M) { cloudtest.Main(m, cloudtest.Storage) }

func write(t *testing.T, b *bucket.Bucket, name string, content []byte) {
	t.Helper()
	w := b.Create(t.Context(), name, archive.ContentType, nil)
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestFilesThatMayHaveEventsOfTheWindowAreFound(t *testing.T) {
	t.Parallel()
	b := cloudtest.Bucket(t, archive.Bucket)
	name := "orderflow.event.v1." + cloudtest.NewID()
	var all []string
	for _, after := range []time.Duration{-24 * time.Hour, -11 * time.Minute, -10 * time.Minute, 0, 59 * time.Minute, 129 * time.Minute, 131 * time.Minute, 48 * time.Hour} {
		all = append(all, archive.Name(name, noon.Add(after), "id"))
		write(t, b, all[len(all)-1], []byte("x"))
	}
	write(t, b, archive.Prefix(name+"Not")+"another", nil)
	files, err := archive.Files(t.Context(), b, name, archive.Window{From: noon, To: noon.Add(time.Hour), Late: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range files {
		got = append(got, f.Name)
	}
	// A file may have been open for ten minutes when it got its name, or before it got it.
	if diff := cmp.Diff(all[2:6], got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	write(t, b, archive.Prefix(name)+"2026-11-23/somewhen.avro", nil)
	if files, err := archive.Files(t.Context(), b, name, archive.Window{From: noon, To: noon.Add(72 * time.Hour)}); err == nil {
		t.Errorf("a file without a time was found among %d", len(files))
	}
}

func TestNamesAreInTheOrderOfTime(t *testing.T) {
	t.Parallel()
	var names []string
	for _, after := range []time.Duration{0, time.Second, time.Minute, time.Hour, 13 * time.Hour, 24 * time.Hour, 40 * 24 * time.Hour} {
		names = append(names, archive.Name("t", noon.Add(after).In(time.FixedZone("", 3600)), "id"))
	}
	if !slices.IsSorted(names) || names[0] != "events/t/2026-11-23/12_00_00Z_id.avro" {
		t.Errorf("names %v", names)
	}
}

func TestReplaysAreRemembered(t *testing.T) {
	t.Parallel()
	b := cloudtest.Bucket(t, archive.Bucket)
	first := archive.Replay{ID: "2", By: "ann", Reason: "mail is back", StartTime: noon, From: noon.Add(-time.Hour), To: noon, Types: []string{topic}, Selected: 2}
	second := archive.Replay{ID: "1", By: "ben", Reason: "again", StartTime: noon.Add(time.Minute), EndTime: noon.Add(time.Hour), Order: "o", Function: "f"}
	for _, r := range []archive.Replay{first, second} {
		if err := archive.SaveReplay(t.Context(), b, r); err != nil {
			t.Fatal(err)
		}
	}
	first.EndTime, first.Replayed = noon.Add(time.Second), 2
	if err := archive.SaveReplay(t.Context(), b, first); err != nil {
		t.Fatal(err)
	}
	got, err := archive.Replays(t.Context(), b)
	if diff := cmp.Diff([]archive.Replay{first, second}, got); err != nil || diff != "" {
		t.Errorf("error %v, replays (-want +got):\n%s", err, diff)
	}
}
