// Package workflows runs Google Cloud Workflows definitions locally, unmodified,
// and serves the Workflow Executions API for them over gRPC and REST, so that
// production code that starts executions runs unchanged.
//
// [Compile] reads and checks a definition, [NewEngine] makes an engine to deploy
// it to, [Engine.Serve] answers clients. What the engine does not support is
// refused by name when the definition is compiled; nothing is ignored.
//
// Connectors (googleapis.*) call emulators, other endpoints of [Options] or Google
// Cloud; those of executions call the engine itself. Callbacks are served beside
// the API.
//
// Where the documentation of the service leaves a question open, the comment at
// the code that answers it says so.
package workflows
