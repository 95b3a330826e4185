// Package inventory is the catalogue, the stock, and the reservations that orders hold on it.
package inventory

import (
	"context"
	"maps"
	"slices"

	"google.golang.org/grpc/codes"

	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/fault"
)

// State is where a reservation stands.
type State = typev1.ReservationState

// A reservation is HELD and then perhaps RELEASED, or REFUSED, or RELEASED without ever having been held (a tombstone).
const (
	Held     = typev1.ReservationState_RESERVATION_STATE_HELD
	Refused  = typev1.ReservationState_RESERVATION_STATE_REFUSED
	Released = typev1.ReservationState_RESERVATION_STATE_RELEASED
)

// Reservation is an order's claim on stock.
type Reservation struct {
	OrderID    string
	State      State
	Quantities map[string]int32 // SKU to quantity; of what was held or refused
	Short      string           // REFUSED: the first SKU of which there was not enough
	Version    any              // the store's: as it was read; nil if there is none
}

// Stock is what there is of one product: available + held is physically there.
type Stock struct {
	SKU       string
	Available int64
	Held      int64
	Stated    int64 // the last word on what is physically there: the catalogue's, and adjustments since
	Adjusted  int64 // the sum of all adjustments
	Version   any   // the store's: as it was read; nil if there is none
}

// Item is a product of the catalogue.
type Item struct {
	SKU       string
	Name      string
	UnitPrice *typev1.Money
}

// Snapshot is the reservations and stock that a group of requests is about. Nothing is missing: what does not exist
// has no Version.
type Snapshot struct {
	Reservations map[string]*Reservation
	Stock        map[string]*Stock
}

// Store keeps stock and reservations.
type Store interface {
	// Load reads what a group is about.
	Load(ctx context.Context, orderIDs []string) (map[string]*Reservation, error)
	LoadStock(ctx context.Context, skus []string) (map[string]*Stock, error)
	// Save writes all of it or nothing; ErrConflict if any of it was changed since it was loaded.
	Save(ctx context.Context, reservations []*Reservation, stock []*Stock) error
}

// ErrConflict says that another process was first: load again.
var ErrConflict = fault.New(codes.Aborted, "conflict", "stock was changed by another process")

// ErrNotFound says that the catalogue has no such product.
var ErrNotFound = fault.New(codes.NotFound, "unknown_sku", "the catalogue has no such product")

// skus are a reservation's products in a fixed order, so that decisions do not depend on a map's.
func (r *Reservation) skus() []string { return slices.Sorted(maps.Keys(r.Quantities)) }
