package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/timestamppb"

	importingv1 "orderflow.dev/gen/orderflow/importing/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/importing"
)

// Import is an import as whoever uploaded its file sees it. url names an object of the reports bucket for people; only
// what exists is named.
func Import(im *importing.Import, url func(name string) string) *importingv1.Import {
	t := im.Tally
	v := &importingv1.Import{
		ImportId: im.ID, File: im.Upload.Name, Source: im.Source, State: ImportState(im.State), Problem: im.Problem,
		Size: im.Upload.Size, Done: done(im), Chunks: int32(im.Chunks), ChunksDone: int32(im.ChunksDone), Sequential: im.Sequential,
		Rows: t.Rows, Orders: t.Orders, AlreadyThere: t.AlreadyThere, RejectedOrders: t.RejectedOrders, RejectedRows: t.RejectedRows,
		Items: t.Items, Superseded: t.Superseded, RejectedByReason: t.Reasons, Totals: totals(t.Money), CreateTime: timestamp(im.Created), EndTime: timestamp(im.Ended),
	}
	if im.State.Final() {
		v.SummaryUri = url(importing.SummaryName(im.ID))
	}
	if im.State.Final() && t.RejectedRows > 0 {
		v.RejectsUri = url(importing.RejectsName(im))
	}
	return v
}

// ImportState is where an import stands.
func ImportState(s importing.State) importingv1.ImportState {
	return importingv1.ImportState(importingv1.ImportState_value["IMPORT_STATE_"+string(s)])
}

// done is how much of the upload has been worked through, in bytes as they were uploaded. Chunks count neither the header
// nor, of a file that is packed, packed bytes.
func done(im *importing.Import) int64 {
	switch {
	case im.Chunks == 0 || !im.Gzip && im.ChunksDone < im.Chunks:
		return im.Read
	case im.ChunksDone == im.Chunks:
		return im.Upload.Size
	}
	return int64(float64(im.Upload.Size) * float64(im.Read) / float64(max(im.Planned.End, 1)))
}

// totals are amounts by currency, in the order of its code.
func totals(money map[string]int64) (totals []*typev1.Money) {
	for _, currency := range slices.Sorted(maps.Keys(money)) {
		totals = append(totals, &typev1.Money{CurrencyCode: currency, MinorUnits: money[currency]})
	}
	return totals
}

// timestamp is none for a time that has not come.
func timestamp(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

// ImportJSON is Import as the report's summary: JSON with the proto's own field names, indented, and always the same for
// the same import, which protojson's own white space is not.
func ImportJSON(im *importing.Import, url func(name string) string) ([]byte, error) {
	raw, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(Import(im, url))
	if err != nil {
		return nil, fmt.Errorf("write import %s as JSON: %w", im.ID, err)
	}
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "", "  "); err != nil {
		return nil, fmt.Errorf("write import %s as JSON: %w", im.ID, err)
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}
