// Package chaos makes things go wrong between Orderflow's processes and everything that they reach, from a seed: stores that
// are away, answers that are lost, messages that come twice, late or in another order, executions that are lost or doubled,
// a provider that does not answer, and processes that are killed at labelled points.
//
// Which call of which kind goes wrong is a choice of the seed alone: "the 17th commit of confirm-order is applied and its
// answer lost". Which order that hits is the machine's choice, so the same seed is the same pressure and not the same run;
// that is what e2e/simulation has.
package chaos
