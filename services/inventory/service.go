// Package inventory is the service that owns the catalogue and the stock.
package inventory

import (
	"context"
	"log/slog"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	inventoryv1 "orderflow.dev/gen/orderflow/inventory/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/inventory"
	"orderflow.dev/internal/platform/rpc"
	"orderflow.dev/internal/platform/telemetry"
	"orderflow.dev/internal/store"
)

type config struct {
	Store  store.Config
	Gather time.Duration `env:"RESERVE_GATHER, default=3ms"` // how long reservations gather for one commit
	Load   time.Duration `env:"CATALOGUE_LOAD, default=30s"` // how long the catalogue may take to load before it is an error
}

func init() { rpc.Service("inventory", wire) }

func wire(ctx context.Context, cfg config) (rpc.Registration, error) {
	db, err := store.Open(ctx, cfg.Store.Project, "inventory")
	if err != nil {
		return nil, err
	}
	items := store.NewItems(db, db)
	catalogue := inventory.NewCatalogue(items, time.Now)
	go catalogue.Run(ctx, func(err error) {
		telemetry.Log(ctx, slog.LevelWarn, "the catalogue's listener failed and is started again", slog.Any("error", err))
	})
	loading, cancel := context.WithTimeout(ctx, cfg.Load)
	defer cancel()
	if err := catalogue.Loaded(loading); err != nil {
		return nil, err
	}
	return Register(catalogue, inventory.NewReserving(store.NewInventory(db), cfg.Gather), inventory.Stocking{Items: items}), nil
}

// Register puts the service on a server. The catalogue's Run is the caller's.
func Register(catalogue *inventory.Catalogue, reserving *inventory.Reserving, stocking inventory.Stocking) rpc.Registration {
	s := &server{catalogue: catalogue, reserving: reserving, stocking: stocking}
	return func(r grpc.ServiceRegistrar) { inventoryv1.RegisterInventoryServiceServer(r, s) }
}

type server struct {
	inventoryv1.UnimplementedInventoryServiceServer
	catalogue *inventory.Catalogue
	reserving *inventory.Reserving
	stocking  inventory.Stocking
}

func (s *server) QuoteItems(ctx context.Context, req *inventoryv1.QuoteItemsRequest) (*inventoryv1.QuoteItemsResponse, error) {
	known, unknown, err := s.catalogue.Quote(ctx, req.GetSkus())
	if err != nil {
		return nil, err
	}
	resp := &inventoryv1.QuoteItemsResponse{UnknownSkus: unknown}
	for _, i := range known {
		resp.Quotes = append(resp.Quotes, &inventoryv1.Quote{Sku: i.SKU, Name: i.Name, UnitPrice: i.UnitPrice})
	}
	return resp, nil
}

func (s *server) ReserveStock(ctx context.Context, req *inventoryv1.ReserveStockRequest) (*inventoryv1.ReserveStockResponse, error) {
	r, err := s.reserving.Reserve(ctx, req.GetOrderId(), req.GetQuantities())
	if err != nil {
		return nil, err
	}
	return &inventoryv1.ReserveStockResponse{Reservation: reservation(r)}, nil
}

func (s *server) ReleaseStock(ctx context.Context, req *inventoryv1.ReleaseStockRequest) (*inventoryv1.ReleaseStockResponse, error) {
	r, err := s.reserving.Release(ctx, req.GetOrderId())
	if err != nil {
		return nil, err
	}
	return &inventoryv1.ReleaseStockResponse{Reservation: reservation(r)}, nil
}

func reservation(r *inventory.Reservation) *inventoryv1.Reservation {
	return &inventoryv1.Reservation{OrderId: r.OrderID, State: r.State}
}

func (s *server) GetItem(ctx context.Context, req *inventoryv1.GetItemRequest) (*inventoryv1.GetItemResponse, error) {
	i, adjustments, err := s.stocking.Story(ctx, req.GetSku())
	if err != nil {
		return nil, err
	}
	resp := &inventoryv1.GetItemResponse{Item: item(i)}
	for _, a := range adjustments {
		resp.Adjustments = append(resp.Adjustments, adjustment(a))
	}
	return resp, nil
}

func (s *server) AdjustStock(ctx context.Context, req *inventoryv1.AdjustStockRequest) (*inventoryv1.AdjustStockResponse, error) {
	i, a, err := s.stocking.Adjust(ctx, inventory.Adjustment{
		ID: req.GetAdjustmentId(), SKU: req.GetSku(), Delta: req.GetDelta(), By: req.GetBy(), Note: req.GetNote(),
	})
	if err != nil {
		return nil, err
	}
	return &inventoryv1.AdjustStockResponse{Item: item(i), Adjustment: adjustment(a)}, nil
}

func adjustment(a inventory.Adjustment) *inventoryv1.StockAdjustment {
	return &inventoryv1.StockAdjustment{
		AdjustmentId: a.ID, Sku: a.SKU, Delta: a.Delta, StockAfter: a.After, By: a.By, Note: a.Note, AdjustTime: timestamppb.New(a.Time),
	}
}

func (s *server) ListItems(ctx context.Context, req *inventoryv1.ListItemsRequest) (*inventoryv1.ListItemsResponse, error) {
	items, next, err := s.stocking.List(ctx, int(req.GetPageSize()), req.GetPageToken())
	if err != nil {
		return nil, err
	}
	resp := &inventoryv1.ListItemsResponse{NextPageToken: next}
	for _, i := range items {
		resp.Items = append(resp.Items, item(i))
	}
	return resp, nil
}

func item(i inventory.Stocked) *inventoryv1.Item {
	return &inventoryv1.Item{Sku: i.SKU, Name: i.Name, UnitPrice: i.UnitPrice, Available: i.Available, Held: i.Held}
}

func (s *server) UpsertItems(ctx context.Context, req *inventoryv1.UpsertItemsRequest) (*inventoryv1.UpsertItemsResponse, error) {
	items := make([]inventory.Stated, len(req.GetItems()))
	for i, it := range req.GetItems() {
		price := it.GetUnitPrice()
		if price == nil {
			price = &typev1.Money{}
		}
		items[i] = inventory.Stated{Item: inventory.Item{SKU: it.GetSku(), Name: it.GetName(), UnitPrice: price}, Stock: it.GetStock(), Line: it.GetLine()}
	}
	ignored, err := s.stocking.Upsert(ctx, req.GetGeneration(), items)
	if err != nil {
		return nil, err
	}
	resp := &inventoryv1.UpsertItemsResponse{}
	for _, i := range ignored {
		resp.Ignored = append(resp.Ignored, &inventoryv1.IgnoredItem{Sku: i.SKU, Generation: i.Generation, Line: i.Line})
	}
	return resp, nil
}
