// Package orderflow holds the descriptions of the tree's units, for the tools that work on all of them: the local
// stack, the bundler, the tests. Nothing that is deployed imports it.
package orderflow

import "embed"

// Tree is every function.yaml, service.yaml and workflow, at its path in the repository.
//
//go:embed functions/*/*/function.yaml services/*/service.yaml workflows/*.yaml
var Tree embed.FS
