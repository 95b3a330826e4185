package importing

import (
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/importing/rows"
)

// Reporter ends imports.
type Reporter struct {
	Imports  Store
	Reports  Bucket
	Messages Messages
	Now      func() time.Time
	Summary  func(im *Import) ([]byte, error) // an import as JSON, for who uploaded its file
}

// SummaryName and RejectsName are an import's report in the reports bucket.
func SummaryName(id string) string { return "reports/" + id + "/summary.json" }

// RejectsName is the rejected rows of an import, in the form of its file.
func RejectsName(im *Import) string {
	return "reports/" + im.ID + "/rejects." + string(orCSV(im.Layout.Format))
}

func orCSV(f rows.Format) rows.Format {
	if f == "" {
		return rows.CSV
	}
	return f
}

// Report writes the report of an import whose chunks are all done, or whose file cannot be read, and ends it. Again, it
// writes the same. Somebody else may do so meanwhile.
func (r Reporter) Report(ctx context.Context, im *Import) error {
	if err := r.report(ctx, im); !errors.Is(err, ErrConflict) {
		return err
	}
	return nil // the other ends it, or the sweep does
}

func (r Reporter) report(ctx context.Context, im *Import) error {
	if im.State == Reporting {
		if im.Tally.RejectedRows > 0 {
			if err := r.rejects(ctx, im); err != nil {
				return err
			}
		}
		im.State = Done
		if im.Tally.Rows == 0 {
			im.State, im.Problem = Failed, cmp.Or(im.Problem, noRows) // or they are all blank
		}
		if err := r.summarise(ctx, im); err != nil {
			return err
		}
		if err := r.Imports.Save(ctx, im); err != nil {
			return err
		}
	}
	if im.Announced {
		return nil
	}
	if im.Kind == rows.Orders { // of a catalogue there are no orders to tell of, and nobody asks
		if err := r.Messages.Announce(ctx, im); err != nil {
			return err
		}
	}
	im.Announced, im.NextLook = true, time.Time{}
	return r.Imports.Save(ctx, im)
}

func (r Reporter) summarise(ctx context.Context, im *Import) error {
	summary, err := r.Summary(im)
	if err != nil {
		return err
	}
	return r.Reports.Write(ctx, SummaryName(im.ID), "application/json", func(out io.Writer) error {
		_, err := out.Write(summary)
		return err
	})
}

// chunksAtOnce is how many chunks' records are read in one go.
const chunksAtOnce = 100

// rejects joins the parts that the chunks left, in the order of the file.
func (r Reporter) rejects(ctx context.Context, im *Import) error {
	gone := 0
	err := r.Reports.Write(ctx, RejectsName(im), contentType(im.Layout), func(out io.Writer) error {
		if _, err := io.WriteString(out, rejectsHeader(im.Layout)); err != nil {
			return err
		}
		for from := 0; from < im.Chunks; from += chunksAtOnce {
			chunks, err := r.Imports.ChunksOf(ctx, im.ID, from, chunksAtOnce)
			if err != nil {
				return err
			}
			for _, c := range chunks {
				n, err := r.join(ctx, out, c.Rejects)
				if err != nil {
					return err
				}
				gone += n
			}
		}
		return nil
	})
	if gone > 0 {
		im.Problem = "some of the rejected rows were deleted before the report was written: upload the file again for all of them"
	}
	return err
}

// join writes parts of the rejects one behind the other, and answers how many somebody has deleted: a report without them is
// better than none.
func (r Reporter) join(ctx context.Context, out io.Writer, parts []string) (gone int, err error) {
	for _, name := range parts {
		src, err := r.Reports.Read(ctx, name, 0, 0, -1)
		if fault.Code(err) == codes.NotFound {
			gone++
			continue
		}
		if err != nil {
			return gone, err
		}
		_, err = io.Copy(out, src)
		src.Close()
		if err != nil {
			return gone, fmt.Errorf("join rejects: %w", err)
		}
	}
	return gone, nil
}

func contentType(l rows.Layout) string {
	if l.Format == rows.NDJSON {
		return "application/x-ndjson"
	}
	return "text/csv; charset=utf-8"
}

// Columns that rejects have beside the file's own. A file that is uploaded again may keep them: nobody reads them.
const (
	lineColumn   = "rejected_line"
	reasonColumn = "rejected_reason"
)

func rejectsHeader(l rows.Layout) string {
	if orCSV(l.Format) == rows.NDJSON {
		return ""
	}
	return l.Header + l.Delimiter + lineColumn + l.Delimiter + reasonColumn + "\n"
}

// writeRejects writes a group's rows as they were, each with its line and what is wrong: with itself, or with its order.
func writeRejects(out *bytes.Buffer, l rows.Layout, g *rows.Group, why error) {
	whole := words(why)
	for _, row := range g.Rows {
		reason := whole
		if row.Err != nil {
			reason = words(row.Err)
		}
		writeReject(out, l, row, reason)
	}
}

// words is an error for whoever made the file: its message without our codes, and without causes, which are ours.
func words(err error) string {
	said := *fault.Of(err)
	said.Cause = nil
	return oneLine(&said)
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

func writeReject(out *bytes.Buffer, l rows.Layout, row rows.Row, reason string) {
	if l.Format == rows.NDJSON {
		writeRejectJSON(out, row, reason)
		return
	}
	out.WriteString(row.Raw)
	w := csv.NewWriter(out)
	w.Comma = []rune(l.Delimiter)[0]
	out.WriteString(l.Delimiter)
	_ = w.Write([]string{strconv.FormatInt(row.Line, 10), reason}) // to memory
	w.Flush()
}

// writeRejectJSON adds the columns to the row's object, or keeps as text what is none.
func writeRejectJSON(out *bytes.Buffer, row rows.Row, reason string) {
	object := map[string]json.RawMessage{}
	if json.Unmarshal([]byte(row.Raw), &object) != nil || object == nil {
		object = map[string]json.RawMessage{"rejected_row": jsonOf(strings.ToValidUTF8(row.Raw, "\ufffd"))}
	}
	object[lineColumn], object[reasonColumn] = jsonOf(row.Line), jsonOf(reason)
	out.Write(jsonOf(object))
	out.WriteByte('\n')
}

func jsonOf(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // only of types that marshal
	}
	return b
}
