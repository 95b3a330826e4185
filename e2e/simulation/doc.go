// Package simulation runs the pipeline in one process under a virtual clock and a seed, and holds every promise against
// what came of it (docs/promises.md).
//
// What runs is what ships: the functions' and services' handlers, the domain, the repositories, the workflow YAML on the
// local engine. What is simulated is the world around them: a document database in memory, a broker, a network, a
// payment provider, customers, and processes that die.
//
// Every operation that leaves a process takes a time that the seed gives it (testing/synctest makes that free): the
// order of these times is the interleaving. Each decision, of time or of a fault, is a hash of the seed and of who does
// what for the how-manieth time, never of what happened before it. So one fault, one order, or a whole class of faults
// can be taken away and everything else stays as it was: that is how a failing run is shrunk.
//
//	go test ./e2e/simulation                                   # a fresh seed, which it prints
//	go test ./e2e/simulation -run Promises -seed 42            # the run of one seed again, with the timeline if it fails
//	go test ./e2e/simulation -run Promises -orders 100000 -timeout 60m
package simulation
