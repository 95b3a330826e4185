// Package workflowstest tests Google Cloud Workflows definitions: [Run] executes
// one against an http.Handler that answers all its HTTP calls, in process and
// without network, under a virtual clock. A saga with retries and waits of hours
// ends in milliseconds, the same way each time; what it did, called and cost is in
// the [Result].
//
// The handler answers one call at a time, also those of parallel steps: what it
// keeps needs no lock.
//
// A handler fails a call in the ways that a network does:
//
//   - by answering with an error code;
//   - by taking too long: [Sleep] lets virtual time pass, the call's timeout may come first;
//   - by panic([ErrRefused]): no connection, the handler's effects are its own affair;
//   - by panic([http.ErrAbortHandler]): the connection breaks. After an effect that is the answer lost on its way.
package workflowstest
