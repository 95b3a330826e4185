package imports

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/api"
	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/importing"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/platform/auth"
	"orderflow.dev/internal/platform/event"
	"orderflow.dev/internal/store"
)

// Orders is importing.Orders by the use case that takes orders over HTTP.
type Orders struct {
	Placing order.Placing
}

// Place implements importing.Orders.
func (c Orders) Place(ctx context.Context, o importing.Order) (importing.Placed, error) {
	there, _, err := c.Placing.Place(ctx, request(o))
	if fault.Reason(err) == "idempotency_key_reused" {
		err = fault.New(codes.InvalidArgument, importing.AlreadyImported,
			"order_ref %s was imported before, with other content: give an order that is another a reference of its own", o.Ref)
	} else if err != nil {
		return importing.Placed{}, err
	}
	id, line, originErr := parseOrigin(there.Origin)
	return importing.Placed{
		ImportID: id, FirstLine: line, Currency: there.Total().GetCurrencyCode(), MinorUnits: there.Total().GetMinorUnits(),
	}, cmp.Or(originErr, err)
}

func request(o importing.Order) order.Request {
	r := order.Request{
		Source: o.Source, IdempotencyKey: o.Ref, CustomerID: auth.CustomerID("orders/"+o.Source, o.CustomerID),
		Origin: fmt.Sprintf("%s:%d", o.ImportID, o.FirstLine), PaymentMethod: o.PaymentMethod, Note: o.Note,
	}
	for _, l := range o.Lines {
		line := order.Line{SKU: l.SKU, Quantity: l.Quantity}
		if l.UnitPrice != nil {
			line.UnitPrice = &typev1.Money{CurrencyCode: l.Currency, MinorUnits: *l.UnitPrice}
		}
		r.Lines = append(r.Lines, line)
	}
	return r
}

// parseOrigin reads which import made an order; none, if the order was lost and rebuilt from its events.
func parseOrigin(origin string) (importID string, line int64, err error) {
	if origin == order.RebuiltOrigin {
		return "", 0, nil
	}
	id, n, ok := strings.Cut(origin, ":")
	line, err = strconv.ParseInt(n, 10, 64)
	if !ok || err != nil {
		return "", 0, fault.Wrap(err, codes.DataLoss, "no_origin", "an order of a file says it comes from %q", origin)
	}
	return id, line, nil
}

// Messages is importing.Messages by Pub/Sub.
type Messages struct {
	Publisher *event.Publisher
	Now       func() time.Time
}

// Work implements importing.Messages.
func (m Messages) Work(ctx context.Context, c *importing.Chunk) error {
	return m.Publisher.Publish(ctx, event.Of("imports", fmt.Sprintf("%s-%06d", c.ImportID, c.Number), &eventv1.ImportChunk{
		ImportId: c.ImportID, Seq: int64(c.Sent) + 1, EventTime: timestamppb.New(m.Now()), Chunk: int32(c.Number),
	}))
}

// Announce implements importing.Messages.
func (m Messages) Announce(ctx context.Context, im *importing.Import) error {
	t := im.Tally
	e := &eventv1.OrdersImported{
		ImportId: im.ID, Seq: 1, EventTime: timestamppb.New(im.Ended), Source: im.Source, File: im.Upload.Name,
		Rows: t.Rows, Orders: t.Orders, AlreadyThere: t.AlreadyThere, RejectedOrders: t.RejectedOrders, RejectedRows: t.RejectedRows,
	}
	for _, currency := range slices.Sorted(maps.Keys(t.Money)) {
		e.Totals = append(e.Totals, &typev1.Money{CurrencyCode: currency, MinorUnits: t.Money[currency]})
	}
	return m.Publisher.Publish(ctx, event.Of("imports", im.ID, e))
}

// Config is what every function of imports opens.
type Config struct {
	Project  string        `env:"GOOGLE_CLOUD_PROJECT, required"`
	Uploads  string        `env:"UPLOADS_BUCKET, required"`
	Reports  string        `env:"REPORTS_BUCKET, required"`
	Patience time.Duration `env:"IMPORT_PATIENCE, default=10m"` // how long the sweep waits for somebody at work on an import
}

// PlannerConfig is what planning takes.
type PlannerConfig struct {
	Imports   Config
	ChunkSize int64 `env:"IMPORT_CHUNK_BYTES, default=8388608"` // about how large a chunk is
}

// NewPlanner opens all that planning imports needs.
func NewPlanner(ctx context.Context, cfg PlannerConfig) (importing.Planner, error) {
	reporter, uploads, err := openImports(ctx, cfg.Imports)
	return importing.Planner{
		Reporter: reporter, Uploads: uploads, UploadsIn: cfg.Imports.Uploads, Patience: cfg.Imports.Patience, ChunkSize: cfg.ChunkSize,
	}, err
}

// NewWorker opens all that working on chunks needs, but for the orders.
func NewWorker(ctx context.Context, cfg Config) (importing.Worker, error) {
	reporter, uploads, err := openImports(ctx, cfg)
	return importing.Worker{Reporter: reporter, Uploads: uploads, Patience: cfg.Patience}, err
}

func openImports(ctx context.Context, cfg Config) (importing.Reporter, *Bucket, error) {
	db, err := store.Open(ctx, cfg.Project, "imports")
	if err != nil {
		return importing.Reporter{}, nil, err
	}
	publisher, err := event.NewPublisher(ctx, cfg.Project)
	if err != nil {
		return importing.Reporter{}, nil, err
	}
	uploads, err := NewBucket(ctx, cfg.Uploads)
	if err != nil {
		return importing.Reporter{}, nil, err
	}
	reports, err := NewBucket(ctx, cfg.Reports)
	return importing.Reporter{
		Imports: store.NewImports(db), Reports: reports, Messages: Messages{publisher, time.Now}, Now: time.Now,
		Summary: func(im *importing.Import) ([]byte, error) { return api.ImportJSON(im, reports.URL) },
	}, uploads, err
}
