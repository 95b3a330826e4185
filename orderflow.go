// Package orderflow holds the descriptions of the tree's units, for the tools that work on all of them: the local
// stack, the bundler, the tests. Nothing that is deployed imports it.
package orderflow

import "embed"

// Tree is every function.yaml, service.yaml and workflow, and the schema of each topic, at its path in the repository.
//
//go:embed functions/*/*/function.yaml services/*/service.yaml workflows/*.yaml terraform/modules/pipeline/schemas/*.proto
var Tree embed.FS

// Schema is the definition of what may be published to a topic, in the protobuf language; empty if anything.
func Schema(topic string) string {
	definition, err := Tree.ReadFile("terraform/modules/pipeline/schemas/" + topic + ".proto")
	if err != nil {
		return "" // Terraform makes a schema of every file that there is, and so does this
	}
	return string(definition)
}
