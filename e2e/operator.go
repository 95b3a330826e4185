package e2e

import (
	"context"
	"net/http"
	"net/url"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	inventoryv1 "orderflow.dev/gen/orderflow/inventory/v1"
	operationsv1 "orderflow.dev/gen/orderflow/operations/v1"
	orderv1 "orderflow.dev/gen/orderflow/order/v1"
)

// OperatorScope is what an operator's token must be good for.
const OperatorScope = "operator"

// Operator is one operator, speaking HTTP to a gateway. The token has OperatorScope.
type Operator struct{ Customer }

// Find reads a page of anybody's orders; query is customer, status, reason, origin, from, to, unended, stuck, page_size,
// page_token.
func (o Operator) Find(ctx context.Context, query url.Values) (*operationsv1.FindOrdersResponse, error) {
	page := &operationsv1.FindOrdersResponse{}
	return page, o.call(ctx, http.MethodGet, "/v1/operations/orders?"+query.Encode(), nil, page)
}

// Show reads everything that is known of an order.
func (o Operator) Show(ctx context.Context, id string) (*operationsv1.OrderStory, error) {
	story := &operationsv1.OrderStory{}
	return story, o.call(ctx, http.MethodGet, "/v1/operations/orders/"+url.PathEscape(id), nil, story)
}

// Act does something to an order. key is the act's idempotency key: under it the same act may be sent again.
func (o Operator) Act(ctx context.Context, id, key string, r *operationsv1.OperateOrderRequest) (*orderv1.Order, error) {
	resp := &operationsv1.OperateOrderResponse{}
	err := o.post(ctx, "/v1/operations/orders/"+url.PathEscape(id)+"/acts", key, r, resp)
	return resp.GetOrder(), err
}

// Stock reads a product's stock and the last corrections of it.
func (o Operator) Stock(ctx context.Context, sku string) (*inventoryv1.GetItemResponse, error) {
	item := &inventoryv1.GetItemResponse{}
	return item, o.call(ctx, http.MethodGet, "/v1/operations/stock?"+url.Values{"sku": {sku}}.Encode(), nil, item)
}

// AdjustStock corrects a product's stock, once per key.
func (o Operator) AdjustStock(ctx context.Context, key string, r *operationsv1.AdjustStockRequest) (*inventoryv1.AdjustStockResponse, error) {
	resp := &inventoryv1.AdjustStockResponse{}
	return resp, o.post(ctx, "/v1/operations/stock/adjustments", key, r, resp)
}

func (o Operator) post(ctx context.Context, path, key string, req, resp proto.Message) error {
	body, err := protojson.Marshal(req)
	if err != nil {
		return err
	}
	_, raw, err := o.do(ctx, http.MethodPost, path, body, map[string]string{"Idempotency-Key": key})
	if err != nil {
		return err
	}
	return protojson.Unmarshal(raw, resp)
}
