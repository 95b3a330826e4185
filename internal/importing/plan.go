package importing

import (
	"context"
	"errors"
	"path"
	"strings"
	"time"

	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/importing/rows"
)

// Folders of the uploads bucket. Everything else is nobody's.
const (
	ordersFolder    = "orders/"
	catalogueFolder = "catalog/"
	doneFolder      = "done/"
)

// ColumnsKey is the metadata of an upload that says how its columns are to be understood, instead of the columns.json of
// its folder.
const ColumnsKey = "columns"

const columnsFile = "columns.json"

// Planner cuts uploads into chunks.
type Planner struct {
	Reporter
	Uploads   Bucket
	UploadsIn string        // the bucket's name, which is part of an import's id
	Patience  time.Duration // how long the sweep waits for somebody at work
	ChunkSize int64         // about how many bytes a chunk has
}

// KindOf is what an upload's rows are, by its name; false if it is none: not ours, or somebody's columns.
func KindOf(name string) (rows.Kind, bool) {
	if file, ok := strings.CutPrefix(name, catalogueFolder); ok {
		return rows.Catalogue, isRows(file)
	}
	_, ok := Source(name)
	return rows.Orders, ok
}

// Source is whose orders an upload has, by its name; false if it has none.
func Source(name string) (source string, ok bool) {
	rest, ok := strings.CutPrefix(name, ordersFolder)
	if !ok {
		return "", false
	}
	source, file, ok := strings.Cut(rest, "/")
	return source, ok && source != "" && isRows(file)
}

// isRows says of a name within a folder of uploads that it is a file with rows.
func isRows(name string) bool {
	return name != "" && path.Base(name) != columnsFile && !strings.HasSuffix(name, "/")
}

// Plan makes an upload an import and cuts its file into chunks. Whatever dies on the way, planning it again goes on where
// it stood; an upload that is planned is left as it is.
func (p Planner) Plan(ctx context.Context, upload File) error {
	kind, ok := KindOf(upload.Name)
	if !ok {
		return nil
	}
	source, _ := Source(upload.Name)
	now := p.Now()
	im := &Import{
		ID: ID(p.UploadsIn, upload.Name, upload.Generation), Kind: kind, Source: source, Upload: upload, State: Planning,
		Created: now, NextLook: now.Add(p.Patience),
	}
	err := p.Imports.Create(ctx, im)
	if errors.Is(err, ErrExists) {
		im, err = p.Imports.Get(ctx, im.ID)
	}
	if err != nil {
		return err
	}
	return p.Resume(ctx, im)
}

// Resume brings an import that is being planned to work. The upload is deleted last: while it is there, trouble may have kept
// chunks from being asked for.
func (p Planner) Resume(ctx context.Context, im *Import) error {
	if im.State == Planning {
		err := p.keep(ctx, im)
		if err == nil {
			err = p.cut(ctx, im)
		}
		if problem, ok := problemOf(err); ok {
			return p.fail(ctx, im, problem)
		}
		if err != nil {
			return err
		}
	} else if there, err := p.uploaded(ctx, im); err != nil || !there {
		return err
	}
	if im.State == Working {
		if err := p.ask(ctx, im); err != nil {
			return err
		}
	}
	return p.Uploads.Delete(ctx, im.Upload.Name, im.Upload.Generation)
}

// uploaded says whether an upload is still where it was dropped.
func (p Planner) uploaded(ctx context.Context, im *Import) (bool, error) {
	files, _, err := p.Uploads.List(ctx, im.Upload.Name, "", 1)
	return len(files) > 0 && files[0].Name == im.Upload.Name && files[0].Generation == im.Upload.Generation, err
}

// problemOf is what is wrong with a file, for who uploaded it; false if the file is not at fault: what our stores refuse
// has no reason.
func problemOf(err error) (string, bool) {
	switch {
	case fault.Code(err) == codes.NotFound:
		return "the file was deleted or overwritten before all of it was read: upload it again", true
	case fault.Code(err) == codes.InvalidArgument && fault.Reason(err) != "":
		return oneLine(err), true
	}
	return "", false
}

// keep copies the upload to where nobody else writes: from then on it does not matter what becomes of the upload.
func (p Planner) keep(ctx context.Context, im *Import) error {
	if im.Kept.Name != "" {
		return nil
	}
	if im.Upload.Size > maxFile {
		return fault.New(codes.InvalidArgument, "file_too_large", "the file is larger than %d bytes: split it", int64(maxFile))
	}
	kept, err := p.Uploads.Copy(ctx, im.Upload.Name, im.Upload.Generation, doneFolder+im.ID+"/"+path.Base(im.Upload.Name))
	if err != nil {
		return err
	}
	im.Kept = kept
	return p.Imports.Save(ctx, im)
}

// cut finds out what the file is and cuts it into chunks, which it saves as it goes.
func (p Planner) cut(ctx context.Context, im *Import) error {
	r, src, err := p.open(ctx, im)
	if src != nil {
		defer src.Close()
	}
	if err != nil {
		return err
	}
	var fresh []*Chunk
	save := func() error {
		err := p.Imports.Save(ctx, im, fresh...)
		fresh = nil
		return err
	}
	err = r.Split(p.chunkSize(im), func(s rows.Span) error {
		fresh = append(fresh, &Chunk{ImportID: im.ID, Number: im.Chunks, Span: s, At: s, Changed: p.Now()})
		im.Chunks++
		im.Planned = s
		im.NextLook = p.Now().Add(p.Patience)
		if len(fresh) < savedAtOnce {
			return nil
		}
		return save()
	})
	if err != nil {
		return err
	}
	if im.Chunks == 0 {
		return fault.New(codes.InvalidArgument, "no_rows", noRows)
	}
	im.State = Working
	return save()
}

const noRows = "the file has a header and no rows"

// savedAtOnce is how many new chunks are written in one commit.
const savedAtOnce = 100

// chunkSize is that of a file that can be read from the middle; another is one chunk.
func (p Planner) chunkSize(im *Import) int64 {
	switch {
	case im.Gzip:
		im.Sequential = "the file is gzip, which can only be read from its start"
	case im.Kind == rows.Catalogue:
		im.Sequential = "a catalogue is read from its start: of two rows for one product, the first counts"
	default:
		return p.ChunkSize
	}
	return 1 << 62
}

// ask asks that every chunk be worked on that nobody has touched: one that was asked for before does no harm. What a crash
// leaves unasked, the sweep asks.
func (p Planner) ask(ctx context.Context, im *Import) error {
	for from := 0; ; from += savedAtOnce {
		chunks, err := p.Imports.ChunksOf(ctx, im.ID, from, savedAtOnce)
		if err != nil {
			return err
		}
		for _, c := range chunks {
			if c.touched() {
				continue
			}
			if err := p.Messages.Work(ctx, c); err != nil {
				return err
			}
		}
		if len(chunks) < savedAtOnce {
			return nil
		}
	}
}

// fail ends an import whose file cannot be read, with a report that says why.
func (p Planner) fail(ctx context.Context, im *Import, problem string) error {
	im.State, im.Problem, im.Ended = Reporting, problem, p.Now()
	if err := p.Imports.Save(ctx, im); err != nil {
		return err
	}
	if err := p.Report(ctx, im); err != nil {
		return err
	}
	return p.Uploads.Delete(ctx, im.Upload.Name, im.Upload.Generation)
}
