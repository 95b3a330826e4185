// Package psp stands for the payment service provider: a charge API with
// idempotency keys, a ledger of its own, and signed webhooks.
//
// The payment method of a charge decides what happens, so that every way a
// provider can behave is reached on purpose: see the Method constants. The
// [Ledger] holds all decisions and no network; the [Server] is HTTP around it.
package psp

// Payment methods the provider knows. Any other is refused.
const (
	// MethodApprove approves at once.
	MethodApprove = "pm_approve"
	// MethodDecline declines at once.
	MethodDecline = "pm_decline"
	// MethodPending answers pending; a webhook approves later.
	MethodPending = "pm_pending"
	// MethodPendingDecline answers pending; a webhook declines later.
	MethodPendingDecline = "pm_pending_decline"
	// MethodNever answers pending and stays so.
	MethodNever = "pm_never"
	// MethodTimeoutCharged approves, but the first request gets no answer.
	MethodTimeoutCharged = "pm_timeout_charged"
	// MethodTimeoutNotCharged loses the first request and approves later ones.
	MethodTimeoutNotCharged = "pm_timeout_not_charged"
	// MethodFlaky is unavailable twice and then approves.
	MethodFlaky = "pm_flaky"
)

// flakyFailures is how many requests MethodFlaky turns away per key.
const flakyFailures = 2

// Status is where a charge stands.
type Status string

// The states of a charge. All but Pending are final.
const (
	Approved Status = "approved"
	Declined Status = "declined"
	Pending  Status = "pending"
	Voided   Status = "voided"
)
